"""What TFX's Trainer hands over: schema, tf.Examples and the base model."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kd_keras import files
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.examples import parse_features
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.export import load

FEATURES_SIGNATURE = "serving_features"
SHUFFLE_BUFFER = 10_000  # Examples.


def spec_from_schema(path: str, settings: Mapping[str, Any]) -> DatasetSpec:
    """The model's features and classes, with types and shapes from the schema.

    Args:
      path: TFX's schema.pbtxt.
      settings: as `pipelines.tfx.run_fn.run_fn` takes them.

    Raises:
      ValueError: if a feature or the label is not in the schema, or the image shape
        is missing.
    """
    schema = text_format.Parse(files.read_text(path), schema_pb2.Schema())
    known = {feature.name: feature for feature in schema.feature}
    for name in (*settings["features"], settings["label"]):
        if name not in known:
            raise ValueError(
                f"custom_config names the feature {name!r}, and the schema {path} has "
                f"{sorted(known)}. Name one of these."
            )
    return DatasetSpec(
        name="examples",
        features={
            name: _feature(known[name], settings["image_shape"])
            for name in settings["features"]
        },
        label=settings["label"],
        class_names=tuple(settings["class_names"]),
        groups={},
    )


def load_teacher(path: str, spec: DatasetSpec) -> Any:
    """The loaded SavedModel; ValueError unless it takes the features of `spec`."""
    if not files.exists(files.join(path, "saved_model.pb")):
        raise ValueError(
            f"fn_args.base_model must be a SavedModel. Received: {path!r}, which has "
            "no saved_model.pb. Export the teacher with kd_keras.export.save_model()."
        )
    teacher = load(path)
    if FEATURES_SIGNATURE not in teacher.signatures:
        raise ValueError(
            f"The teacher {path} must have the signature {FEATURES_SIGNATURE!r}. "
            f"Received: {sorted(teacher.signatures)}. Export it with "
            "kd_keras.export.save_model()."
        )
    inputs = teacher.signatures[FEATURES_SIGNATURE].structured_input_signature[1]
    if set(inputs) != set(spec.features):
        raise ValueError(
            f"The teacher {path} takes {sorted(inputs)}, and custom_config names the "
            f"features {sorted(spec.features)}. They must be the same."
        )
    return teacher


def batches(
    patterns: Sequence[str],
    spec: DatasetSpec,
    batch_size: int,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Batches `(inputs, labels)` of TFRecords, gzipped where their names end in .gz.

    Args:
      patterns: file patterns.
      spec: features and label.
      batch_size: examples in a batch.
      seed: of the order, which repeats without end; None for one pass in order.

    Raises:
      ValueError: if no file matches.
    """
    paths = sorted(path for pattern in patterns for path in files.gfile.glob(pattern))
    if not paths:
        raise ValueError(f"No file matches {list(patterns)}.")
    compression = "GZIP" if paths[0].endswith(".gz") else ""
    records = tf.data.TFRecordDataset(paths, compression_type=compression)
    if seed is not None:
        records = records.shuffle(SHUFFLE_BUFFER, seed=seed).repeat()

    def parse(examples: tf.Tensor) -> tuple[Any, tf.Tensor]:
        label = {spec.label: tf.io.FixedLenFeature([], tf.int64)}
        labels = tf.io.parse_example(examples, label)[spec.label]
        return spec.inputs(parse_features(spec, examples)), labels

    return without_autotune(records.batch(batch_size).map(parse).prefetch(2))


def _feature(feature: schema_pb2.Feature, image_shape: Any) -> tf.TensorSpec:
    if feature.type == schema_pb2.BYTES:
        if not feature.HasField("image_domain"):
            return tf.TensorSpec((), tf.string)
        if not image_shape:
            raise ValueError(
                f"The feature {feature.name!r} is an image: custom_config must hold "
                "image_shape, [height, width, channels]."
            )
        return tf.TensorSpec(image_shape, tf.uint8)
    dtype = tf.float32 if feature.type == schema_pb2.FLOAT else tf.int64
    shape = [dim.size for dim in feature.shape.dim]
    # A schema inferred from data gives a scalar the shape [1].
    return tf.TensorSpec([] if shape == [1] else shape, dtype)
