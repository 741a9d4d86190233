"""Gaps between groups as TFMA metrics, one for every row of the library's table."""

from typing import Any

from tensorflow_model_analysis.metrics import metric_types, metric_util

from kd_keras.fairness import GAPS, gap_values
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name, parts
from pipelines.evaluation.metrics.counts import GroupCountsCombineFn
from pipelines.evaluation.metrics.outputs import ModelOutputPreprocessor


class GroupGap(metric_types.Metric):
    """A gap between an attribute's groups.

    As the method of `kd_keras.fairness.GroupCounts` of the gap's name: of two classes,
    class 1 is the positive one; of several, the mean over classes of the one-vs-rest
    gaps. NaN where it is undefined, as in the slice of one group. Groups are those of
    the slice, so thresholds belong to the overall slice.

    Args:
      gap: a key of `kd_keras.fairness.GAPS`, such as "equalized_odds_difference".
      attribute: feature that holds the group's name; examples without it are in no
        group. Several features are crossed; JSON has them as a list.
      num_classes: number of classes.
      threshold: of two classes, predicts class 1 where its probability is over it;
        None predicts the most probable class.
      name: name of the metric, to which a MetricConfig's thresholds are bound; by
        default the gap, the attribute and the threshold.

    Raises:
      ValueError: if there is no such gap, or a threshold for several classes.
    """

    def __init__(
        self,
        gap: str,
        attribute: Attribute | list[str],
        num_classes: int = 2,
        threshold: float | None = None,
        name: str | None = None,
    ):
        if gap not in GAPS:
            raise ValueError(f"`gap` must be one of {list(GAPS)}. Received: {gap!r}.")
        if threshold is not None and num_classes != 2:
            raise ValueError(
                "`threshold` is for two classes. Received: "
                f"threshold={threshold}, num_classes={num_classes}."
            )
        if isinstance(attribute, list):
            attribute = tuple(attribute)
        super().__init__(
            metric_util.merge_per_key_computations(_computations),
            gap=gap,
            attribute=attribute,
            num_classes=num_classes,
            threshold=threshold,
            name=name or gap_name(gap, attribute, threshold),
        )


def gap_name(gap: str, attribute: Attribute, threshold: float | None = None) -> str:
    """Such as equalized_odds_difference/color, or .../color@0.5 with a threshold."""
    at = "" if threshold is None else f"@{threshold:g}"
    return f"{gap}/{attribute_name(attribute)}{at}"


def _computations(
    gap: str,
    attribute: Attribute,
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

    def result(metrics: dict[metric_types.MetricKey, Any]) -> dict:
        found = gap_values(metrics[counts.keys[0]], gap, attribute=attribute)
        return {key: float(found)}

    return [counts, metric_types.DerivedMetricComputation([key], result)]


def _group_counts(
    attribute: Attribute,
    num_classes: int,
    threshold: float | None,
    model_name: str,
    example_weighted: bool,
) -> metric_types.MetricComputation:
    """The counts; TFMA computes them once for all gaps that ask for the same ones."""
    key = metric_types.MetricKey(
        metric_util.generate_private_name_from_arguments(
            "group_counts",
            attribute=attribute_name(attribute),
            classes=num_classes,
            threshold=threshold,
        ),
        model_name=model_name,
        example_weighted=example_weighted,
    )
    return metric_types.MetricComputation(
        keys=[key],
        preprocessors=[
            ModelOutputPreprocessor(model_name, parts(attribute), example_weighted)
        ],
        combiner=GroupCountsCombineFn(key, num_classes, parts(attribute), threshold),
    )
