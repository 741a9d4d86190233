"""The least error of all choices of one cut per group whose rates lie close together.

Every group has points (rates, error). A choice of one point per group is allowed when
each rate's highest and lowest value differ by at most a width. Hence a window of that
width holds them all, and begins at one of them. In a window the groups do not depend on
each other: each takes its point of least error.
"""

from collections.abc import Sequence

import numpy as np

# Rates are quotients, so that .8 - .7 > .1 in floating point.
ROUNDING = 1e-12


class RangeMinimum:
    """Where the least of a range of values is, after O(n log n) (a sparse table).

    Args:
      values: `[n]`, n at least 1.
    """

    def __init__(self, values: np.ndarray):
        self.values = values
        self._levels = [np.arange(len(values))]
        while 2 ** len(self._levels) <= len(values):
            half = 2 ** (len(self._levels) - 1)
            below = self._levels[-1]
            self._levels.append(self._lower(below[:-half], below[half:]))

    def __call__(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Index of the first least value in [low, high), of ranges that hold one."""
        level = np.frexp((high - low).astype(float))[1] - 1
        found = np.empty(len(low), np.int64)
        for i in np.unique(level):
            here = level == i
            table = self._levels[i]
            found[here] = self._lower(table[low[here]], table[high[here] - 2**i])
        return found

    def _lower(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.where(self.values[second] < self.values[first], second, first)


def choose_one_rate(
    rates: Sequence[np.ndarray], errors: Sequence[np.ndarray], width: float
) -> np.ndarray | None:
    """The choice of least error whose rates lie in a window; O(n log n), exact.

    Args:
      rates: for each group `[points]`, rising.
      errors: for each group `[points]`; inf for a point that is not allowed.
      width: of the window, not negative.

    Returns:
      Index of each group's point, int64 `[groups]`; None where no choice is allowed.
    """
    starts = np.unique(np.concatenate(rates))
    chosen, total = [], np.zeros(len(starts))
    for rate, error in zip(rates, errors, strict=True):
        low, high = _inside(rate, starts, width)
        points, least = _best(RangeMinimum(error), low, high)
        chosen.append(points)
        total += least
    best = int(total.argmin())
    if np.isinf(total[best]):
        return None
    return np.array([points[best] for points in chosen])


def choose_two_rates(
    rates: Sequence[tuple[np.ndarray, np.ndarray]],
    errors: Sequence[np.ndarray],
    widths: tuple[float, float],
) -> np.ndarray | None:
    """The choice of least error whose two rates each lie in a window; exact.

    Two groups take O(n log n). With more, the windows of the first rate are tried
    by their bound, which is the least error without the second rate, until no bound
    is below the best choice found.

    Args:
      rates: for each group two arrays `[points]`, both rising.
      errors: for each group `[points]`; inf for a point that is not allowed.
      widths: of the two windows.

    Returns:
      As `choose_one_rate`.
    """
    minima = [RangeMinimum(error) for error in errors]
    if len(rates) == 2:
        return _choose_pair(rates, minima, widths)
    starts = np.unique(np.concatenate([first for first, _ in rates]))
    ranges = [_inside(first, starts, widths[0]) for first, _ in rates]
    bounds = np.zeros(len(starts))
    for minimum, (low, high) in zip(minima, ranges, strict=True):
        bounds += _best(minimum, low, high)[1]
    best, least = None, np.inf
    for i in np.argsort(bounds, kind="stable"):
        if bounds[i] >= least:
            break
        within = [(int(low[i]), int(high[i])) for low, high in ranges]
        found, error = _second_rate(rates, minima, within, widths[1])
        if error < least:
            best, least = found, error
    return best


def _choose_pair(
    rates: Sequence[tuple[np.ndarray, np.ndarray]],
    minima: Sequence[RangeMinimum],
    widths: tuple[float, float],
) -> np.ndarray | None:
    """For each point of one group the best of the other that is close in both rates."""
    begins, ends = [], []
    for one, other, width in zip(rates[0], rates[1], widths, strict=True):
        begins.append(np.searchsorted(other, one - width - ROUNDING, "left"))
        ends.append(np.searchsorted(other, one + width + ROUNDING, "right"))
    points, total = _best(minima[1], np.maximum(*begins), np.minimum(*ends))
    total = total + minima[0].values
    best = int(total.argmin())
    return None if np.isinf(total[best]) else np.array([best, points[best]])


def _second_rate(
    rates: Sequence[tuple[np.ndarray, np.ndarray]],
    minima: Sequence[RangeMinimum],
    within: Sequence[tuple[int, int]],
    width: float,
) -> tuple[np.ndarray | None, float]:
    """The best choice among a range of each group's points, by the second rate.

    No range is empty: a window with such a one has no bound below another's.
    """
    second = [rate[1] for rate in rates]
    pairs = list(zip(second, within, strict=True))
    first = max(rate[low] for rate, (low, _) in pairs) - width - ROUNDING
    last = min(rate[high - 1] for rate, (_, high) in pairs) + ROUNDING
    starts = np.unique(np.concatenate([rate[low:high] for rate, (low, high) in pairs]))
    starts = starts[(starts >= first) & (starts <= last)]
    if not len(starts):
        return None, np.inf
    chosen, total = [], np.zeros(len(starts))
    for (rate, (begin, end)), minimum in zip(pairs, minima, strict=True):
        low, high = _inside(rate, starts, width)
        points, least = _best(minimum, np.maximum(low, begin), np.minimum(high, end))
        chosen.append(points)
        total += least
    best = int(total.argmin())
    return np.array([points[best] for points in chosen]), float(total[best])


def _inside(
    rate: np.ndarray, starts: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """The range of points in each window."""
    low = np.searchsorted(rate, starts - ROUNDING, "left")
    high = np.searchsorted(rate, starts + width + ROUNDING, "right")
    return low, high


def _best(
    minimum: RangeMinimum, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The point of least error in each range, and that error; inf where it is empty."""
    some = low < high
    points = np.full(len(low), -1)
    least = np.full(len(low), np.inf)
    points[some] = minimum(low[some], high[some])
    least[some] = minimum.values[points[some]]
    return points, least
