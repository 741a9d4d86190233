"""The models of a finished study, measured on the test split of other data.

    python -m benchmarks.measured_elsewhere --workdir=runs/trifeature \
        --config=configs/evidence/trifeature_fresh.py --output=runs/trifeature_fresh
    python -m pipelines.embeddings --workdir=runs/trifeature_fresh
    python -m pipelines.report --workdir=runs/trifeature_fresh

Trains nothing. The output is a study's working directory without models: predictions on
the test split of the config's data set, and the study's own on validation data. A call
that was stopped goes on where it was.
"""

import os
import shutil
import sys

import ml_collections
from absl import app, flags
from ml_collections import config_flags

from kd_keras.datasets import Dataset, DatasetSpec
from pipelines.studies import config as configs
from pipelines.studies import layout, predictions, run_record
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_model
from pipelines.studies.run_record import MODEL_FILE

WORKDIR = flags.DEFINE_string("workdir", None, "the finished study", required=True)
CONFIG = config_flags.DEFINE_config_file("config", None, "its data set is measured on")
OUTPUT = flags.DEFINE_string("output", None, "the new workdir", required=True)


def main(argv: list[str]) -> None:
    del argv
    try:
        measure_all()
    except ValueError as error:
        sys.exit(f"error: {error}")


def measure_all() -> None:
    study = configs.read_config(WORKDIR.value)
    config = other(study, CONFIG.value)
    dataset = configs.load_dataset(config)
    require_alike(configs.load_dataset(study).spec, dataset.spec)
    configs.prepare_workdir(OUTPUT.value, config)
    truth = predictions.truth_of(dataset, "test")
    runs = list(layout.complete_runs(WORKDIR.value, layout.runs_of(study)))
    for number, run in enumerate(runs, 1):
        if not os.path.exists(layout.run_dir(OUTPUT.value, run)):
            measure(study, config, dataset, truth, run)
        print(f"[{number}/{len(runs)}] {run.title}", flush=True)


def other(
    study: ml_collections.ConfigDict, given: ml_collections.ConfigDict
) -> ml_collections.ConfigDict:
    """The study's config, with the name, data and evaluation of another one."""
    config = ml_collections.ConfigDict(configs.to_dict(study))
    for field in ("name", "dataset", "evaluation"):
        config[field] = given[field]
    return config.lock()


def require_alike(trained: DatasetSpec, other: DatasetSpec) -> None:
    """Refuses data that the models were not trained for."""
    for field in ("features", "label", "class_names"):
        before, now = getattr(trained, field), getattr(other, field)
        if before != now:
            raise ValueError(
                f"--config has other {field} than the study was trained with: {now}, "
                f"not {before}. Name a config of data like these."
            )


def measure(
    study: ml_collections.ConfigDict,
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    truth: predictions.Truth,
    run: Run,
) -> None:
    """Writes what a run predicts, beside its history and record."""
    source, target = (layout.run_dir(w.value, run) for w in (WORKDIR, OUTPUT))
    record = run_record.read(WORKDIR.value, run, study)
    model = load_model(run_record.require(WORKDIR.value, run, record, MODEL_FILE))
    partial = f"{target}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial)
    for name in ("history.csv", "predictions/validation.npz"):
        run_record.require(WORKDIR.value, run, record, name)
        os.makedirs(os.path.dirname(os.path.join(partial, name)), exist_ok=True)
        shutil.copy(os.path.join(source, name), os.path.join(partial, name))
    found = predictions.predict(model, dataset, "test", truth)
    predictions.write(partial, "test", found)
    run_record.write(partial, run, config, record)
    os.rename(partial, target)


if __name__ == "__main__":
    app.run(main)
