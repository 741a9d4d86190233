"""GroupCounts: the counts under every fairness number of one model."""

from typing import Self

import numpy as np

from kd_keras.fairness import evidence as evidence_lib
from kd_keras.fairness import gap_intervals, gaps, rates
from kd_keras.fairness.cell_counts import CellCounts


class GroupCounts(CellCounts):
    """Examples per (groups, label, prediction) of one model.

    ```python
    counts = GroupCounts.from_predictions(
        [1, 1, 0, 0], [1, 0, 1, 0], groups={"color": ["red", "red", "blue", "blue"]}
    )
    float(counts.demographic_parity_difference())  # 0.0
    counts.selection_rate().by_group  # {"blue": 0.5, "red": 0.5}
    ```

    Counts of batches merge: `GroupCounts.merge(batches)` or `a + b`. See
    CellCounts for the fields.
    """

    columns = ("label", "prediction")

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, groups, sample_weight=None, num_classes=None
    ) -> Self:
        """Counts examples.

        Args:
            y_true: label of each example, class indices `[examples]`.
            y_pred: hard prediction, class indices `[examples]`.
            groups: attribute name -> group of each example, `[examples]`, all strings
                or all integers. None and NaN are missing: such an example counts in
                overall rates and in other attributes, and belongs to no group.
            sample_weight: finite, not negative, `[examples]`; None for ones. An
                example of weight 0 is absent.
            num_classes: at least 2; None for the highest class found plus one. Pass
                it where batches are merged, since some may lack the highest class.
                With two classes, class 1 is the positive one; with more, gaps are
                means of one-vs-rest gaps.

        Raises:
            TypeError: if group values are of mixed or other types.
            ValueError: if lengths differ, or a class or weight is out of its domain.
        """
        columns = {"y_true": y_true, "y_pred": y_pred}
        return cls._from_examples(columns, groups, sample_weight, num_classes)

    @property
    def label(self) -> np.ndarray:
        """Label of each cell, int64 `[cells]`."""
        return self._column("label")

    @property
    def prediction(self) -> np.ndarray:
        """Prediction of each cell, int64 `[cells]`."""
        return self._column("prediction")

    def one_vs_rest(self, positive_class: int) -> Self:
        """Returns two-class counts in which `positive_class` is class 1."""
        if not 0 <= positive_class < self.num_classes:
            raise ValueError(
                f"`positive_class` must lie in 0 to {self.num_classes - 1}. Received: "
                f"{positive_class}."
            )
        rows = self.cells.copy()
        rows[:, -2:] = rows[:, -2:] == positive_class
        return self._aggregated(self.groups, 2, rows, self.weights, self.counts)

    accuracy = rates.accuracy
    selection_rate = rates.selection_rate
    true_positive_rate = rates.true_positive_rate
    false_positive_rate = rates.false_positive_rate
    true_negative_rate = rates.true_negative_rate
    false_negative_rate = rates.false_negative_rate
    precision = rates.precision
    base_rate = rates.base_rate
    class_accuracy = rates.class_accuracy

    demographic_parity_difference = gaps.demographic_parity_difference
    demographic_parity_ratio = gaps.demographic_parity_ratio
    equalized_odds_difference = gaps.equalized_odds_difference
    equalized_odds_ratio = gaps.equalized_odds_ratio
    equal_opportunity_difference = gaps.equal_opportunity_difference
    false_positive_rate_difference = gaps.false_positive_rate_difference
    base_rate_difference = gaps.base_rate_difference
    accuracy_gap = gaps.accuracy_gap
    worst_group_accuracy = gaps.worst_group_accuracy

    gap_interval = gap_intervals.gap_interval
    evidence = evidence_lib.evidence
