"""Demographic parity difference as a TFMA metric."""

from pipelines.evaluation.metrics.group_gaps import GroupGap


class DemographicParityDifference(GroupGap):
    """Highest minus lowest selection rate of an attribute's groups.

    `kd_keras.fairness.GroupCounts.demographic_parity_difference`: of two classes,
    class 1 is the positive one; of several, the mean over classes of the one-vs-rest
    gaps. NaN where fewer than two groups have examples. Arguments as in `GroupGap`.
    """

    gap = "demographic_parity_difference"
