"""Gaps of arrays, with the signatures of Fairlearn's functions of the same names.

Arguments of every function:
    y_true: labels, class indices `[examples]`.
    y_pred: hard predictions, class indices `[examples]`.
    sensitive_features: group of each example `[examples]`; several columns (a dict, a
        data frame or `[examples, columns]`) are crossed.
    method: "between_groups" or "to_overall".
    sample_weight: `[examples]`, None for ones.
    agg: "worst_case" or "mean" of the gaps of TPR and FPR.

Each returns a float, NaN where it is undefined. The methods of the same names of
GroupCounts say why, and list what they leave out.
"""

from collections.abc import Mapping

import numpy as np

from kd_keras.fairness.counts import GroupCounts
from kd_keras.fairness.gap_values import Aggregation, Method


def _counts(
    y_true, y_pred, sensitive_features, sample_weight
) -> tuple[GroupCounts, tuple[str, ...] | None]:
    """Returns counts, and the attributes to cross."""
    columns = _columns(sensitive_features)
    counts = GroupCounts.from_predictions(
        y_true, y_pred, groups=columns, sample_weight=sample_weight
    )
    return counts, tuple(columns) if len(columns) > 1 else None


def _columns(sensitive_features) -> Mapping:
    """Columns of a dict, a data frame, a 2-d array or a single column, by name."""
    if isinstance(sensitive_features, Mapping):
        return dict(sensitive_features)
    if np.ndim(sensitive_features) == 1:
        return {"sensitive_feature": sensitive_features}
    if hasattr(sensitive_features, "columns"):
        return {str(name): column for name, column in sensitive_features.items()}
    return {
        f"sensitive_feature_{i}": c
        for i, c in enumerate(np.asarray(sensitive_features).T)
    }


def demographic_parity_difference(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
) -> float:
    """Highest minus lowest selection rate."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.demographic_parity_difference(attribute, method=method))


def demographic_parity_ratio(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
) -> float:
    """Lowest over highest selection rate."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.demographic_parity_ratio(attribute, method=method))


def equalized_odds_difference(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
    agg: Aggregation = "worst_case",
) -> float:
    """Larger (or mean) of the gaps of TPR and FPR."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.equalized_odds_difference(attribute, method=method, agg=agg))


def equalized_odds_ratio(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
    agg: Aggregation = "worst_case",
) -> float:
    """Smaller (or mean) of the ratios of TPR and FPR."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.equalized_odds_ratio(attribute, method=method, agg=agg))


def equal_opportunity_difference(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
) -> float:
    """Highest minus lowest TPR."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.equal_opportunity_difference(attribute, method=method))


def false_positive_rate_difference(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
) -> float:
    """Highest minus lowest FPR."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.false_positive_rate_difference(attribute, method=method))


def base_rate_difference(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
) -> float:
    """Highest minus lowest P(label = 1)."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.base_rate_difference(attribute, method=method))


def accuracy_gap(
    y_true,
    y_pred,
    *,
    sensitive_features,
    method: Method = "between_groups",
    sample_weight=None,
) -> float:
    """Highest minus lowest accuracy."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.accuracy_gap(attribute, method=method))


def worst_group_accuracy(
    y_true,
    y_pred,
    *,
    sensitive_features,
    sample_weight=None,
) -> float:
    """Lowest accuracy of a group."""
    counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
    return float(counts.worst_group_accuracy(attribute))
