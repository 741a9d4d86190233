"""Every row of GAPS under its own name: a method of counts and a function of arrays.

named_gaps.pyi says the same to type checkers, editors and the documentation; `make
stubs` writes it.
"""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_blocks import Aggregation, Method
from kd_keras.fairness.gap_table import GAPS, GapDefinition
from kd_keras.fairness.gaps import Gap, gap
from kd_keras.fairness.prediction_counts import PredictionCounts

_METHOD = """{text}

    Args:
        attribute: name of a sensitive attribute; a tuple of names, whose groups are
            crossed; None for the only one.
        method: "between_groups" compares the extreme groups, "to_overall" each group
            with the rate of all examples.
{agg}        min_examples: a rate with fewer examples in its denominator, weights aside,
            is undefined and cannot decide the gap.

    Returns:
        The Gap; its value is in [{low:g}, {high:g}], {better} is fairer. NaN where it
        is undefined, and then `reason` says why.

    Raises:
        ValueError: if there is no such attribute, or an option is out of its domain.
    """
_FUNCTION = """{text}

    Args:
        y_true: labels, class indices `[examples]`.
        y_pred: hard predictions, class indices `[examples]`.
        sensitive_features: group of each example, `[examples]`; several columns (a
            dict, a data frame or `[examples, columns]`) are crossed.
        method: "between_groups" compares the extreme groups, "to_overall" each group
            with the rate of all examples.
        sample_weight: finite, not negative, `[examples]`; None for ones.
{agg}
    Returns:
        A float in [{low:g}, {high:g}], {better} is fairer; NaN where it is undefined.
        GroupCounts' method of the same name says why, and lists what it leaves out.

    Raises:
        TypeError: if group values are neither all strings nor all integers.
        ValueError: if lengths differ, or a class, weight or option is out of its
            domain.
    """
_AGG = """        agg: "worst_case" of the rates' gaps, or their "mean".
"""


def gap_method(name: str, row: GapDefinition) -> Callable[..., Gap]:
    """The method of GroupCounts that a row of GAPS is."""

    def of_one_rate(
        self: PredictionCounts,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        return gap(
            self, name, attribute=attribute, method=method, min_examples=min_examples
        )

    def of_several_rates(
        self: PredictionCounts,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        agg: Aggregation = "worst_case",
        min_examples: int = 1,
    ) -> Gap:
        return gap(
            self,
            name,
            attribute=attribute,
            method=method,
            agg=agg,
            min_examples=min_examples,
        )

    method = of_several_rates if len(row.rates) > 1 else of_one_rate
    method.__name__, method.__qualname__ = name, f"GapMethods.{name}"
    method.__doc__ = _document(_METHOD, row)
    return method


def gap_function(name: str, row: GapDefinition) -> Callable[..., float]:
    """The function of arrays that a row of GAPS is, as Fairlearn has it."""

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

    function = of_several_rates if len(row.rates) > 1 else of_one_rate
    function.__name__ = function.__qualname__ = name
    function.__doc__ = _document(_FUNCTION, row)
    return function


def _document(template: str, row: GapDefinition) -> str:
    low, high = row.domain
    return template.format(
        text="\n    ".join(textwrap.wrap(row.text, 84)),
        agg=_AGG if len(row.rates) > 1 else "",
        low=low,
        high=high,
        better="higher" if row.higher_is_better else "lower",
    )


def _counts(
    y_true, y_pred, sensitive_features, sample_weight
) -> tuple[PredictionCounts, tuple[str, ...] | None]:
    """Returns counts, and the attributes to cross."""
    columns = _columns(sensitive_features)
    counts = PredictionCounts.from_predictions(
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


class GapMethods(PredictionCounts):
    """Counts with a method for every row of GAPS, which returns a Gap."""


for _name, _row in GAPS.items():
    setattr(GapMethods, _name, gap_method(_name, _row))
    globals()[_name] = gap_function(_name, _row)

__all__ = list(GAPS)
