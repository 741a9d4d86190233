"""A gap between groups as a TFMA metric; what DPD and EOD have in common."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from pipelines.evaluation.metrics.counts import GroupCountsCombineFn
from pipelines.evaluation.metrics.outputs import ModelOutputPreprocessor


def gap_name(gap: str, attribute: str, threshold: float | None) -> str:
    """Such as equalized_odds_difference/color, or .../color@0.5 with a threshold."""
    return f"{gap}/{attribute}" + ("" if threshold is None else f"@{threshold:g}")


def gap_computations(gap: str):
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

        def result(metrics):
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
