"""PairedCounts: the counts of two models, with their comparisons as methods."""

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

    @property
    def a(self) -> GroupCounts:
        """Counts of model a."""
        return self._model(GroupCounts, dropped=-1)

    @property
    def b(self) -> GroupCounts:
        """Counts of model b."""
        return self._model(GroupCounts, dropped=-2)

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
