"""Equalized odds difference as a TFMA metric."""

from tensorflow_model_analysis.metrics import metric_types

from pipelines.evaluation.metrics.group_gaps import gap_computations, gap_name

GAP = "equalized_odds_difference"


class EqualizedOddsDifference(metric_types.Metric):
    """Larger one of the gaps of TPR and FPR between an attribute's groups.

    `kd_keras.fairness.GroupCounts.equalized_odds_difference`: of two classes, class 1
    is the positive one; of several, the mean over classes of the one-vs-rest gaps. NaN
    where a rate is defined in fewer than two groups, as in the slice of one group or
    one label. Groups are those of the slice, so thresholds belong to the overall
    slice.

    Args:
      attribute: feature that holds the group's name; examples without it are in no
        group.
      num_classes: number of classes.
      threshold: of two classes, predicts class 1 where its probability is over it;
        None predicts the most probable class.
      name: name of the metric, to which a MetricConfig's thresholds are bound; by
        default the gap, the attribute and the threshold.
    """

    def __init__(
        self,
        attribute: str,
        num_classes: int = 2,
        threshold: float | None = None,
        name: str | None = None,
    ):
        super().__init__(
            gap_computations(GAP),
            attribute=attribute,
            num_classes=num_classes,
            threshold=threshold,
            name=name or gap_name(GAP, attribute, threshold),
        )
