"""Impact ratios of a study's models, a row per group."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kd_keras.fairness import ImpactRatios, impact_ratios
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.impact import FOUR_FIFTHS, LEAST_SHARE, GroupImpact
from kd_keras.fairness.names import attribute_name, group_name, parts
from pipelines.analysis.data_table import (
    COUNT,
    DECIMAL,
    PERCENT,
    TENTHS,
    Column,
    DataTable,
)
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study
from pipelines.analysis.seed_means import mean_of

LINE = f"{100 * FOUR_FIFTHS:g} %"
BELOW, ABOVE, UNSURE = f"below {LINE}", f"at {LINE} or above", "the data cannot say"
LEFT_OUT = f"not compared: under {100 * LEAST_SHARE:g} % of the data"
UNKNOWN = "(unknown)"


def applies(study: Study) -> bool:
    """Whether somebody is selected: two classes, and groups."""
    return study.spec.num_classes == 2 and bool(study.spec.groups)


def looked_at(study: Study) -> tuple[Attribute, ...]:
    """The study's attributes, and every two of them crossed."""
    named = {frozenset(parts(of)) for of in study.attributes}
    pairs = itertools.combinations(study.spec.groups, 2)
    return (*study.attributes, *(p for p in pairs if frozenset(p) not in named))


def impact_table(study: Study, models: Iterable[Model]) -> DataTable:
    """Counts, selection rate and impact ratio of every group, mean over the seeds."""
    rows = [
        row
        for attribute in looked_at(study)
        for model in models
        for row in _rows(study, attribute, model)
    ]
    columns = (
        Column("attribute", "attribute"),
        *MODEL_COLUMNS,
        Column("group", "group"),
        Column("impact_ratio", "impact ratio", DECIMAL),
        Column("impact_ratio_low", "from", DECIMAL),
        Column("impact_ratio_high", "to", DECIMAL),
        Column("four_fifths", f"against {LINE}"),
        Column("selected", "selected", TENTHS),
        Column("examples", "examples", COUNT),
        Column("share", "of all, %", PERCENT),
        Column("selection_rate", "selection rate, %", PERCENT),
        Column("selection_rate_low", "from", PERCENT),
        Column("selection_rate_high", "to", PERCENT),
    )
    caption = (
        f"Selected is who is predicted to be {study.spec.class_names[1]}. The impact "
        "ratio is the group's selection rate over the highest one of the attribute. "
        "95 % intervals; mean over the seeds."
    )
    return DataTable("impact_ratios", caption, columns, rows)


def _rows(study: Study, attribute: Attribute, model: Model) -> list[dict[str, Any]]:
    found = [
        impact_ratios(
            study.counts(result, study.split), attribute, min_share=LEAST_SHARE
        )
        for result in study.models[model].values()
    ]
    about = {"attribute": attribute_name(attribute), **model_cells(model)}
    by_group = zip(*(one.groups for one in found), strict=True)
    rows = [about | _row(of_seeds) for of_seeds in by_group]
    return [*sorted(rows, key=_lowest_first), about | _unknown(found[0])]


def _row(found: Sequence[GroupImpact]) -> dict[str, Any]:
    rate = mean_of([one.selection_rate for one in found])
    ratio = mean_of([one.impact_ratio for one in found])
    first = found[0]
    return {
        "group": group_name(first.group),
        "examples": first.examples,
        "share": first.share,
        "selected": float(np.mean([one.selected for one in found])),
        "selection_rate": rate.value,
        "selection_rate_low": rate.low,
        "selection_rate_high": rate.high,
        "impact_ratio": ratio.value,
        "impact_ratio_low": ratio.low,
        "impact_ratio_high": ratio.high,
        "four_fifths": _against_the_line(ratio.low, ratio.high, first.compared),
    }


def _against_the_line(low: float, high: float, compared: bool) -> str:
    if not compared:
        return LEFT_OUT
    if np.isnan(low):
        return ""
    if high < FOUR_FIFTHS:
        return BELOW
    return ABOVE if low >= FOUR_FIFTHS else UNSURE


def _unknown(found: ImpactRatios) -> dict[str, Any]:
    return {
        "group": UNKNOWN,
        "examples": found.unknown,
        "share": found.unknown / max(found.examples, 1),
        "four_fifths": "not compared: no known group",
    }


def _lowest_first(row: dict[str, Any]) -> tuple[bool, float]:
    ratio = row["impact_ratio"]
    return (bool(np.isnan(ratio)), 0.0 if np.isnan(ratio) else ratio)
