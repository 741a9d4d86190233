"""Change of accuracy between two models, by class and group."""

import dataclasses

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import Group, sum_cells
from kd_keras.fairness.mcnemar import mcnemar
from kd_keras.fairness.prediction_counts import PredictionPairCounts
from kd_keras.fairness.rates import divide
from kd_keras.table import Table, number, shown


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
    counts: PredictionPairCounts, attribute: Attribute | None = None
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
