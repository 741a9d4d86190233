"""TensorBoard's HParams tab: T, alpha and seed of every run against its fairness."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hp

from kd_keras import files
from kd_keras.fairness import GAPS
from pipelines.evaluation import summary, temperature_board
from pipelines.studies import layout, table_digests
from pipelines.studies.layout import Run

TABLE = "runs.csv"
SUFFIX = ".hparams"
# Below the working directory; says which columns the tab has.
DIRECTORY = "tensorboard/hparams"
# Metric of the table -> its title.
_TITLES = {"accuracy": "accuracy"}
_TITLES |= {gap.short.lower(): gap.short for gap in GAPS.values() if gap.short}


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
    measured = read(workdir)
    if not measured:
        return 0
    tags = list(dict.fromkeys(tag for values in measured.values() for tag in values))
    numbers = {"temperature": config["temperatures"], "seed": config["seeds"]}
    columns = [hp.HParam("model", hp.Discrete([layout.TEACHER, layout.NDS, layout.DS]))]
    for name, values in {**numbers, "alpha": [config["alpha"]]}.items():
        if values:
            domain = hp.Discrete([float(value) for value in values], dtype=float)
            columns.append(hp.HParam(name, domain))
    if methods := sorted({run.method for run in measured} - {layout.PLAIN}):
        columns.append(hp.HParam("method", hp.Discrete([layout.PLAIN, *methods])))
    metrics = [hp.Metric(tag, display_name=_title(tag)) for tag in tags]
    with summary.replacing(files.join(workdir, DIRECTORY), SUFFIX):
        hp.hparams_config(columns, metrics)
    for run, values in measured.items():
        _write_run(workdir, config, run, values)
    temperature_board.write(workdir, measured)
    return len(measured)


def read(workdir: str) -> dict[Run, dict[str, float]]:
    """Run -> tag, such as "eod/race" -> value; nothing where there is no report.

    Raises:
      ValueError: if the table is not what the report has written.
    """
    path = files.join(workdir, "tables", TABLE)
    if not files.exists(path):
        return {}
    table_digests.require(path)
    return _measured(files.read_text(path))


def _write_run(
    workdir: str, config: Mapping[str, Any], run: Run, values: Mapping[str, float]
) -> None:
    set_to: dict[str, Any] = {"model": run.model, "seed": float(run.seed)}
    if run.temperature is not None:
        set_to |= {"temperature": run.temperature, "alpha": config["alpha"]}
    if run.method != layout.PLAIN:
        set_to["method"] = run.method
    directory = files.join(layout.run_dir(workdir, run), summary.DIRECTORY)
    with summary.replacing(directory, SUFFIX):
        # The tab cuts long names, and has the model in a column of its own.
        hp.hparams(set_to, trial_id=run.title.removeprefix("student "))
        # Where T is, as in `temperature_board`; a run without T is at 0.
        step = 0
        if run.temperature is not None:
            known = sorted(map(float, config["temperatures"]))
            step = temperature_board.step_of(run.temperature, known)
        for tag, value in values.items():
            tf.summary.scalar(tag, value, step=step)


def _measured(table: str) -> dict[Run, dict[str, float]]:
    """Run -> tag -> value, without what is undefined."""
    measured: dict[Run, dict[str, float]] = {}
    for row in csv.DictReader(io.StringIO(table)):
        temperature = _number(row["temperature"])
        method = row.get("method") or layout.PLAIN
        run = Run(row["model"], int(row["seed"]), temperature, method)
        for tag in _tags(row):
            measured.setdefault(run, {})[tag] = float(row["value"])
    return measured


def _tags(row: Mapping[str, str]) -> Iterator[str]:
    if row["metric"] in _TITLES and row["value"]:
        yield "/".join(filter(None, (row["metric"], row["attribute"])))


def _title(tag: str) -> str:
    metric, _, attribute = tag.partition("/")
    return _TITLES[metric] + (f" by {attribute}" if attribute else "")


def _number(text: str) -> float | None:
    return float(text) if text else None
