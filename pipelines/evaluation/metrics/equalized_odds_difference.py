"""Equalized odds difference as a TFMA metric."""

from pipelines.evaluation.metrics.group_gaps import GroupGap


class EqualizedOddsDifference(GroupGap):
    """Larger one of the gaps of TPR and FPR between an attribute's groups.

    `kd_keras.fairness.GroupCounts.equalized_odds_difference`: of two classes, class 1
    is the positive one; of several, the mean over classes of the one-vs-rest gaps. NaN
    where a rate is defined in fewer than two groups, as in the slice of one label.
    Arguments as in `GroupGap`.
    """

    gap = "equalized_odds_difference"
