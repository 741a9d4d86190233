"""A gap between groups as a TFMA metric; what DPD and EOD have in common."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tensorflow_model_analysis.metrics import metric_types, metric_util

from pipelines.evaluation.metrics.counts import GroupCountsCombineFn
from pipelines.evaluation.metrics.outputs import ModelOutputPreprocessor


def gap_name(gap: str, attribute: str, threshold: float | None) -> str:
    """Such as equalized_odds_difference/color, or .../color@0.5 with a threshold."""
    return f"{gap}/{attribute}" + ("" if threshold is None else f"@{threshold:g}")


class GroupGap(metric_types.Metric):
    """A gap of an attribute's groups; subclasses say which one.

    NaN where too few groups have examples, as in the slice of one group. Groups are
    those of the slice, so thresholds belong to the overall slice.

    Args:
      attribute: feature that holds the group's name; examples without it are in no
        group.
      num_classes: number of classes.
      threshold: of two classes, predicts class 1 where its probability is over it;
        None predicts the most probable class.
      name: name of the metric, to which a MetricConfig's thresholds are bound; by
        default the gap, the attribute and the threshold.
    """

    # Name of a method of GroupCounts.
    gap: ClassVar[str]

    def __init__(
        self,
        attribute: str,
        num_classes: int = 2,
        threshold: float | None = None,
        name: str | None = None,
    ):
        super().__init__(
            _computations_of(self.gap),
            attribute=attribute,
            num_classes=num_classes,
            threshold=threshold,
            name=name or gap_name(self.gap, attribute, threshold),
        )


def _computations_of(gap: str) -> Callable[..., metric_types.MetricComputations]:
    """Makes the computations of a gap.

    Args:
      gap: name of a method of GroupCounts, such as "demographic_parity_difference".

    Returns:
      TFMA's create_computations_fn.
    """

    def computations(
        attribute: str,
        num_classes: int,
        threshold: float | None,
        name: str,
        model_name: str = "",
        example_weighted: bool = False,
    ) -> metric_types.MetricComputations:
        counts = _group_counts(
            attribute, num_classes, threshold, model_name, example_weighted
        )
        key = metric_types.MetricKey(
            name, model_name=model_name, example_weighted=example_weighted
        )

        def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict:
            return {key: float(getattr(metrics[counts.keys[0]], gap)(attribute))}

        return [counts, metric_types.DerivedMetricComputation([key], result)]

    return metric_util.merge_per_key_computations(computations)


def _group_counts(
    attribute: str,
    num_classes: int,
    threshold: float | None,
    model_name: str,
    example_weighted: bool,
) -> metric_types.MetricComputation:
    """The counts; TFMA computes them once for all gaps that ask for the same ones."""
    key = metric_types.MetricKey(
        metric_util.generate_private_name_from_arguments(
            "group_counts",
            attribute=attribute,
            classes=num_classes,
            threshold=threshold,
        ),
        model_name=model_name,
        example_weighted=example_weighted,
    )
    return metric_types.MetricComputation(
        keys=[key],
        preprocessors=[
            ModelOutputPreprocessor(model_name, [attribute], example_weighted)
        ],
        combiner=GroupCountsCombineFn(key, num_classes, attribute, threshold),
    )
