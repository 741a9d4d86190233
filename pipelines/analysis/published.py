"""Published numbers to show beside a study's own, where its row was published."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kd_keras import files
from pipelines.analysis.data_table import PERCENT, POINTS, Column, DataTable
from pipelines.analysis.measures import (
    ACCURACY,
    GAP_OF,
    MODEL_COLUMNS,
    TITLES,
    Measure,
    model_of,
)
from pipelines.analysis.results import Model, Study
from pipelines.studies.layout import DS, NDS, TEACHER

# File of the directory -> columns that are read.
_COLUMNS = {
    "group_fairness.csv": (
        *("dataset", "attribute", "model", "temperature"),
        *(metric + part for metric in TITLES for part in ("", "_sd")),
        "source",
    ),
    "class_bias.csv": (
        *("dataset", "teacher", "student", "model", "temperature", "sc", "tc"),
        *("top1_mean", "top1_sd", "source"),
    ),
    "individual_fairness.csv": (
        *("dataset", "model", "temperature", "individual_fairness", "source"),
    ),
}

# Name here -> name there, without case and punctuation, where they differ.
_NAMES = {
    "imagenet2012": "imagenet",
    "svhncropped": "svhn",
    "vitb16": "vitbase",
    "tinyvit5m": "tinyvit",
    "bert": "bertbase",
}
# The pair of each data set whose rows do not name it (arXiv 2410.08407, section 4).
_PAIRS = {
    "celeba": ("resnet50", "resnet18"),
    "trifeature": ("resnet20", "lenet5"),
    "hatexplain": ("bertbase", "distilbert"),
}


class Number(NamedTuple):
    """A published mean in this project's units: shares, not percent.

    Attributes:
      mean: over the initialisations.
      sd: over the initialisations; NaN where none is published.
      source: where it was printed.
    """

    mean: float
    sd: float
    source: str


@dataclasses.dataclass(frozen=True)
class Published:
    """What was published of a study's data set and pair of models.

    Attributes:
      measures: measure -> model -> number.
      class_bias: distilled student -> (#SC, #TC).
      individual: model -> individual fairness.
      everywhere: metric ("dpd", "eod" or "individual_fairness") -> the published means
        by model, percent as shares, of every data set and attribute.
    """

    measures: Mapping[Measure, Mapping[Model, Number]]
    class_bias: Mapping[Model, tuple[int, int]]
    individual: Mapping[Model, Number]
    everywhere: Mapping[str, Sequence[Mapping[Model, float]]] = dataclasses.field(
        default_factory=dict
    )

    def curve(self, measure: Measure) -> dict[float, float]:
        """Temperature -> published mean, of the distilled students."""
        return {
            model.temperature: number.mean
            for model, number in self.measures.get(measure, {}).items()
            if model.temperature is not None
        }

    def references(self, measure: Measure) -> dict[str, float]:
        """Name of teacher or nds -> published mean."""
        return {
            model.name: number.mean
            for model, number in self.measures.get(measure, {}).items()
            if model.temperature is None
        }


NOTHING = Published({}, {}, {})


def read_published(directory: str, study: Study) -> Published:
    """Reads the rows of a study's data set and pair of models.

    Args:
      directory: holds group_fairness.csv, class_bias.csv or individual_fairness.csv
        with a header line; percent, and empty where nothing is published.
      study: whose rows are read.

    Returns:
      The rows' numbers; all empty if nothing was published of this study.

    Raises:
      ValueError: none of the files is there, or one lacks a column.
    """
    paths = {name: files.join(directory, name) for name in _COLUMNS}
    there = {name: path for name, path in paths.items() if files.exists(path)}
    if not there:
        raise ValueError(
            f"--published={directory} must be a directory with "
            f"{', '.join(_COLUMNS)}; it has none of them."
        )
    tables = {name: _table(name, path) for name, path in there.items()}
    rows = {
        name: list(_own_rows(table, study.config)) for name, table in tables.items()
    }
    group, classes, individual = (rows.get(name, []) for name in _COLUMNS)
    measures: dict[Measure, dict[Model, Number]] = {}
    attributes = {_plain(name): name for name in study.spec.groups}
    for model, row in group:
        _add(measures, Measure(ACCURACY, ""), model, row)
        attribute = attributes.get(_plain(row["attribute"]))
        if attribute is not None:
            for metric in GAP_OF:
                _add(measures, Measure(metric, attribute), model, row)
    for model, row in classes:
        named = row | {"accuracy": row["top1_mean"], "accuracy_sd": row["top1_sd"]}
        _add(measures, Measure(ACCURACY, ""), model, named)
    return Published(
        measures,
        {model: (int(r["sc"]), int(r["tc"])) for model, r in classes if r["sc"]},
        {
            model: Number(float(r["individual_fairness"]), float("nan"), r["source"])
            for model, r in individual
        },
        _everywhere(tables),
    )


def _everywhere(
    tables: Mapping[str, list[dict[str, str]]],
) -> dict[str, list[dict[Model, float]]]:
    """Metric -> the means by model of each data set and attribute, shares as shares."""
    found: dict[str, list[dict[Model, float]]] = {}
    for name, metrics, scale in (
        ("group_fairness.csv", tuple(GAP_OF), 100),
        ("individual_fairness.csv", ("individual_fairness",), 1),
    ):
        for metric in metrics:
            means: dict[tuple[str, str], dict[Model, float]] = {}
            for row in tables.get(name, ()):
                model = _model(row)
                if model and row[metric]:
                    of = (row["dataset"], row.get("attribute", ""))
                    means.setdefault(of, {})[model] = float(row[metric]) / scale
            if means:
                found[metric] = list(means.values())
    return found


def _add(
    measures: dict[Measure, dict[Model, Number]],
    measure: Measure,
    model: Model,
    row: Mapping[str, str],
) -> None:
    if row[measure.metric]:
        # The accuracy stands beside each attribute; the first row counts.
        sd = float(row[f"{measure.metric}_sd"] or "nan")
        number = Number(float(row[measure.metric]) / 100, sd / 100, row["source"])
        measures.setdefault(measure, {}).setdefault(model, number)


def _table(name: str, path: str) -> list[dict[str, str]]:
    """All rows of a file that has its columns."""
    reader = csv.DictReader(io.StringIO(files.read_text(path)))
    missing = set(_COLUMNS[name]).difference(reader.fieldnames or ())
    if missing:
        raise ValueError(
            f"{path} of --published lacks the columns {sorted(missing)}. It needs "
            f"{_COLUMNS[name]}."
        )
    return list(reader)


def _own_rows(
    table: Iterable[dict[str, str]], config: Mapping[str, Any]
) -> Iterator[tuple[Model, dict[str, str]]]:
    """The rows of the study's data set and pair."""
    dataset = _plain(config["dataset"]["name"])
    pair = (_plain(config["teacher"]["model"]), _plain(config["student"]["model"]))
    for row in table:
        if "teacher" in row:
            published = (_plain(row["teacher"]), _plain(row["student"]))
        else:
            published = _PAIRS.get(dataset, pair)
        model = _model(row)
        if model and _plain(row["dataset"]) == dataset and published == pair:
            yield model, row


def _model(row: Mapping[str, str]) -> Model | None:
    """The model of a row; None for one that is not of the study."""
    if row["model"] not in (TEACHER, NDS, DS):
        return None
    temperature = float(row["temperature"]) if row["temperature"] else None
    return Model.named(row["model"], temperature)


def published_table(summary: DataTable, published: Published) -> DataTable | None:
    """Own and published means side by side; None where nothing is published."""
    rows: list[dict[str, Any]] = []
    for measure, numbers in published.measures.items():
        for row in _own(summary, measure):
            number = numbers.get(model_of(row))
            if number is None:
                continue
            own = row[f"{measure.metric}_mean"]
            rows.append(
                {"metric": measure.metric, "attribute": measure.by}
                | {name: row[name] for name in ("model", "temperature")}
                | {"own": own, "own_sd": row[f"{measure.metric}_sd"]}
                | {"published": number.mean, "published_sd": number.sd}
                | {"difference": own - number.mean, "source": number.source}
            )
    if not rows:
        return None
    columns = (
        Column("attribute", "attribute"),
        Column("metric", "metric"),
        *MODEL_COLUMNS,
        Column("own", "here, %", PERCENT),
        Column("own_sd", "sd", PERCENT),
        Column("published", "published, %", PERCENT),
        Column("published_sd", "sd", PERCENT),
        Column("difference", "here minus published, points", POINTS),
        Column("source", "printed in"),
    )
    caption = "Published numbers of this data set and pair of models beside these."
    return DataTable("published", caption, columns, rows)


def _own(summary: DataTable, measure: Measure) -> list[Mapping[str, Any]]:
    """The summary's rows of an attribute; of the first one for the accuracy."""
    attribute = measure.by or summary.rows[0]["attribute"]
    return [row for row in summary.rows if row["attribute"] == attribute]


def _plain(name: str) -> str:
    letters = "".join(c for c in name.lower() if c.isalnum())
    return _NAMES.get(letters, letters)
