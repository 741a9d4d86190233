"""What TFX's Trainer hands over as batches that a Distiller takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_collections
import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import GROUPS, WEIGHT, without_autotune
from kd_keras.datasets.spec import DatasetSpec
from pipelines.studies import methods
from pipelines.studies.mending import NOTHING, Changes, Given
from pipelines.tfx import schema as schemas
from pipelines.tfx.reading import SERIALIZED, Reader
from pipelines.tfx.saved_models import Model
from pipelines.tfx.transform import TransformingReader

SHUFFLE_BUFFER = 10_000  # Examples.
READ_AT_ONCE = 1024  # Examples.


def reader(fn_args: Any, settings: Mapping[str, Any]) -> Reader:
    """How the tf.Examples are read: by the TransformGraph, if there is one."""
    graph = getattr(fn_args, "transform_graph_path", None)
    if graph:
        return TransformingReader(graph, settings)
    if settings["transformed"]:
        raise ValueError(
            "Transformed examples need transform_graph=, which goes into the export. "
            "Received: none."
        )
    return Reader(schemas.read(fn_args.schema_path), settings)


def records(patterns: Sequence[str]) -> tf.data.Dataset:
    """Serialized tf.Examples of TFRecords, gzipped where their names end in .gz.

    Raises:
      ValueError: if no file matches, or there is no example in any.
    """
    paths = sorted(path for pattern in patterns for path in files.gfile.glob(pattern))
    if not paths:
        raise ValueError(f"No file matches {list(patterns)}.")
    compression = "GZIP" if paths[0].endswith(".gz") else ""
    found = without_autotune(tf.data.TFRecordDataset(paths, compression))
    if not any(True for _ in found.take(1)):
        raise ValueError(
            f"There is no example in {list(patterns)}: the split is empty. Give it a "
            "share in the output_config of the ExampleGen."
        )
    return found


def batches(
    examples: tf.data.Dataset,
    read: Reader,
    teacher: Model,
    batch_size: int,
    *,
    made: Changes = NOTHING,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Batches `(inputs, targets)` or `(inputs, targets, weights)` of a Distiller.

    The targets are a dict: "labels", "teacher_logits" and, where a method reads them,
    "groups". So a teacher may read what the student does not.

    Args:
      examples: serialized tf.Examples.
      read: reads them.
      teacher: gives logits.
      batch_size: examples in a batch.
      made: what a method of mending changes.
      seed: of the order, which repeats without end; None for one pass in order.
    """
    if seed is not None:
        examples = examples.shuffle(SHUFFLE_BUFFER, seed=seed).repeat()
    if made.weights is not None or made.brings_groups:
        rows = _rows(examples, read)
        dataset = Dataset(read.spec, {"train": rows, "validation": rows})
        grouped = methods.applied(dataset, made).splits["train"].batch(batch_size)
    else:
        grouped = examples.batch(batch_size).map(lambda batch: _row(batch, read))
    found = grouped.map(lambda batch: _pair(batch, read.spec, teacher))
    return without_autotune(found.prefetch(2))


def changes(
    settings: Mapping[str, Any],
    read: Reader,
    teacher: Model,
    train: tf.data.Dataset,
    validation: tf.data.Dataset,
) -> Changes:
    """What the method of the settings changes of a plain distillation.

    Raises:
      ValueError: if there is no such method, or it needs what a pipeline has not.
    """
    method = settings["method"]
    options = settings["method_options"]
    config = ml_collections.ConfigDict(
        {
            "alpha": settings["alpha"],
            "soft_loss": settings["soft_loss"],
            "scale_by_temperature_squared": True,
            "methods": [method],
            "method_options": {method: options} if options else {},
        }
    )
    methods.require_usable(config)
    if options.get("method", method) == "mfd":
        raise ValueError(
            "method='mfd' compares layers, and a SavedModel has none to look at. Use "
            "another method, or distil with kd_keras.Distiller."
        )
    splits = {"train": _rows(train, read), "validation": _rows(validation, read)}
    # A method sees the teacher's inputs as those of the data set.
    seen = dict(read.spec.features)
    if not teacher.reads_features:
        seen = {SERIALIZED: tf.TensorSpec((), tf.string)}
    spec = DatasetSpec(
        read.spec.name,
        seen,
        read.spec.label,
        read.spec.class_names,
        read.spec.groups,
        example_id="id",
    )
    called = _called(teacher)
    return methods.changes(Given(config, Dataset(spec, splits), lambda: called), method)


def _called(teacher: Model) -> Callable[..., np.ndarray]:
    def call(x: Any, training: bool = False) -> np.ndarray:
        del training
        return teacher.logits(x).numpy()

    return call


def _row(batch: tf.Tensor, read: Reader) -> dict[str, tf.Tensor]:
    return {**read.training(batch), SERIALIZED: batch}


def _rows(examples: tf.data.Dataset, read: Reader) -> tf.data.Dataset:
    """Single examples: features, label, groups and what was read."""
    parsed = examples.batch(READ_AT_ONCE).map(lambda batch: _row(batch, read))
    return parsed.unbatch()


def _pair(batch: dict[str, tf.Tensor], spec: DatasetSpec, teacher: Model) -> tuple:
    features = {name: batch[name] for name in spec.features}
    seen = features if teacher.reads_features else batch[SERIALIZED]
    given = {"labels": batch[spec.label], "teacher_logits": teacher.logits(seen)}
    if GROUPS in batch:
        given["groups"] = batch[GROUPS]
    pair = (spec.inputs(batch), given)
    return (*pair, batch[WEIGHT]) if WEIGHT in batch else pair
