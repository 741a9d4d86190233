"""Accuracy against the gap between groups: which students no other beats in both."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kd_keras.fairness import GAPS, Interval, wilson
from kd_keras.fairness.names import attribute_name
from pipelines.analysis import seed_means
from pipelines.analysis.data_table import PERCENT, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study
from pipelines.studies.interval_options import LEVEL

GAP = "equalized_odds_difference"


class Point(NamedTuple):
    """A model in the plane of error and gap; shares in [0, 1], means over the seeds.

    Attributes:
      model: the model.
      attribute: whose groups the gap is between, by name.
      error: with Wilson's interval.
      gap: with the library's interval.
      on_front: whether it is a student that no other student beats in both.
    """

    model: Model
    attribute: str
    error: Interval
    gap: Interval
    on_front: bool


def points(study: Study) -> list[Point]:
    """Every model for every attribute, on the evaluation split.

    Models whose gap is undefined are left out.
    """
    errors = {model: _error(study, model) for model in study.models}
    found = []
    for attribute in study.attributes:
        gaps = {
            model: seed_means.mean_of(
                seed_means.gaps(study, GAP, attribute, model, LEVEL)
            )
            for model in study.models
        }
        known = [model for model in study.models if not np.isnan(gaps[model].value)]
        places = {m: (errors[m].value, gaps[m].value) for m in known}
        students = [places[model] for model in study.students if model in places]
        for model in known:
            beaten = any(_beats(other, places[model]) for other in students)
            on_front = model in study.students and not beaten
            name = attribute_name(attribute)
            found.append(Point(model, name, errors[model], gaps[model], on_front))
    return found


def _beats(other: tuple[float, float], own: tuple[float, float]) -> bool:
    return other != own and other[0] <= own[0] and other[1] <= own[1]


def _error(study: Study, model: Model) -> Interval:
    labels = study.truth[study.split].labels
    found = []
    for run in study.models[model].values():
        wrong = int(np.sum(run.predicted(study.split) != labels))
        low, high = map(float, wilson(wrong, len(labels), level=LEVEL))
        found.append(Interval(wrong / len(labels), low, high, LEVEL))
    return seed_means.mean_of(found)


def frontier_table(found: Sequence[Point]) -> DataTable:
    """The same numbers, for the table beside the picture."""
    rows = [
        {"attribute": point.attribute}
        | model_cells(point.model)
        | {
            "error": point.error.value,
            "error_lower": point.error.low,
            "error_upper": point.error.high,
            "gap": point.gap.value,
            "gap_lower": point.gap.low,
            "gap_upper": point.gap.high,
            "frontier": "yes" if point.on_front else "",
        }
        for point in found
    ]
    short = GAPS[GAP].short
    columns = (
        Column("attribute", "attribute"),
        *MODEL_COLUMNS,
        Column("error", "error, %", PERCENT),
        Column("error_lower", "from", PERCENT),
        Column("error_upper", "to", PERCENT),
        Column("gap", f"{short}, %", PERCENT),
        Column("gap_lower", "from", PERCENT),
        Column("gap_upper", "to", PERCENT),
        Column("frontier", "on the frontier"),
    )
    caption = (
        f"Error and {short} of every model, mean over the seeds, with 95 % intervals "
        "of each. On the frontier are students that no other student beats in both."
    )
    return DataTable("frontier", caption, columns, rows)
