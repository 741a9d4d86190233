"""A run's student with what mends it behind it, as a run of its own below that run."""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import ml_collections
import numpy as np

import kd_keras.mitigation.layers  # noqa: F401  Registers what a model file names.
from kd_keras import files
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.export import save_model
from kd_keras.mitigation import GroupOffsets, GroupThresholds, with_group_feature
from pipelines.studies import config as configs
from pipelines.studies import layout, made_by, predictions, run_record, sealed
from pipelines.studies.card import model_card
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_model
from pipelines.studies.run_record import MODEL_FILE

Mending = GroupThresholds | GroupOffsets
# What a mended run keeps of the record of the run that was mended.
_KEPT = ("architecture", "epochs", "teacher", "method", "method_options")


def make(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    run: Run,
    attribute: str,
    mending: Mending,
) -> Run:
    """Writes `<run>/mended/`: model, predictions, export with its card, run.json.

    What is there already is replaced as a whole.

    Args:
      config: the study's config.
      dataset: the study's data set.
      workdir: the study's working directory.
      run: the student to mend.
      attribute: the sensitive attribute that the mended model reads.
      mending: fitted with the groups of that attribute by name.

    Returns:
      The mended run.

    Raises:
      ValueError: if the run is not what was written, or its student cannot be mended.
    """
    began = time.monotonic()
    spec = dataset.spec
    base = run_record.read(workdir, run, config)
    student = load_model(run_record.require(workdir, run, base, MODEL_FILE))
    name = group_input(spec)
    model = mending.wrap(
        student,
        group_names=spec.groups[attribute],
        group_input=name,
        feature=next(iter(spec.features)) if len(spec.features) == 1 else None,
    )
    served = with_group_feature(dataset, attribute, name=name)
    mended = dataclasses.replace(run, mended=True)
    directory = layout.run_dir(workdir, mended)
    partial = f"{directory}.partial"
    files.remove_tree(partial)
    with files.written_locally(files.join(partial, MODEL_FILE), ".keras") as local:
        model.save(local)
    found = {s: predictions.predict(model, served, s) for s in predictions.SPLITS}
    for split, of_split in found.items():
        predictions.write(partial, split, of_split)
    truth, logits = found["validation"]
    record = {
        **{key: base[key] for key in _KEPT if key in base},
        "model": run.model,
        "temperature": run.temperature,
        "seed": run.seed,
        "parameters": model.count_params(),
        "val_accuracy": float(np.mean(logits.argmax(-1) == truth.labels)),
        "weights": fingerprint([Teacher(model)]),
        "base": _identity(base),
        "mitigation": {"attribute": attribute, "input": name, **mending.describe()},
    }
    card = model_card(
        {"config": configs.to_dict(config), **made_by.current()},
        served.spec,
        record,
        found[config.evaluation.split],
        record.get("teacher"),
    )
    save_model(model, served.spec, files.join(partial, "export", "1"), card)
    record["seconds"] = round(time.monotonic() - began, 1)
    run_record.write(partial, mended, config, record)
    files.replace_directory(partial, directory, last=layout.RUN_FILE)
    return mended


def read(workdir: str, run: Run, config: Mapping[str, Any]) -> dict[str, Any]:
    """What run.json of a mended run holds.

    Raises:
      ValueError: if there is none, it is not what was written, or the run that was
        mended is another one now.
    """
    directory = layout.run_dir(workdir, run)
    again = f"Mend it: python -m pipelines.mitigate --workdir={workdir} --policy=..."
    if not layout.is_complete(workdir, run):
        raise ValueError(f"{directory} has no mended student. {again}")
    record = run_record.read(workdir, run, config)
    base = run_record.read(workdir, run.base, config)
    if record["base"] != _identity(base):
        raise ValueError(
            f"{directory} was made from another version of {run.base.directory} than "
            f"there is now. Delete {directory}. {again}"
        )
    return record


def complete(workdir: str, runs: list[Run]) -> list[Run]:
    """The mended runs that are there, of these runs."""
    mended = [dataclasses.replace(run, mended=True) for run in runs]
    return list(layout.complete_runs(workdir, mended))


def served_dataset(dataset: Dataset, record: Mapping[str, Any]) -> Dataset:
    """The data set as a run's model takes it, which may read the group.

    Args:
      dataset: the study's data set.
      record: the run's run.json.
    """
    mitigation = record.get("mitigation")
    if not mitigation or not mitigation["reads_group"]:
        return dataset
    return with_group_feature(
        dataset, mitigation["attribute"], name=mitigation["input"]
    )


def group_input(spec: DatasetSpec) -> str:
    """Name of the feature that holds the group: one that the data do not have."""
    taken = {*spec.features, *spec.groups, spec.label, spec.example_id}
    name = "group"
    while name in taken:
        name += "_"
    return name


def _identity(record: Mapping[str, Any]) -> str:
    """What tells a run from the same one that was trained again."""
    return sealed.of_json(record["files"])
