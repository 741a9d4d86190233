"""Intervals and the Wilson score interval."""

import dataclasses
import math
from typing import Any

import numpy as np
import scipy.special

from kd_keras.table import fields_html, number


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
      value: the estimate; NaN where it is undefined.
      low: lower end.
      high: upper end.
      level: nominal coverage, in (0, 1).
      undefined_replicates: bootstrap replicates left out because the statistic was
        undefined in them; 0 for intervals without a bootstrap.
      reason: why `value` is NaN, else "".
    """

    value: float
    low: float
    high: float
    level: float
    undefined_replicates: int = 0
    reason: str = ""

    _repr_html_ = fields_html

    def to_dict(self) -> dict[str, Any]:
        """value, low and high as JSON has them: None where undefined, then reason."""
        ends = {"value": self.value, "low": self.low, "high": self.high}
        known = {name: None if math.isnan(end) else end for name, end in ends.items()}
        return known | ({"reason": self.reason} if self.reason else {})

    def __str__(self) -> str:
        value, low, high = map(number, (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def wilson(successes, trials, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval of a binomial proportion (Wilson 1927, JASA 22).

    Args:
      successes: array of any shape, in [0, trials]; effective counts need not be
        integers.
      trials: same shape.
      level: nominal coverage, in (0, 1).

    Returns:
      Lower and upper ends in [0, 1], of the same shape; NaN without trials.
    """
    check_level(level)
    trials = np.asarray(trials, np.float64)
    trials = np.where(trials > 0, trials, np.nan)
    rate = np.asarray(successes, np.float64) / trials
    z2 = scipy.special.ndtri((1 + level) / 2) ** 2
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (rate * (1 - rate) + z2 / (4 * trials)) / trials)
    half /= 1 + z2 / trials
    # At rates 0 and 1 the ends are exactly 0 and 1; subtraction only rounds to them.
    low = np.where(rate <= 0, rate, np.maximum(centre - half, 0))
    high = np.where(rate >= 1, rate, np.minimum(centre + half, 1))
    return low, high


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
    low, high = min(float(low), value), max(float(high), value)
    return Interval(value, low, high, level, undefined)


def within(interval: Interval, lowest: float, highest: float) -> Interval:
    """The part of an interval that its quantity can reach."""
    low, high = np.clip([interval.low, interval.high], lowest, highest)
    return dataclasses.replace(interval, low=float(low), high=float(high))


def check_level(level: float) -> None:
    """Raises ValueError unless 0 < level < 1."""
    if not 0 < level < 1:
        raise ValueError(
            f"`level` must lie between 0 and 1, like 0.95. Received: {level}."
        )
