"""What a tracker of experiments gets of a study, from its working directory."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kd_keras import files
from pipelines.analysis.verdicts import DIRECTORY, VERDICT
from pipelines.evaluation import hparams
from pipelines.studies import config as configs
from pipelines.studies import layout, run_record

HISTORY = "history.csv"


class Logged(NamedTuple):
    """One run as a tracker takes it.

    Attributes:
      name: for people.
      key: the same whenever it is logged again.
      params: name -> what it was made with.
      curves: epoch -> metric -> value.
      results: metric and evaluation split, such as "accuracy_test" -> value.
      files: paths to keep with it.
    """

    name: str
    key: str
    params: Mapping[str, Any]
    curves: Sequence[Mapping[str, float]]
    results: Mapping[str, float]
    files: Sequence[str]


def read(workdir: str, config: Mapping[str, Any]) -> Iterator[Logged]:
    """Every finished run of a study, and one more with its report."""
    split = config["evaluation"]["split"]
    settings = dict(_flat(configs.to_dict(config)))
    measured = hparams.read(workdir)
    # Studies of one config in several places are several studies.
    study = f"{configs.digest(config)[:12]} {workdir}"
    for run in layout.complete_runs(workdir, layout.runs_of(config)):
        directory = layout.run_dir(workdir, run)
        record = run_record.read(workdir, run, config)
        about = {"model": run.model, "seed": run.seed, "method": run.method}
        about |= {"temperature": run.temperature, "parameters": record["parameters"]}
        verdict = files.join(directory, DIRECTORY, VERDICT)
        yield Logged(
            run.title,
            f"{study} {run.directory}",
            {**settings, **about},
            _curves(run_record.require(workdir, run, record, HISTORY)),
            {f"{name}_{split}": v for name, v in measured.get(run, {}).items()},
            [verdict] if files.exists(verdict) else [],
        )
    kept = files.glob(files.join(workdir, "tables"), "*.csv")
    report = files.join(workdir, "report.html")
    yield Logged("report", f"{study} report", settings, [], {}, [report, *sorted(kept)])


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _curves(path: str) -> list[dict[str, float]]:
    rows = csv.DictReader(io.StringIO(files.read_text(path)))
    return [
        {name: float(value) for name, value in row.items() if value and name != "epoch"}
        for row in rows
    ]
