"""Comparison of two models on the same examples."""

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.stats

from kd_keras.fairness.cells import Group, sum_cells
from kd_keras.fairness.rates import divide
from kd_keras.table import Table, number, shown

if TYPE_CHECKING:
    from kd_keras.fairness.cell_counts import Attribute
    from kd_keras.fairness.paired_counts import PairedCounts


def mcnemar(only_a_correct, only_b_correct) -> np.ndarray:
    """Exact McNemar test (McNemar 1947): the binomial test of discordant pairs.

    Args:
        only_a_correct: number of examples that only model a gets right, of any shape.
        only_b_correct: number of examples that only model b gets right, same shape.

    Returns:
        Two-sided p-values of the same shape; 1 without discordant pairs.
    """
    b, c = np.asarray(only_a_correct), np.asarray(only_b_correct)
    # The distribution is symmetric, so both tails are twice the smaller one.
    return np.minimum(1.0, 2 * scipy.stats.binom.cdf(np.minimum(b, c), b + c, 0.5))


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
    counts: "PairedCounts", attribute: "Attribute | None" = None
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


def _errors(counts: "PairedCounts", index: np.ndarray, size: int) -> list[GroupErrors]:
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


@dataclasses.dataclass(frozen=True)
class ClassGroupChanges:
    """Change of accuracy for every class and group, from model a to b.

    Attributes:
        groups: groups of axis 0.
        change: P(b correct) - P(a correct), weighted, `[groups, classes]`; NaN
            without examples.
        p_values: McNemar's test, `[groups, classes]`; NaN without examples. Correct
            them with `adjust_p_values`.
    """

    groups: tuple[Group, ...]
    change: np.ndarray
    p_values: np.ndarray

    def _repr_html_(self) -> str:
        rows = [
            [shown(group), *(number(change, "+.4f") for change in changes)]
            for group, changes in zip(self.groups, self.change, strict=True)
        ]
        columns = ("change of accuracy", *map(str, range(self.change.shape[1])))
        return Table("", columns, rows).html()


def class_group_changes(
    counts: "PairedCounts", attribute: "Attribute | None" = None
) -> ClassGroupChanges:
    """Compares the accuracy of two models in each class of each group."""
    groups, index = counts.attribute_index(attribute)
    shape = (len(groups), counts.num_classes)
    cell = np.where(index >= 0, index * counts.num_classes + counts.label, -1)
    right_a = counts.prediction_a == counts.label
    right_b = counts.prediction_b == counts.label

    def sums(values, chosen=True):
        chosen_cell = np.where(chosen, cell, -1)
        return sum_cells(values, chosen_cell, shape[0] * shape[1]).reshape(shape)

    gained = sums(counts.mass, ~right_a & right_b)
    lost = sums(counts.mass, right_a & ~right_b)
    p_values = mcnemar(
        sums(counts.counts, right_a & ~right_b), sums(counts.counts, ~right_a & right_b)
    )
    examples = sums(counts.counts)
    return ClassGroupChanges(
        groups,
        divide(gained - lost, sums(counts.mass)),
        np.where(examples > 0, p_values, np.nan),
    )
