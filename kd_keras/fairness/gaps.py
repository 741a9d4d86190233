"""Gaps between groups with what they leave out, one function per gap.

Every function takes the options of GapOptions. With two classes, class 1 is the
positive one. With more, the gap is the mean over classes of the one-vs-rest gaps
(Algorithm 1 of Mohammadshahi & Ioannou, TMLR 2025), accuracy excepted.
"""

import dataclasses
import itertools
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

import numpy as np

from kd_keras.fairness.cells import Group
from kd_keras.fairness.gap_values import (
    GAPS,
    Aggregation,
    Block,
    GapDefinition,
    Method,
    check_options,
    combine,
    gap_blocks,
    mean_of_defined,
)
from kd_keras.table import fields_html

if TYPE_CHECKING:
    from kd_keras.fairness.cell_counts import Attribute
    from kd_keras.fairness.counts import GroupCounts


class GapOptions(TypedDict, total=False):
    """Options of the gap functions.

    Attributes:
        method: "between_groups" (default) compares the extreme groups, "to_overall"
            each group with the rate of all examples.
        min_examples: a rate with fewer examples in its denominator, weights aside, is
            undefined and cannot decide the gap; default 1.
    """

    method: Method
    min_examples: int


class UndefinedRate(NamedTuple):
    """Groups whose rate has fewer than `min_examples` examples in its denominator.

    `positive_class` is None for accuracy, which has no positive class.
    """

    rate: str
    positive_class: int | None
    groups: tuple[Group, ...]


@dataclasses.dataclass(frozen=True)
class Gap:
    """A gap; `float(gap)` is its value.

    Attributes:
        name: name of the gap.
        value: the gap; with more than two classes the mean of the classes' gaps that
            are defined; NaN if none is.
        by_class: gap of each class, `[1]` for two classes and for accuracy,
            `[num_classes]` else, NaN where undefined.
        lowest: group with the lowest rate, and
        highest: group with the highest rate, of the rate that decides; None for
            several classes or an undefined gap.
        undefined: rates that were left out.
        reason: why `value` is NaN, else "".
    """

    name: str
    value: float
    by_class: np.ndarray
    lowest: Group | None
    highest: Group | None
    undefined: tuple[UndefinedRate, ...]
    reason: str

    def __float__(self) -> float:
        return self.value

    _repr_html_ = fields_html


def gap(
    counts: "GroupCounts",
    name: str,
    *,
    attribute: "Attribute | None" = None,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = 1,
) -> Gap:
    """Computes a gap by its name, with what it leaves out; see `gap_values`."""
    check_options(name, method, agg, min_examples)
    definition = GAPS[name]
    groups, index = counts.attribute_index(attribute)
    by_class, undefined = [], []
    lowest = highest = None
    for block in gap_blocks(
        counts, definition, index, len(groups), method, min_examples, counts
    ):
        by_class.append(combine(definition, block.gaps, agg))
        undefined += _undefined(definition.rates, block, groups)
        if counts.num_classes == 2 or definition.rates == ("accuracy",):
            lowest, highest = _extreme_groups(definition, block, groups, agg)
    values = np.concatenate(by_class)
    value = float(mean_of_defined(values))
    reason = _reason(definition, groups, undefined, min_examples, counts)
    return Gap(
        name,
        value,
        values,
        lowest,
        highest,
        tuple(undefined),
        reason if np.isnan(value) else "",
    )


def _undefined(rates: tuple[str, ...], block: Block, groups) -> list[UndefinedRate]:
    found = []
    for name, rate in zip(rates, block.rates, strict=True):
        missing = np.isnan(rate)
        for i in np.nonzero(missing.any(axis=0))[0].tolist():
            positive_class = (
                None if block.first_class is None else block.first_class + i
            )
            absent = tuple(itertools.compress(groups, missing[:, i]))
            found.append(UndefinedRate(name, positive_class, absent))
    return found


def _extreme_groups(definition: GapDefinition, block: Block, groups, agg):
    combined = combine(definition, block.gaps, agg)
    for rates, value in zip(block.rates, block.gaps, strict=True):
        if value == combined:
            rate = rates[:, 0]
            return groups[np.nanargmin(rate)], groups[np.nanargmax(rate)]
    return None, None


def _reason(definition, groups, undefined, min_examples, counts) -> str:
    if len(groups) < 2:
        return f"needs at least two groups, has {len(groups)}: {list(groups)}"
    few = "no examples" if min_examples == 1 else f"under {min_examples} examples"
    if counts.num_classes > 2 and undefined:
        return f"no class has two groups with defined rates ({few} in a denominator)"
    for rate in undefined:
        if len(groups) - len(rate.groups) < 2:
            return (
                f"needs at least two groups with a defined {rate.rate}; it has {few} "
                f"in its denominator for {list(rate.groups)[:5]}"
            )
    return "every group's rate is 0, and 0 / 0 is undefined"


def demographic_parity_difference(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Highest minus lowest selection rate, P(prediction = 1 | group)."""
    return gap(counts, "demographic_parity_difference", attribute=attribute, **options)


def demographic_parity_ratio(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Lowest over highest selection rate, P(prediction = 1 | group)."""
    return gap(counts, "demographic_parity_ratio", attribute=attribute, **options)


def equalized_odds_difference(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    *,
    agg: Aggregation = "worst_case",
    **options: Unpack[GapOptions],
) -> Gap:
    """Larger of the gaps of TPR and FPR (Hardt et al. 2016), or their mean.

    It is undefined when either gap is: odds cannot be called equal on one label.
    """
    return gap(
        counts, "equalized_odds_difference", attribute=attribute, agg=agg, **options
    )


def equalized_odds_ratio(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    *,
    agg: Aggregation = "worst_case",
    **options: Unpack[GapOptions],
) -> Gap:
    """Smaller of the ratios of TPR and FPR, or their mean."""
    return gap(counts, "equalized_odds_ratio", attribute=attribute, agg=agg, **options)


def equal_opportunity_difference(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Highest minus lowest TPR, P(prediction = 1 | label = 1, group)."""
    return gap(counts, "equal_opportunity_difference", attribute=attribute, **options)


def false_positive_rate_difference(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Highest minus lowest FPR, P(prediction = 1 | label = 0, group)."""
    return gap(counts, "false_positive_rate_difference", attribute=attribute, **options)


def base_rate_difference(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Highest minus lowest P(label = 1 | group).

    The demographic parity difference that a perfect model would have.
    """
    return gap(counts, "base_rate_difference", attribute=attribute, **options)


def accuracy_gap(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Highest minus lowest accuracy, P(prediction = label | group)."""
    return gap(counts, "accuracy_gap", attribute=attribute, **options)


def worst_group_accuracy(
    counts: "GroupCounts",
    attribute: "Attribute | None" = None,
    **options: Unpack[GapOptions],
) -> Gap:
    """Lowest P(prediction = label | group); one group suffices."""
    return gap(counts, "worst_group_accuracy", attribute=attribute, **options)
