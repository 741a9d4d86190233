"""What converting a model to LiteRT changes: size, time, accuracy and fairness."""

from typing import Any

from kd_keras import files
from kd_keras.fairness import Interval
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name
from kd_keras.litert import FORMATS
from pipelines.analysis import estimates
from pipelines.analysis.data_table import (
    COUNT,
    DECIMAL,
    PERCENT,
    POINTS,
    Column,
    DataTable,
)
from pipelines.analysis.measures import (
    ACCURACY,
    GAP_OF,
    MODEL_COLUMNS,
    TITLES,
    model_cells,
)
from pipelines.analysis.results import Model, Result, Study
from pipelines.studies import layout, sealed
from pipelines.studies.interval_options import intervals
from pipelines.studies.layout import Run

RECORD = "litert.json"
_OPTIONS = intervals()


def directory(workdir: str, run: Run) -> str:
    return files.join(layout.run_dir(workdir, run), "litert")


def is_made_from(directory: str, export_digest: str | None, split: str) -> bool:
    """Whether the LiteRT models are there, of this export, asked about this split."""
    if not files.exists(directory):
        return False
    record = _read(directory)
    return (record["export_digest"], record["split"]) == (export_digest, split)


def _read(directory: str) -> dict[str, Any]:
    """What litert.json holds; ValueError if a file is not what was written."""
    record = sealed.read(files.join(directory, RECORD), _advice(directory))
    for name, digest in record["files"].items():
        sealed.require(files.join(directory, name), digest, _advice(directory))
    return record


def _advice(directory: str) -> str:
    return f"Delete {directory} and run pipelines.litert again."


def litert_table(workdir: str, study: Study) -> DataTable | None:
    """One row per converted run, format and attribute; None if there is no run.

    Args:
      workdir: of the study.
      study: labels, groups and results.
    """
    rows = []
    for result in study.results:
        path = directory(workdir, result.run)
        if is_made_from(path, result.info.get("export_digest"), study.split):
            rows += _rows(study, result, path)
    if not rows:
        return None
    columns = [
        *MODEL_COLUMNS,
        Column("seed", "seed", COUNT),
        Column("format", "format"),
        Column("bytes", "bytes", COUNT),
        Column("milliseconds", "ms an example", DECIMAL),
        Column("attribute", "attribute"),
    ]
    for name, title in TITLES.items():
        columns += [
            Column(name, f"{title}, %", PERCENT),
            Column(f"{name}_change", f"{title} change, points", POINTS),
            Column(f"{name}_low", "from", POINTS),
            Column(f"{name}_high", "to", POINTS),
        ]
    caption = (
        "LiteRT models on the same examples, one at a time on one thread, and their "
        "change from the Keras model with its 95 % interval."
    )
    return DataTable("litert", caption, columns, rows)


def _rows(study: Study, result: Result, path: str) -> list[dict[str, Any]]:
    rows = []
    record = _read(path)
    for name in FORMATS:
        file = f"{name}.npz"
        of_file = files.join(path, file)
        with sealed.arrays(of_file, _advice(path), record["files"][file]) as arrays:
            logits = {record["split"]: arrays["probabilities"]}
        quantized = Result(result.run, result.info, logits)
        about = model_cells(Model.of(result.run)) | {"seed": result.run.seed}
        about |= {"format": name, **record["formats"][name]}
        about |= _cells(
            ACCURACY,
            estimates.accuracy(study, quantized, None, _OPTIONS),
            estimates.accuracy(study, quantized, result, _OPTIONS),
        )
        rows += [
            about | _gaps(study, quantized, result, attribute)
            for attribute in study.attributes
        ]
        if not study.attributes:
            rows.append(about)
    return rows


def _gaps(
    study: Study, quantized: Result, base: Result, attribute: Attribute
) -> dict[str, Any]:
    cells: dict[str, Any] = {"attribute": attribute_name(attribute)}
    for metric, gap in GAP_OF.items():
        value, change = (
            estimates.gap(
                study, gap, attribute, quantized, other, _OPTIONS, study.min_examples
            )
            for other in (None, base)
        )
        cells |= _cells(metric, value, change)
    return cells


def _cells(name: str, value: Interval, change: Interval) -> dict[str, float]:
    return {
        name: value.value,
        f"{name}_change": change.value,
        f"{name}_low": change.low,
        f"{name}_high": change.high,
    }
