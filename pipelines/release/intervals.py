"""Bootstrap intervals that keep their estimate inside, and intervals as JSON."""

import dataclasses
import math
from typing import Any, TypedDict

import numpy as np

from kd_keras.fairness import (
    GroupCounts,
    Interval,
    PairedCounts,
    bootstrap_interval,
    gap_values,
)
from kd_keras.fairness.cell_counts import CellCounts
from kd_keras.fairness.gaps import gap


class Options(TypedDict):
    """Nominal coverage in (0, 1), and replicates of the bootstrap."""

    level: float
    replicates: int


def around(value: float, replicates: np.ndarray, level: float) -> Interval:
    """The percentile interval, moved so that the mean replicate is the estimate.

    A gap between many small groups is larger in nearly every replicate than it was
    observed, for noise makes groups differ: plain percentiles then lie above the
    estimate, and BCa has nothing to correct them by.

    Args:
      value: the estimate.
      replicates: `[replicates]`; NaN ones are left out.
      level: nominal coverage, in (0, 1).
    """
    defined = replicates[np.isfinite(replicates)]
    undefined = len(replicates) - len(defined)
    if np.isnan(value) or not len(defined):
        return Interval(value, np.nan, np.nan, level, undefined)
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) - (defined.mean() - value)
    return Interval(value, min(low, value), max(high, value), level, undefined)


def within(interval: Interval, lowest: float, highest: float) -> Interval:
    """The part of an interval that its quantity can reach."""
    low, high = np.clip([interval.low, interval.high], lowest, highest)
    return dataclasses.replace(interval, low=float(low), high=float(high))


def gap_interval(
    counts: GroupCounts,
    name: str,
    attribute: str,
    options: Options,
    min_examples: int = 1,
) -> Interval:
    """A gap with its interval; `min_examples` is asked of the counts."""

    def statistic(replicates: GroupCounts) -> np.ndarray:
        return _gap(replicates, name, attribute, min_examples, counts)

    reason = gap(counts, name, attribute=attribute, min_examples=min_examples).reason
    return within(_interval(counts, statistic, options, reason), 0, 1)


def gap_change(
    counts: PairedCounts,
    name: str,
    attribute: str,
    options: Options,
    min_examples: int = 1,
) -> Interval:
    """The gap of model b minus that of model a, on the same draws of examples."""
    a, b = counts.a, counts.b

    def statistic(replicates: PairedCounts) -> np.ndarray:
        after = _gap(replicates.b, name, attribute, min_examples, b)
        return after - _gap(replicates.a, name, attribute, min_examples, a)

    reason = gap(b, name, attribute=attribute, min_examples=min_examples).reason
    return within(_interval(counts, statistic, options, reason), -1, 1)


def interval_to_json(interval: Interval) -> dict[str, Any]:
    """value, low and high, null where undefined, and then the reason."""
    ends = {name: getattr(interval, name) for name in ("value", "low", "high")}
    known = {name: None if math.isnan(end) else end for name, end in ends.items()}
    return known | ({"reason": interval.reason} if interval.reason else {})


def _gap(counts, name, attribute, min_examples, observed) -> np.ndarray:
    return gap_values(
        counts, name, attribute=attribute, min_examples=min_examples, observed=observed
    )


def _interval(counts: CellCounts, statistic, options: Options, reason: str) -> Interval:
    plain, values = bootstrap_interval(counts, statistic, **options)
    interval = around(plain.value, values, options["level"])
    return dataclasses.replace(interval, reason=reason)
