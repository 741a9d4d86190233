"""Which errors of a student its teacher makes too, by group."""

import dataclasses
from typing import NamedTuple

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import Group, sum_cells
from kd_keras.fairness.mcnemar import mcnemar
from kd_keras.fairness.prediction_counts import PredictionPairCounts
from kd_keras.fairness.rates import divide
from kd_keras.table import Table, number, shown


class GroupErrors(NamedTuple):
    """Errors of models a and b in one group, as shares of its examples (weighted).

    Attributes:
      shared: both models are wrong.
      introduced: only b is wrong.
      repaired: only a is wrong.
      num_shared, num_introduced, num_repaired, num_examples: numbers of examples,
        without weights.
      p_value: McNemar's test of introduced against repaired, without weights.
    """

    shared: float
    introduced: float
    repaired: float
    num_shared: int
    num_introduced: int
    num_repaired: int
    num_examples: int
    p_value: float


@dataclasses.dataclass(frozen=True)
class ErrorTransfer:
    """Where model b's errors come from, per group.

    The accuracy gap of b, between its worst group w and its best group v, is the sum
    of `transferred` = shared(w) - shared(v), which a has already, and of `created` =
    introduced(w) - introduced(v), which is new in b.

    Attributes:
      overall: errors of all examples, those without a group included.
      by_group: group -> errors.
      worst: b's group with the lowest accuracy; None with fewer than two groups.
      best: b's group with the highest accuracy; None with fewer than two groups.
      transferred: part of b's accuracy gap, NaN with fewer than two groups.
      created: the other part.
    """

    overall: GroupErrors
    by_group: dict[Group, GroupErrors]
    worst: Group | None
    best: Group | None
    transferred: float
    created: float

    def _repr_html_(self) -> str:
        title = (
            f"accuracy gap: {number(self.transferred)} transferred, "
            f"{number(self.created)} created"
        )
        named = {"overall": self.overall, **self.by_group}
        rows = [
            [shown(group), *map(shown, errors[:3]), str(errors.num_examples)]
            for group, errors in named.items()
        ]
        columns = ("group", *GroupErrors._fields[:3], "examples")
        return Table(title, columns, rows).html()


def error_transfer(
    counts: PredictionPairCounts, attribute: Attribute | None = None
) -> ErrorTransfer:
    """Splits model b's errors into those shared with model a and new ones."""
    groups, index = counts.attribute_index(attribute)
    (overall,) = _errors(counts, np.zeros_like(index), 1)
    by_group = dict(zip(groups, _errors(counts, index, len(groups)), strict=True))
    if len(groups) < 2:
        return ErrorTransfer(overall, by_group, None, None, np.nan, np.nan)
    error_rate = {g: e.shared + e.introduced for g, e in by_group.items()}
    worst = max(error_rate, key=error_rate.__getitem__)
    best = min(error_rate, key=error_rate.__getitem__)
    w, v = by_group[worst], by_group[best]
    return ErrorTransfer(
        overall,
        by_group,
        worst,
        best,
        w.shared - v.shared,
        w.introduced - v.introduced,
    )


def _errors(
    counts: PredictionPairCounts, index: np.ndarray, size: int
) -> list[GroupErrors]:
    right_a = counts.prediction_a == counts.label
    right_b = counts.prediction_b == counts.label
    kinds = (~right_a & ~right_b, right_a & ~right_b, ~right_a & right_b)

    def sums(values):
        return [sum_cells(values, np.where(kind, index, -1), size) for kind in kinds]

    total = sum_cells(counts.mass, index, size)
    shares = [divide(part, total) for part in sums(counts.mass)]
    numbers = sums(counts.counts)
    examples = sum_cells(counts.counts, index, size)
    p_values = mcnemar(numbers[1], numbers[2])
    columns = [*shares, *numbers, examples, p_values]
    return [
        GroupErrors(*row)
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
