"""PairedCounts: the counts of two models on the same examples."""

from typing import Self, cast

import numpy as np

from kd_keras.fairness import class_changes, error_transfer, gap_intervals
from kd_keras.fairness.encoding import sum_cells
from kd_keras.fairness.group_counts import GroupCounts
from kd_keras.fairness.prediction_counts import PredictionPairCounts
from kd_keras.fairness.rates import divide


class PairedCounts(PredictionPairCounts):
    """Examples per (groups, label, prediction of a, prediction of b).

    Model a is the reference (teacher, or non-distilled student), b the model that is
    judged (distilled student). See CellCounts for the fields.
    """

    of_one = GroupCounts

    @classmethod
    def from_predictions(
        cls, y_true, y_pred_a, y_pred_b, *, groups, sample_weight=None, num_classes=None
    ) -> Self:
        """Counts examples.

        Args:
            y_true: label of each example, class indices `[examples]`.
            y_pred_a: hard predictions of model a, `[examples]`.
            y_pred_b: hard predictions of model b on the same examples, `[examples]`.
            groups, sample_weight, num_classes: as in GroupCounts.from_predictions.

        Raises:
            TypeError: if group values are of mixed or other types.
            ValueError: if lengths differ, or a class or weight is out of its domain.
        """
        columns = {"y_true": y_true, "y_pred_a": y_pred_a, "y_pred_b": y_pred_b}
        return cls._from_examples(columns, groups, sample_weight, num_classes)

    @property
    def a(self) -> GroupCounts:
        """Counts of model a."""
        return cast(GroupCounts, super().a)

    @property
    def b(self) -> GroupCounts:
        """Counts of model b."""
        return cast(GroupCounts, super().b)

    def disagreement_matrix(self) -> np.ndarray:
        """Same as `disagreement_matrix` of the two models' predictions."""
        pair = self.prediction_a * self.num_classes + self.prediction_b
        matrix = sum_cells(self.counts, pair, self.num_classes**2)
        matrix = matrix.reshape(self.num_classes, self.num_classes)
        np.fill_diagonal(matrix, 0)
        return matrix

    def agreement(self) -> float:
        """P(prediction of a = prediction of b), weighted; NaN without examples."""
        agree = self.prediction_a == self.prediction_b
        return float(divide(self.mass[agree].sum(), self.mass.sum()))

    gap_change = gap_intervals.gap_change
    error_transfer = error_transfer.error_transfer
    class_group_changes = class_changes.class_group_changes
