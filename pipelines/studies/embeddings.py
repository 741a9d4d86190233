"""What one frozen extractor sees in the evaluation split, for individual fairness."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import evaluation_batches
from kd_keras.keras_internals import inputs_of_calls
from pipelines.studies import config as configs
from pipelines.studies import input_embedding, layout, run_record, sealed
from pipelines.studies.individual_options import INPUT, TEACHER, options
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_model
from pipelines.studies.run_record import MODEL_FILE


class NoEmbeddingError(ValueError):
    """The teacher shows no layer that could embed the examples."""


class Embeddings(NamedTuple):
    """The examples of a split as the extractor sees them.

    Attributes:
      ids: of the examples `[examples]`, as in the predictions.
      values: float32 `[examples, dimensions]`.
      source: what made them.
    """

    ids: np.ndarray
    values: np.ndarray
    source: Mapping[str, Any]


def ensure(workdir: str, load: Callable[[], Dataset] | None = None) -> str:
    """Writes `embeddings/<split>.npz`, unless this extractor's are there.

    They are made once in a study and serve all its models.

    Args:
      workdir: the study's working directory.
      load: gives the data set; None to load that of the config.

    Returns:
      The path.

    Raises:
      ValueError: if the teacher is not finished or not what was written, or the
        extractor does not fit; a NoEmbeddingError if the teacher cannot be one.
    """
    config = configs.read_config(workdir)
    source = _source(workdir, config)
    if None in source.values():
        raise ValueError(
            f"Individual fairness needs the {_teacher(config).title}, which is not "
            f"finished in {workdir}. Run the study again."
        )
    path = _path(workdir, config.evaluation.split)
    there = _whole(workdir, config.evaluation.split)
    if there is None or there.source != source:
        dataset = load() if load else configs.load_dataset(config)
        arrays = _embed(workdir, config, dataset)
        write(path, source, arrays)
    return path


def ensure_or_tell(workdir: str, load: Callable[[], Dataset] | None = None) -> None:
    """`ensure`, or a note where the teacher cannot embed: a report can do without."""
    try:
        ensure(workdir, load)
    except NoEmbeddingError as error:
        print(f"note: no individual fairness. {error}", flush=True)


def write(
    path: str, source: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Writes embeddings, as `read` gives them: the arrays "id" and "values"."""
    told = {"source": json.dumps(source, sort_keys=True), **arrays}
    sealed.write_arrays(path, told)


def read(workdir: str, split: str) -> Embeddings | None:
    """The embeddings of a split; None where there are none.

    Raises:
      ValueError: if the file is not what was written.
    """
    path = _path(workdir, split)
    if not files.exists(path):
        return None
    advice = f"Delete it: python -m pipelines.embeddings --workdir={workdir}"
    told = sealed.read_arrays(path, advice, ("source", "id", "values"))
    return Embeddings(told["id"], told["values"], json.loads(str(told["source"])))


def _whole(workdir: str, split: str) -> Embeddings | None:
    """The embeddings of a split; None where they have to be made."""
    try:
        return read(workdir, split)
    except ValueError as error:
        print(f"embeddings are made again: {error}", flush=True)
        return None


def is_made_from(
    embeddings: Embeddings, workdir: str, config: Mapping[str, Any]
) -> bool:
    """Whether they are of the extractor that the study has now."""
    return embeddings.source == _source(workdir, config)


def _path(workdir: str, split: str) -> str:
    return files.join(workdir, "embeddings", f"{split}.npz")


def _source(workdir: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the extractor is, with the digest of its file or of the teacher's export."""
    extractor = options(config)["extractor"]
    if extractor == INPUT:
        return {"extractor": INPUT}
    if extractor != TEACHER:
        if not files.exists(extractor):
            raise ValueError(
                "--config.evaluation.individual_fairness.extractor must be "
                f"{TEACHER!r}, {INPUT!r} or a .keras file. Received: {extractor!r}, "
                "which is not there."
            )
        digest = hashlib.sha256(files.read_bytes(extractor)).hexdigest()
        return {"extractor": extractor, "sha256": digest}
    run = _teacher(config)
    export = None
    if layout.is_complete(workdir, run):
        export = run_record.read(workdir, run, config)[run_record.EXPORT_DIGEST]
    return {"extractor": run.directory, "export": export}


def _teacher(config: Mapping[str, Any]) -> Run:
    return Run(layout.TEACHER, config["seeds"][0])


def _extractor(workdir: str, config: Mapping[str, Any]) -> keras.Model:
    """A model from a batch of features to embeddings `[batch, dimensions]`."""
    extractor = options(config)["extractor"]
    if extractor != TEACHER:
        return load_model(extractor)
    run = _teacher(config)
    record = run_record.read(workdir, run, config)
    path = run_record.require(workdir, run, record, MODEL_FILE)
    return before_logits(load_model(path))


def before_logits(model: keras.Model) -> keras.Model:
    """The model that gives what goes into the last linear layer of `model`.

    That is the layer "logits", as in every architecture of kd_keras.models, or the last
    Dense of a model of one's own.

    Raises:
      NoEmbeddingError: if there is no such layer, or the model is no graph of layers.
    """
    names = [layer.name for layer in model.layers]
    # `input` of a Sequential is that of its call in another graph, if any.
    inputs = model.inputs if isinstance(model, keras.Sequential) else None
    if "logits" in names:
        return keras.Model(inputs or model.input, model.get_layer("logits").input)
    graph = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    for layer in reversed(model.layers if graph else []):
        if isinstance(layer, keras.layers.Dense):
            return keras.Model(inputs or model.input, layer.input)
        if isinstance(layer, keras.Model):
            # `layer.input` is that of the inner model, and not what it is given here.
            given, *_ = inputs_of_calls(layer)[-1]
            return keras.Model(inputs or model.input, before_logits(layer)(given))
    raise NoEmbeddingError(
        f"The model {model.name!r} shows no Dense layer before its logits. Give as "
        "--config.evaluation.individual_fairness.extractor a .keras file of a model "
        "from features to embeddings."
    )


def _embed(
    workdir: str, config: Mapping[str, Any], dataset: Dataset
) -> dict[str, np.ndarray]:
    spec, examples = dataset.spec, dataset.splits[config["evaluation"]["split"]]
    ids = examples.map(lambda example: example[spec.example_id]).batch(1024)
    if options(config)["extractor"] == INPUT:
        values = input_embedding.embed(examples, spec)
    else:
        extractor = _extractor(workdir, config)
        values = extractor.predict(evaluation_batches(examples, spec), verbose=0)
    if getattr(values, "ndim", 0) != 2:
        raise ValueError(
            "--config.evaluation.individual_fairness.extractor must be a Keras model "
            "that gives one tensor `[batch, dimensions]`. Received: "
            f"{getattr(values, 'shape', type(values).__name__)}."
        )
    return {
        "id": np.concatenate(list(ids.as_numpy_iterator())).astype("S"),
        "values": values.astype(np.float32),
    }
