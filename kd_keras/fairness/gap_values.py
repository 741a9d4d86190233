"""Gaps between groups, as arrays over any leading axes."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from kd_keras.fairness.confusion import class_step, confusions, correctness
from kd_keras.fairness.rates import RATES, divide

if TYPE_CHECKING:
    from kd_keras.fairness.cell_counts import Attribute
    from kd_keras.fairness.counts import GroupCounts

Method = Literal["between_groups", "to_overall"]
Aggregation = Literal["worst_case", "mean"]


def _difference(rates: np.ndarray, overall: np.ndarray | None) -> np.ndarray:
    """Compares groups with each other, or with `overall` unless it is None.

    Args:
        rates: `[..., groups, classes]`, NaN where undefined.
        overall: `[..., 1, classes]`.

    Returns:
        `[..., classes]`, NaN with fewer than two defined groups.
    """
    if overall is None:
        return _needing(2, rates, _highest(rates) - _lowest(rates))
    return _needing(2, rates, _highest(abs(rates - overall)))


def _ratio(rates: np.ndarray, overall: np.ndarray | None) -> np.ndarray:
    if overall is None:
        return _needing(2, rates, divide(_lowest(rates), _highest(rates)))
    folded = divide(np.minimum(rates, overall), np.maximum(rates, overall))
    return _needing(2, folded, _lowest(folded))


def _worst(rates: np.ndarray, overall: np.ndarray | None) -> np.ndarray:
    return _needing(1, rates, _lowest(rates))


def _highest(rates: np.ndarray) -> np.ndarray:
    return np.fmax.reduce(rates, axis=-2, initial=-np.inf)


def _lowest(rates: np.ndarray) -> np.ndarray:
    return np.fmin.reduce(rates, axis=-2, initial=np.inf)


def _needing(groups: int, rates: np.ndarray, values: np.ndarray) -> np.ndarray:
    defined = np.isfinite(rates).sum(axis=-2)
    return np.where(defined >= groups, values, np.nan)


class GapDefinition(NamedTuple):
    """A gap: the rates it compares between groups, and which of their gaps is worst.

    `short` is its abbreviation, where the field has one.
    """

    rates: tuple[str, ...]
    compare: Callable[[np.ndarray, np.ndarray | None], np.ndarray]
    worst_case: Callable[..., np.ndarray] = np.maximum
    short: str = ""


_ODDS = ("true_positive_rate", "false_positive_rate")

GAPS: Mapping[str, GapDefinition] = {
    "demographic_parity_difference": GapDefinition(
        ("selection_rate",), _difference, short="DPD"
    ),
    "demographic_parity_ratio": GapDefinition(("selection_rate",), _ratio),
    "equalized_odds_difference": GapDefinition(_ODDS, _difference, short="EOD"),
    "equalized_odds_ratio": GapDefinition(_ODDS, _ratio, np.minimum),
    "equal_opportunity_difference": GapDefinition(("true_positive_rate",), _difference),
    "false_positive_rate_difference": GapDefinition(
        ("false_positive_rate",), _difference
    ),
    "base_rate_difference": GapDefinition(("base_rate",), _difference),
    "accuracy_gap": GapDefinition(("accuracy",), _difference),
    "worst_group_accuracy": GapDefinition(("accuracy",), _worst),
}


class Block(NamedTuple):
    """Rates `[..., groups, classes]` and gaps `[..., classes]` of a class range."""

    first_class: int | None
    rates: list[np.ndarray]
    gaps: list[np.ndarray]


def gap_blocks(
    counts: "GroupCounts",
    definition: GapDefinition,
    index: np.ndarray,
    num_groups: int,
    method: Method,
    min_examples: int,
    observed: "GroupCounts",
) -> Iterator[Block]:
    """Yields the rates and gaps of all classes; arguments as in `gap_values`."""
    accuracy = definition.rates == ("accuracy",)
    step = class_step(counts, num_groups)

    def confusion(of, index, num_groups, needed=True):
        if not needed:
            return itertools.repeat(None)
        if accuracy:
            return iter([correctness(of, index, num_groups)])
        return confusions(of, index, num_groups, step)

    for groups, overall, examples in zip(
        confusion(counts, index, num_groups),
        confusion(counts, np.zeros_like(index), 1, method == "to_overall"),
        confusion(observed.unweighted(), index, num_groups, min_examples > 1),
        strict=False,
    ):
        rates, gaps = [], []
        for name in definition.rates:
            rate = divide(*RATES[name](groups))
            if examples is not None:
                few = RATES[name](examples)[1] < min_examples
                rate = np.where(few, np.nan, rate)
            whole = None if overall is None else divide(*RATES[name](overall))
            rates.append(rate)
            gaps.append(definition.compare(rate, whole))
        yield Block(None if accuracy else groups.first_class, rates, gaps)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN if all are."""
    return divide(np.nansum(values, axis=-1), np.isfinite(values).sum(axis=-1))


def combine(definition: GapDefinition, gaps: list[np.ndarray], agg: Aggregation):
    if agg == "worst_case":
        return functools.reduce(definition.worst_case, gaps)
    return sum(gaps) / len(gaps)


def check_options(name: str, method: str, agg: str, min_examples: int) -> None:
    allowed = {
        "name": (name, list(GAPS)),
        "method": (method, ["between_groups", "to_overall"]),
        "agg": (agg, ["worst_case", "mean"]),
    }
    for argument, (value, choices) in allowed.items():
        if value not in choices:
            raise ValueError(
                f"`{argument}` must be one of {choices}. Received: {value!r}."
            )
    if min_examples < 1:
        raise ValueError(
            f"`min_examples` must be at least 1. Received: {min_examples}."
        )


def gap_values(
    counts: "GroupCounts",
    name: str,
    *,
    attribute: "Attribute | None" = None,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = 1,
    observed: "GroupCounts | None" = None,
) -> np.ndarray:
    """Computes a gap of counts with leading (bootstrap) axes.

    Args:
        counts: counts `[..., cells]`.
        name: a key of GAPS.
        attribute, method, agg, min_examples: as in the function of that name.
        observed: counts of which `min_examples` is asked, when `counts` are
            replicates of them; None for `counts`.

    Returns:
        `[...]`, NaN where undefined.
    """
    check_options(name, method, agg, min_examples)
    definition = GAPS[name]
    groups, index = counts.attribute_index(attribute)
    blocks = gap_blocks(
        counts, definition, index, len(groups), method, min_examples, observed or counts
    )
    by_class = [combine(definition, block.gaps, agg) for block in blocks]
    return mean_of_defined(np.concatenate(by_class, axis=-1))
