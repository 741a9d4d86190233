"""Gaps of arrays, with the signatures of Fairlearn's functions of the same names."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kd_keras.fairness.gap_blocks import Aggregation, Method
from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.gaps import gap
from kd_keras.fairness.group_counts import GroupCounts

_ARGUMENTS = """

    Args:
        y_true: labels, class indices `[examples]`.
        y_pred: hard predictions, class indices `[examples]`.
        sensitive_features: group of each example `[examples]`; several columns (a
            dict, a data frame or `[examples, columns]`) are crossed.
        method: "between_groups" compares the extreme groups, "to_overall" each group
            with the rate of all examples.
        sample_weight: `[examples]`, None for ones.
{agg}
    Returns:
        A float, NaN where it is undefined. The method of the same name of GroupCounts
        says why, and lists what it leaves out.
    """
_AGG = """        agg: "worst_case" of the rates' gaps, or their "mean".
"""


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


def _array_gap(name: str) -> Callable[..., float]:
    """The function of a row of GAPS: arrays -> float."""

    def of_one_rate(
        y_true: Any,
        y_pred: Any,
        *,
        sensitive_features: Any,
        method: Method = "between_groups",
        sample_weight: Any = None,
    ) -> float:
        counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
        return float(gap(counts, name, attribute=attribute, method=method))

    def of_several_rates(
        y_true: Any,
        y_pred: Any,
        *,
        sensitive_features: Any,
        method: Method = "between_groups",
        sample_weight: Any = None,
        agg: Aggregation = "worst_case",
    ) -> float:
        counts, attribute = _counts(y_true, y_pred, sensitive_features, sample_weight)
        return float(gap(counts, name, attribute=attribute, method=method, agg=agg))

    several = len(GAPS[name].rates) > 1
    function: Callable[..., float] = of_several_rates if several else of_one_rate
    function.__name__ = function.__qualname__ = name
    function.__doc__ = GAPS[name].text + _ARGUMENTS.format(agg=_AGG if several else "")
    return function


# Name -> function, for every row of GAPS.
ARRAY_GAPS = {name: _array_gap(name) for name in GAPS}
