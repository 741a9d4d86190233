"""TFMA's own validation of the metrics that it evaluated."""

import math
from collections.abc import Mapping, Sequence

from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics.metric_types import MetricKey
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2

from kd_keras.fairness.names import parts
from pipelines.evaluation.metrics.group_gaps import gap_name
from pipelines.release.policy import Condition


def validate(
    condition: Condition,
    evaluation: Sequence[metrics_for_slice_pb2.MetricsForSlice],
    model: str,
    baseline: str,
) -> bool:
    """Whether TFMA's validator finds the bound kept by the value that TFMA measured.

    Args:
      condition: one that `pipelines.release.verdict.TFMA_METRICS` has.
      evaluation: TFMA's metrics of every slice.
      model: TFMA's name of the model.
      baseline: TFMA's name of the teacher, from which differences are taken.
    """
    attribute = condition.attribute if condition.metric != "accuracy" else ""
    metric = condition.metric
    if attribute:
        metric = gap_name(metric, attribute)
    config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(name=model),
            config_pb2.ModelSpec(name=baseline, is_baseline=True),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                model_names=[model], thresholds={metric: _threshold(condition)}
            )
        ],
    )
    groups = parts(condition.group)
    key = tuple(zip(parts(condition.attribute), groups, strict=True)) if groups else ()
    metrics = _metrics(evaluation, dict(key))
    return metrics_validator.validate_metrics((key, metrics), config).validation_ok


def _threshold(condition: Condition) -> config_pb2.MetricThreshold:
    lower, upper = condition.at_least, condition.at_most
    threshold = config_pb2.MetricThreshold()
    if condition.against:
        change = threshold.change_threshold
        change.absolute.value = lower if upper is None else upper
        change.direction = (
            config_pb2.MetricDirection.HIGHER_IS_BETTER
            if upper is None
            else config_pb2.MetricDirection.LOWER_IS_BETTER
        )
    elif upper is None:
        threshold.value_threshold.lower_bound.value = lower
    else:
        threshold.value_threshold.upper_bound.value = upper
    return threshold


def _metrics(
    evaluation: Sequence[metrics_for_slice_pb2.MetricsForSlice],
    group: Mapping[str, str],
) -> dict[MetricKey, float]:
    """TFMA's numbers of one slice; those that are no numbers are left out."""
    found = {}
    for of_slice in evaluation:
        if _slice(of_slice) != group:
            continue
        for item in of_slice.metric_keys_and_values:
            value = item.value.double_value.value
            if item.value.WhichOneof("type") == "double_value" and not math.isnan(
                value
            ):
                key = MetricKey(
                    item.key.name,
                    model_name=item.key.model_name,
                    # As thresholds by name have it; no metric here is weighted.
                    example_weighted=None,
                    is_diff=item.key.is_diff,
                )
                found[key] = value
    return found


def _slice(metrics: metrics_for_slice_pb2.MetricsForSlice) -> dict[str, str]:
    return {
        key.column: key.bytes_value.decode()
        for key in metrics.slice_key.single_slice_keys
    }
