"""TensorBoard's HParams tab: T, alpha and seed of every run against its fairness."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from kd_keras import files
from pipelines.analysis import table_digests
from pipelines.studies import layout
from pipelines.studies.layout import Run

TABLE = "runs.csv"
SUFFIX = ".hparams"
# Below the working directory; says which columns the tab has.
DIRECTORY = "tensorboard/hparams"
_METRICS = ("accuracy", "dpd", "eod")


def write(workdir: str, config: Mapping[str, Any]) -> int:
    """Writes a summary per run, from the table that the report has made.

    Args:
      workdir: the study's working directory.
      config: of the study.

    Returns:
      The number of runs; 0 where there is no report yet.

    Raises:
      ValueError: if the table is not what the report has written.
    """
    path = files.join(workdir, "tables", TABLE)
    if not files.exists(path):
        return 0
    from tensorboard.plugins.hparams import api as hp

    from pipelines.evaluation import summary

    table_digests.require(path)
    measured = _measured(files.read_text(path))
    tags = list(dict.fromkeys(tag for values in measured.values() for tag in values))
    numbers = {"temperature": config["temperatures"], "seed": config["seeds"]}
    columns = [hp.HParam("model", hp.Discrete([layout.TEACHER, layout.NDS, layout.DS]))]
    for name, values in {**numbers, "alpha": [config["alpha"]]}.items():
        if values:
            domain = hp.Discrete([float(value) for value in values], dtype=float)
            columns.append(hp.HParam(name, domain))
    metrics = [hp.Metric(tag, display_name=_title(tag)) for tag in tags]
    with summary.replacing(files.join(workdir, DIRECTORY), SUFFIX):
        hp.hparams_config(columns, metrics)
    for run, values in measured.items():
        _write_run(workdir, config, run, values)
    return len(measured)


def _write_run(
    workdir: str, config: Mapping[str, Any], run: Run, values: Mapping[str, float]
) -> None:
    import tensorflow as tf
    from tensorboard.plugins.hparams import api as hp

    from pipelines.evaluation import summary

    set_to: dict[str, Any] = {"model": run.model, "seed": float(run.seed)}
    if run.model == layout.DS:
        set_to |= {"temperature": float(run.temperature), "alpha": config["alpha"]}
    directory = files.join(layout.run_dir(workdir, run), summary.DIRECTORY)
    with summary.replacing(directory, SUFFIX):
        hp.hparams(set_to, trial_id=run.title)
        for tag, value in values.items():
            tf.summary.scalar(tag, value, step=0)


def _measured(table: str) -> dict[Run, dict[str, float]]:
    """Run -> tag -> value, without what is undefined."""
    measured: dict[Run, dict[str, float]] = {}
    for row in csv.DictReader(io.StringIO(table)):
        run = Run(row["model"], int(row["seed"]), _number(row["temperature"]))
        for tag in _tags(row):
            measured.setdefault(run, {})[tag] = float(row["value"])
    return measured


def _tags(row: Mapping[str, str]) -> Iterator[str]:
    if row["metric"] in _METRICS and row["value"]:
        yield "/".join(filter(None, (row["metric"], row["attribute"])))


def _title(tag: str) -> str:
    metric, _, attribute = tag.partition("/")
    return f"{metric.upper()} by {attribute}" if attribute else metric


def _number(text: str) -> float | None:
    return float(text) if text else None
