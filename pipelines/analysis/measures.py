"""Accuracy, DPD and EOD of every run, and their mean over the seeds."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kd_keras.fairness import GAPS, Gap
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gaps import gap
from kd_keras.fairness.names import attribute_name, group_name
from pipelines.analysis.data_table import COUNT, PERCENT, TEMPERATURE, Column, DataTable
from pipelines.analysis.results import Model, Study
from pipelines.studies.layout import PLAIN

DPD = "demographic_parity_difference"
EOD = "equalized_odds_difference"
ACCURACY = "accuracy"
# Metric in the tables -> gap of the library: dpd and eod.
GAP_OF = {GAPS[gap].short.lower(): gap for gap in (DPD, EOD)}
# Metric in the tables -> title for people.
TITLES = {ACCURACY: ACCURACY} | {name: GAPS[gap].short for name, gap in GAP_OF.items()}
# The base rate gap is the DPD of a classifier without any error.
BASE_RATE_GAP = "base_rate_gap"
_BASE_RATE = (BASE_RATE_GAP, "base_rate_difference")
MODEL_COLUMNS = (
    Column("model", "model"),
    Column("temperature", "T", TEMPERATURE),
    # Of students that a method mended; of plain ones it is empty.
    Column("method", "method", optional=True),
)


class Measure(NamedTuple):
    """What is measured: accuracy (no attribute), or a key of GAP_OF of an attribute."""

    metric: str
    attribute: Attribute

    @property
    def by(self) -> str:
        """The attribute as tables and sentences have it."""
        return attribute_name(self.attribute)

    @property
    def title(self) -> str:
        """Such as: EOD by sex x race."""
        return TITLES[self.metric] + (f" by {self.by}" if self.attribute else "")


def measures_of(study: Study) -> list[Measure]:
    gaps = [Measure(m, a) for a in study.attributes for m in GAP_OF]
    return [Measure(ACCURACY, ""), *gaps]


def model_cells(model: Model) -> dict[str, Any]:
    name = f"{model.name} mended" if model.mended else model.name
    cells: dict[str, Any] = {"model": name, "temperature": model.temperature}
    return cells if model.method == PLAIN else cells | {"method": model.method}


def model_of(row: Mapping[str, Any]) -> Model:
    """The model whose cells a row has."""
    name, _, mended = row["model"].partition(" ")
    model = Model.named(name, row["temperature"], row.get("method") or PLAIN)
    return dataclasses.replace(model, mended=bool(mended))


def run_table(study: Study) -> DataTable:
    """One row per run, attribute and metric; the accuracy has no attribute."""
    rows = []
    for result in study.results:
        run = model_cells(Model.of(result.run)) | {"seed": result.run.seed}
        predicted = result.predicted(study.split)
        accuracy = np.mean(predicted == study.truth[study.split].labels)
        rows.append(
            run | {"attribute": "", "metric": ACCURACY, "value": float(accuracy)}
        )
        counts = study.counts(result, study.split)
        for attribute in study.attributes:
            for metric, name in (*GAP_OF.items(), _BASE_RATE):
                found = gap(
                    counts, name, attribute=attribute, min_examples=study.min_examples
                )
                rows.append(
                    run
                    | {
                        "attribute": attribute_name(attribute),
                        "metric": metric,
                        "value": found.value,
                        "undefined": _undefined(study, found),
                    }
                )
    columns = (
        *MODEL_COLUMNS,
        Column("seed", "seed", COUNT),
        Column("attribute", "attribute"),
        Column("metric", "metric"),
        Column("value", "value, %", PERCENT),
        Column("undefined", "left out"),
    )
    return DataTable("runs", "Every run.", columns, rows)


def mean_value(runs: DataTable, measure: Measure, model: Model) -> float:
    """The mean over the seeds, of `run_table`."""
    wanted = {"attribute": measure.by, "metric": measure.metric} | model_cells(model)
    found = [
        row["value"]
        for row in runs.rows
        if all(row[name] == value for name, value in wanted.items())
    ]
    return float(np.mean(found))


def _undefined(study: Study, found: Gap) -> str:
    """Names the rates that have too few examples, then the groups with their sizes."""
    rates = [
        f"{rate.rate} of {study.spec.class_names[rate.positive_class]} in "
        f"{', '.join(map(group_name, rate.groups))}"
        for rate in found.undefined
        # None for accuracy alone, which is no gap of the table.
        if rate.positive_class is not None
    ]
    left_out = [str(size) for size in found.left_out]
    return "; ".join(([found.reason] if found.reason else rates) + left_out)


def summary_table(
    study: Study,
    runs: DataTable,
    chance: Mapping[Model, Mapping[Measure, Any]] | None = None,
) -> DataTable:
    """Mean and standard deviation over the seeds, one row per model and attribute.

    Args:
      study: the study.
      runs: `run_table` of the study.
      chance: from `chance_gaps`; None leaves these columns out.
    """
    values: dict[tuple, list[float]] = {}
    for row in runs.rows:
        key = (model_of(row), row["attribute"], row["metric"])
        values.setdefault(key, []).append(row["value"])
    rows = []
    for attribute in map(attribute_name, study.attributes or [""]):
        for model, seeds in study.models.items():
            row = {"attribute": attribute, "seeds": len(seeds)} | model_cells(model)
            row |= _mean_and_sd(ACCURACY, values[(model, "", ACCURACY)])
            if attribute:
                for metric in GAP_OF:
                    row |= _mean_and_sd(metric, values[(model, attribute, metric)])
                for measure, by_chance in (chance or {}).get(model, {}).items():
                    if measure.by == attribute:
                        row[f"{measure.metric}_chance"] = by_chance.mean
                row[BASE_RATE_GAP] = values[(model, attribute, BASE_RATE_GAP)][0]
            rows.append(row)
    columns = [Column("attribute", "attribute"), *MODEL_COLUMNS]
    columns.append(Column("seeds", "seeds", COUNT))
    for metric, title in TITLES.items():
        columns.append(Column(f"{metric}_mean", f"{title}, %", PERCENT))
        columns.append(Column(f"{metric}_sd", f"{title} sd", PERCENT))
        if chance and metric in GAP_OF:
            columns.append(Column(f"{metric}_chance", f"{title} by chance", PERCENT))
    columns.append(Column(BASE_RATE_GAP, "base rate gap, %", PERCENT))
    caption = "Mean and standard deviation (sd) over the seeds."
    return DataTable("summary", caption, columns, rows)


def _mean_and_sd(metric: str, values: list[float]) -> Mapping[str, float]:
    """The sd of a single seed is undefined."""
    sd = np.std(values, ddof=1) if len(values) > 1 else np.nan
    return {f"{metric}_mean": float(np.mean(values)), f"{metric}_sd": float(sd)}
