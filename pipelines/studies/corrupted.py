"""What the runs of a study predict on damaged data; the one owner of these files."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

import keras
import ml_collections
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kd_keras import files
from kd_keras.datasets import Dataset, corruptions
from kd_keras.datasets.corruptions import SEVERITIES
from pipelines.studies import config as configs
from pipelines.studies import (
    corruption_options,
    layout,
    predictions,
    run_record,
    sealed,
    wordnet,
)
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_model
from pipelines.studies.run_record import MODEL_FILE

FOLDER = "corrupted"
# Raised with what a corruption makes: predictions of an earlier one are of other data.
VERSIONS = {"shot_noise": 2, "synonyms": 2}
SEED = 0  # Of what is drawn, the same for every run and model.
# Weights and logits of the models that are in memory together.
_BYTES = 2**30
# Examples that are damaged, at all severities, and predicted at a time. Those of a
# table are small, and each batch gives a model its weights.
_BATCH = {"images": 256, "texts": 256, "tables": 4096}


class MissingError(ValueError):
    """There are no predictions on damaged data of this model."""


def ensure(workdir: str, load: Callable[[], Dataset] | None = None) -> None:
    """Writes `<run>/corrupted/<corruption>.npz`, unless they are there and whole.

    A damaged split is made once, batch by batch, for all models whose weights and
    logits fit into 1 GiB together. A killed call goes on with the next corruption.

    Args:
      workdir: the study's working directory.
      load: gives the data set; None to load that of the config.

    Raises:
      ValueError: if a run is not what was written.
    """
    config = configs.read_config(workdir)
    missing = _missing(workdir, config)
    if not missing:
        return
    dataset = load() if load else configs.load_dataset(config)
    known = _known(dataset, set().union(*missing.values()))
    sizes = [dataset.splits[s].cardinality() for s in corruption_options.splits(config)]
    values = len(SEVERITIES) * dataset.spec.num_classes * max(sum(map(int, sizes)), 0)
    for models in _in_memory(workdir, config, list(missing), 4 * values):
        for name in corruption_options.names(config):
            wanted = [model for model in models if name in missing[model.run]]
            if wanted:
                _predict(workdir, config, dataset, name, wanted, known)


def _known(
    dataset: Dataset, names: Set[str]
) -> corruptions.Training | corruptions.Synonyms | None:
    """What the corruptions need beside the examples."""
    if corruptions.kind_of(dataset.spec) == "tables":
        return corruptions.training(dataset.splits["train"], dataset.spec)
    return wordnet.synonyms() if "synonyms" in names else None


def read(
    workdir: str,
    run: Run,
    record: Mapping[str, Any],
    name: str,
    splits: Sequence[str],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What a run predicts where its data are damaged.

    Args:
      workdir: the study's working directory.
      run: the run.
      record: its run.json.
      name: of the corruption.
      splits: those to read.

    Returns:
      Split -> ids `[examples]` and logits, float32 `[severities, examples, classes]`.

    Raises:
      MissingError: if they are not there, or of another model or of other data.
      ValueError: if the file is not what was written.
    """
    path = _path(workdir, run, name)
    advice = (
        f"Run the study again with {name!r} in --config.{corruption_options.FIELD}; "
        "it trains nothing."
    )
    if not files.exists(path):
        raise MissingError(f"{path} is missing. {advice}")
    keys = [f"{what}_{split}" for split in splits for what in ("id", "logits")]
    found = sealed.read_arrays(path, advice, ["source", *keys])
    if json.loads(str(found["source"])) != _source(record, name):
        raise MissingError(f"{path} is of another model or of other data. {advice}")
    return {s: (found[f"id_{s}"], found[f"logits_{s}"]) for s in splits}


def write(
    workdir: str,
    run: Run,
    record: Mapping[str, Any],
    name: str,
    predicted: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> None:
    """Writes what `read` gives back; arguments as there."""
    told: dict[str, Any] = {"source": json.dumps(_source(record, name), sort_keys=True)}
    for split, (ids, logits) in predicted.items():
        told |= {f"id_{split}": ids, f"logits_{split}": logits}
    sealed.write_arrays(_path(workdir, run, name), told)


def _path(workdir: str, run: Run, name: str) -> str:
    return files.join(layout.run_dir(workdir, run), FOLDER, f"{name}.npz")


def _source(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the predictions are of: model and data, whose ids its predictions hold."""
    kept = record["files"]
    made_of = (MODEL_FILE, *(f"predictions/{s}.npz" for s in predictions.SPLITS))
    version = {"version": VERSIONS[name]} if name in VERSIONS else {}
    return {
        "corruption": name,
        **version,
        "severities": list(SEVERITIES),
        "seed": SEED,
        "files": {part: kept.get(part) for part in made_of},
    }


def _missing(workdir: str, config: ml_collections.ConfigDict) -> dict[Run, set[str]]:
    """Finished run -> the corruptions whose predictions have to be made."""
    found: dict[Run, set[str]] = {}
    for run in layout.complete_runs(workdir, layout.runs_of(config)):
        record = run_record.read(workdir, run, config)
        for name in corruption_options.names(config):
            try:
                if files.exists(_path(workdir, run, name)):
                    read(workdir, run, record, name, corruption_options.splits(config))
                    continue
            except ValueError as error:
                print(f"predicted again: {error}", flush=True)
            found.setdefault(run, set()).add(name)
    return found


class _Model:
    """A run's model. Those of one architecture share the graph that predicts.

    Attributes:
      run: whose model it is.
      weights: of the model, in the order of its variables.
      shared: the model that gets these weights to predict.
    """

    def __init__(self, run: Run, model: keras.Model, shared: keras.Model):
        self.run = run
        self.weights = [np.array(variable) for variable in model.variables]
        self.shared = shared

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return sum(weight.nbytes for weight in self.weights)

    def predict(self, batches: Sequence[Any]) -> np.ndarray:
        """Logits of equally large batches, float32 `[batches, examples, classes]`."""
        variables = self.shared.variables
        for variable, weight in zip(variables, self.weights, strict=True):
            variable.assign(weight)
        found = [self.shared.predict_on_batch(inputs) for inputs in batches]
        return np.stack(found).astype(np.float32)


def _in_memory(
    workdir: str, config: ml_collections.ConfigDict, runs: Sequence[Run], logits: int
) -> Iterator[list[_Model]]:
    """Every run's model, loaded once; as many at a time as shall be in memory.

    Args:
      workdir: the study's working directory.
      config: its config.
      runs: whose models.
      logits: bytes of what one of them predicts.
    """
    shared: dict[str, keras.Model] = {}
    models: list[_Model] = []
    for run in runs:
        record = run_record.read(workdir, run, config)
        path = run_record.require(workdir, run, record, MODEL_FILE)
        model = load_model(path)
        # One recipe has one architecture: see `publisher`.
        kind = f"{record.get('architecture')} {run.model == layout.TEACHER}"
        models.append(_Model(run, model, shared.setdefault(kind, model)))
        if sum(model.size + logits for model in models) >= _BYTES:
            yield models
            models = []
    if models:
        yield models


def _predict(
    workdir: str,
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    name: str,
    models: Sequence[_Model],
    known: corruptions.Training | corruptions.Synonyms | None,
) -> None:
    """Writes what these models predict under a corruption."""
    predicted: dict[Run, dict[str, tuple[np.ndarray, np.ndarray]]]
    predicted = {model.run: {} for model in models}
    for split in corruption_options.splits(config):
        ids: list[np.ndarray] = []
        logits: dict[Run, list[np.ndarray]] = {model.run: [] for model in models}
        for of_batch, inputs in _damaged(dataset, split, name, known):
            ids.append(of_batch)
            for model in models:
                logits[model.run].append(model.predict(inputs))
        for run, found in logits.items():
            of_split = np.concatenate(ids).astype("S"), np.concatenate(found, axis=1)
            predicted[run][split] = of_split
    for run, of_run in predicted.items():
        record = run_record.read(workdir, run, config)
        write(workdir, run, record, name, of_run)


def _damaged(
    dataset: Dataset,
    split: str,
    name: str,
    known: corruptions.Training | corruptions.Synonyms | None,
) -> Iterator[tuple[np.ndarray, list[Any]]]:
    """A split's batches: ids, and the damaged inputs of each severity."""
    spec = dataset.spec
    batches = dataset.splits[split].batch(_BATCH[corruptions.kind_of(spec)])
    total = max(int(batches.cardinality()), 0) or None
    # disable=None: no bar where the output is no terminal.
    told = tqdm(total=total, unit="batch", desc=f"{name}, {split}", disable=None)
    position = 0
    with told:
        for batch in batches.as_numpy_iterator():
            inputs = [
                spec.inputs(
                    corruptions.corrupt_batch(
                        batch,
                        spec,
                        name,
                        severity,
                        position=position,
                        seed=SEED,
                        known=known,
                    )
                )
                for severity in SEVERITIES
            ]
            ids = batch[spec.example_id]
            yield ids, tf.nest.map_structure(tf.convert_to_tensor, inputs)
            position += len(ids)
            told.update()
