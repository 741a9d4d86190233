"""GroupCounts: the counts under every fairness number of one model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from kd_keras.fairness import evidence as evidence_lib
from kd_keras.fairness import gap_intervals, gaps, rates
from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.gaps import Gap
from kd_keras.fairness.prediction_counts import PredictionCounts


class GroupCounts(PredictionCounts):
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

    Every row of GAPS is a method, like `counts.equalized_odds_difference("color")`,
    which returns a Gap.
    """

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

    accuracy = rates.accuracy
    selection_rate = rates.selection_rate
    true_positive_rate = rates.true_positive_rate
    false_positive_rate = rates.false_positive_rate
    true_negative_rate = rates.true_negative_rate
    false_negative_rate = rates.false_negative_rate
    precision = rates.precision
    base_rate = rates.base_rate
    class_accuracy = rates.class_accuracy

    gap_interval = gap_intervals.gap_interval
    evidence = evidence_lib.evidence

    if TYPE_CHECKING:
        # A gap is a row of GAPS and no line here.
        def __getattr__(self, name: str) -> Callable[..., Gap]: ...


for _name in GAPS:
    setattr(GroupCounts, _name, gaps.gap_function(_name, f"GroupCounts.{_name}"))
