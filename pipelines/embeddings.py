"""What one frozen extractor sees in the evaluation split, for individual fairness."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pipelines import cli
from pipelines.individual_options import TEACHER, options


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


def ensure(workdir: str) -> str:
    """Writes `embeddings/<split>.npz`, unless this extractor's are there.

    They are made once in a study and serve all its models.

    Returns:
      The path.

    Raises:
      ValueError: if the teacher is not finished, or the extractor does not fit.
    """
    from kd_keras import files
    from pipelines import config as configs

    config = configs.read_config(workdir)
    source = _source(workdir, config)
    if None in source.values():
        raise ValueError(
            f"Individual fairness needs the {_teacher(config).title}, which is not "
            f"finished in {workdir}. Run the study again."
        )
    path = _path(workdir, config.evaluation.split)
    there = read(workdir, config.evaluation.split)
    if there is None or there.source != source:
        dataset = configs.load_dataset(config)
        arrays = _embed(_extractor(workdir, config), dataset, config.evaluation.split)
        content = io.BytesIO()
        np.savez(content, source=json.dumps(source, sort_keys=True), **arrays)
        files.write_bytes(path, content.getvalue())
    return path


def read(workdir: str, split: str) -> Embeddings | None:
    """The embeddings of a split; None where there are none."""
    from kd_keras import files

    path = _path(workdir, split)
    if not files.exists(path):
        return None
    with np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False) as arrays:
        source = json.loads(str(arrays["source"]))
        return Embeddings(arrays["id"], arrays["values"], source)


def is_made_from(embeddings: Embeddings, workdir: str, config) -> bool:
    """Whether they are of the extractor that the study has now."""
    return embeddings.source == _source(workdir, config)


def _path(workdir: str, split: str) -> str:
    from kd_keras import files

    return files.join(workdir, "embeddings", f"{split}.npz")


def _source(workdir: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the extractor is, with the digest of its file or of the teacher's export."""
    from kd_keras import files
    from pipelines import workdir as layout

    extractor = options(config)["extractor"]
    if extractor != TEACHER:
        if not files.exists(extractor):
            raise ValueError(
                "--config.evaluation.individual_fairness.extractor must be "
                f"{TEACHER!r} or a .keras file. Received: {extractor!r}, which is not "
                "there."
            )
        digest = hashlib.sha256(files.read_bytes(extractor)).hexdigest()
        return {"extractor": extractor, "sha256": digest}
    run = _teacher(config)
    digest = None
    if layout.is_complete(workdir, run):
        path = files.join(layout.run_dir(workdir, run), layout.RUN_FILE)
        digest = files.read_json(path).get("export_digest")
    return {"extractor": run.directory, "export": digest}


def _teacher(config: Mapping[str, Any]):
    from pipelines import workdir as layout

    return layout.Run(layout.TEACHER, config["seeds"][0])


def _extractor(workdir: str, config: Mapping[str, Any]):
    """A model from a batch of features to embeddings `[batch, dimensions]`."""
    from kd_keras import files
    from pipelines import workdir as layout
    from pipelines.runs import MODEL_FILE, load_model

    extractor = options(config)["extractor"]
    if extractor != TEACHER:
        return load_model(extractor)
    directory = layout.run_dir(workdir, _teacher(config))
    return before_logits(load_model(files.join(directory, MODEL_FILE)))


def before_logits(model):
    """The model that gives what goes into the last linear layer of `model`."""
    import keras

    # Every architecture of kd_keras.models names that layer so.
    return keras.Model(model.input, model.get_layer("logits").input)


def _embed(extractor, dataset, split: str) -> dict[str, np.ndarray]:
    from kd_keras.datasets.batches import evaluation_batches

    spec, examples = dataset.spec, dataset.splits[split]
    ids = examples.map(lambda example: example[spec.example_id]).batch(1024)
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


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import next_steps

    workdir = cli.WORKDIR.value
    print(f"written: {ensure(workdir)}")
    print(f"next:    {next_steps.command('pipelines.report', workdir=workdir)}")


if __name__ == "__main__":
    cli.run(main, needs=["workdir"])
