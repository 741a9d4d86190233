"""Intervals of gaps: bounds of contrasts of groups, and of the largest of them.

A gap is the largest of the differences between two groups. A difference between two
independent rates is bounded by the method of variance estimates recovery (MOVER;
Newcombe 1998, Statistics in Medicine 17, method 10; Zou & Donner 2008), a ratio by
MOVER-R (Donner & Zou 2012, Statistical Methods in Medical Research 21).

The upper end of the gap is the highest upper bound of any pair, each at its nominal
level: the pair that differs most in truth is one of them. The lower end is the
highest lower bound of the pairs that may differ most, each at a level that holds for
all of them (Sidak 1967), since the largest of several noisy differences is too large
(intersection bounds: Chernozhukov, Lee & Rosen 2013, Econometrica 81). Where no
group differs, it is 0.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.special

from kd_keras.fairness.gap_table import Contrast
from kd_keras.fairness.proportions import Proportion, deviations

# Of more groups only those that can be the highest or the lowest are compared.
MOST_GROUPS = 40


class Pairs(NamedTuple):
    """Groups that are compared, as indices `[..., contrasts]`.

    Attributes:
      first, second: the groups; equal where a group stands alone.
      size: number of contrasts, a pair of groups counted once.
    """

    first: np.ndarray
    second: np.ndarray
    size: int


class Bounds(NamedTuple):
    """Bounds of contrasts `[..., contrasts]`, -inf where a rate is not defined."""

    low: np.ndarray
    value: np.ndarray
    high: np.ndarray


class Family(NamedTuple):
    """The contrasts of which a gap is the largest.

    Attributes:
      bounds: z, broadcast to `[..., 1]` -> bounds of each contrast.
      size: number of contrasts, a pair of groups counted once.
      balance: value of a contrast of equal groups, from which the two of a pair lie
        on either side.
    """

    bounds: Callable[[np.ndarray], Bounds]
    size: int
    balance: float

    @property
    def value(self) -> np.ndarray:
        """Of each contrast, `[..., contrasts]`: the same at every level."""
        return self.bounds(np.zeros(1)).value


def normal(alpha) -> np.ndarray:
    """The quantile of the normal distribution with `alpha` above it."""
    return -scipy.special.ndtri(alpha)


def sidak(alpha: float, size) -> np.ndarray:
    """The quantile for `size` one-sided bounds that hold together at 1 - alpha / 2."""
    return normal(-np.expm1(np.log1p(-alpha / 2) / np.maximum(size, 1)))


def family(contrast: Contrast, rates: Proportion, pairs: Pairs) -> Family:
    """The contrasts of which a gap is the largest.

    Args:
      contrast: what is compared; of "ratio" and "lowest" the least counts, and the
        contrasts are their negatives.
      rates: of all groups, `[..., groups]`.
      pairs: the groups that are compared; "lowest" takes the first ones alone.
    """
    balance = {"difference": 0.0, "ratio": -1.0, "lowest": -np.inf}[contrast]
    i, j = pairs.first, pairs.second

    def bounds(z: np.ndarray) -> Bounds:
        below, above = deviations(rates, z)
        p, below_p, above_p = (at(x, i) for x in (rates.rate, below, above))
        if contrast == "lowest":
            found = Bounds(p - below_p, p, p + above_p)
        else:
            q, below_q, above_q = (at(x, j) for x in (rates.rate, below, above))
            compare = ratio if contrast == "ratio" else difference
            found = compare(p, q, below_p, above_p, below_q, above_q)
        if contrast != "difference":
            found = Bounds(-found.high, -found.value, -found.low)
        absent = np.isnan(found.value) | ((i == j) & (contrast != "lowest"))
        return Bounds(*(np.where(absent, -np.inf, values) for values in found))

    return Family(bounds, pairs.size, balance)


def all_pairs(contrast: Contrast, parts: Sequence[Proportion]) -> Pairs:
    """Which groups are compared, of rates that stand behind each other.

    Args:
      contrast: "lowest" has each group alone.
      parts: the rates of one model, or of two, whose groups are the same ones,
        `[..., rates, groups]` each.
    """
    *leading, rates, groups = parts[0].rate.shape
    tops = bottoms = np.broadcast_to(np.arange(groups), (*leading, rates, groups))
    if groups > MOST_GROUPS:
        tops, bottoms = _extremes(parts)
    size = rates * groups
    if contrast == "lowest":
        bottoms = bottoms + groups * np.arange(rates)[:, np.newaxis]
        bottoms = bottoms.reshape(*leading, -1)
        return Pairs(bottoms, bottoms, size)
    shape = (*leading, rates, tops.shape[-1], bottoms.shape[-1])
    i = np.broadcast_to(tops[..., :, np.newaxis], shape).reshape(*shape[:-2], -1)
    j = np.broadcast_to(bottoms[..., np.newaxis, :], shape).reshape(*shape[:-2], -1)
    if groups <= MOST_GROUPS:
        different = np.nonzero(np.arange(groups)[:, np.newaxis] != np.arange(groups))
        flat = np.ravel_multi_index(different, (groups, groups))
        i, j = i[..., flat], j[..., flat]
    offset = groups * np.arange(rates)[:, np.newaxis]
    i, j = (x.reshape(*leading, -1) for x in (i + offset, j + offset))
    return Pairs(i, j, size * (groups - 1) // 2)


def _extremes(parts: Sequence[Proportion]) -> tuple[np.ndarray, np.ndarray]:
    """The groups with the highest limits, and those with the lowest."""
    count = MOST_GROUPS // (2 * len(parts))
    tops, bottoms = [], []
    for part in parts:
        below, above = deviations(part, normal(0.001))
        for end in (part.rate - below, part.rate + above):
            tops.append(np.argsort(np.nan_to_num(-end, nan=2), -1)[..., :count])
            bottoms.append(np.argsort(np.nan_to_num(end, nan=2), -1)[..., :count])
    return np.concatenate(tops, -1), np.concatenate(bottoms, -1)


def at(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The values `[..., groups]` of the groups of an index `[..., contrasts]`."""
    return np.take_along_axis(values, index, -1)


def difference(p, q, below_p, above_p, below_q, above_q) -> Bounds:
    """Newcombe's bounds of p - q, from the distances of the limits of each."""
    value = p - q
    low = value - np.hypot(below_p, above_q)
    return Bounds(low, value, value + np.hypot(above_p, below_q))


def ratio(p, q, below_p, above_p, below_q, above_q) -> Bounds:
    """Donner & Zou's bounds of p / q; an upper end beyond all is infinite."""
    product = p * q

    def end(limit_p, limit_q, sign):
        scale = limit_q * (2 * q - limit_q)
        root = product**2 - limit_p * (2 * p - limit_p) * scale
        return (product + sign * np.sqrt(np.maximum(root, 0))) / scale

    with np.errstate(divide="ignore", invalid="ignore"):
        value = p / q
        low, high = end(p - below_p, q + above_q, -1), end(p + above_p, q - below_q, 1)
    low = np.where(np.isnan(low), 0, np.maximum(low, 0))
    return Bounds(low, value, np.where(np.isnan(high), np.inf, high))


class Largest(NamedTuple):
    """The largest contrast of a family, with its interval, `[...]` each.

    Attributes:
      low, value, high: the interval.
      noise: how far the estimate may be too high where one contrast is the largest.
      excess: by how much the largest of equally large contrasts exceeds them.
    """

    low: np.ndarray
    value: np.ndarray
    high: np.ndarray
    noise: np.ndarray
    excess: np.ndarray


def may_be_largest(of: Family, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Which contrasts may be the largest `[..., contrasts]`; how many, `[..., 1]`."""
    wide = of.bounds(sidak(alpha, of.size))
    reached = wide.low.max(axis=-1, keepdims=True)
    active = (wide.high >= reached) & np.isfinite(wide.value)
    # A pair counts once: by its contrast above the balance, or half by either on it.
    above = np.where(wide.value == of.balance, 0.5, wide.value > of.balance)
    number = np.where(active, above, 0).sum(axis=-1, keepdims=True)
    return active, np.clip(number, 1, of.size)


def largest(of: Family, alpha: float) -> Largest:
    """The largest contrast with an interval of level 1 - `alpha`."""
    active, number = may_be_largest(of, alpha)

    def lowest(z) -> np.ndarray:
        return np.where(active, of.bounds(z).low, -np.inf).max(axis=-1)

    alone = of.bounds(normal(alpha / 2))
    value = alone.value.max(axis=-1)
    own = np.where(active, alone.low, -np.inf).max(axis=-1)
    return Largest(
        lowest(sidak(alpha, number)),
        value,
        alone.high.max(axis=-1),
        value - own,
        value - lowest(normal(0.5 / number)),
    )
