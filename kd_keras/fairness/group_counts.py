"""GroupCounts: the counts of one model, with its measures as methods."""

from kd_keras.fairness import evidence as evidence_lib
from kd_keras.fairness import gap_intervals, rates
from kd_keras.fairness.named_gaps import GapMethods


class GroupCounts(GapMethods):
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
