"""Bounds of the change of a gap between two models of the same examples."""

from typing import NamedTuple

import numpy as np

from kd_keras.fairness.contrasts import (
    Family,
    Pairs,
    at,
    family,
    may_be_largest,
    sidak,
)
from kd_keras.fairness.gap_table import Contrast
from kd_keras.fairness.proportions import Proportion, deviations, paired_deviations

# Contrasts of model a that each contrast of model b is compared with.
_MOST = 8


class PairedRates(NamedTuple):
    """Rates of two models by group, whose denominators are the same, `[..., groups]`.

    Attributes:
      a: of model a.
      b: of model b.
      both: share of the denominator that counts in both models.
    """

    a: Proportion
    b: Proportion
    both: np.ndarray

    @property
    def swapped(self) -> "PairedRates":
        return PairedRates(self.b, self.a, self.both)

    def correlation(self) -> np.ndarray:
        """Of the two models' outcomes (phi), 0 where one of them does not vary."""
        p, q = self.a.rate, self.b.rate
        scale = np.sqrt(p * (1 - p) * q * (1 - q))
        covariance = self.both - p * q
        return np.divide(covariance, scale, out=np.zeros_like(p), where=scale > 0)


def highest_change(
    contrast: Contrast, rates: PairedRates, pairs: Pairs, alpha: float
) -> np.ndarray:
    """Upper bound of b's largest contrast minus a's, `[...]`.

    If v is b's largest contrast and u is any of a's, the change is at most b(v) -
    a(u). So it is at most the least such bound for v, and as v is not known, the
    highest of these among the contrasts that may be b's largest. The bounds of one v
    hold together. Swapping the models gives the lower bound.
    """
    of_a = family(contrast, rates.a, pairs)
    of_b = family(contrast, rates.b, pairs)
    may_be, _ = may_be_largest(of_b, alpha)
    active, number = may_be_largest(of_a, alpha)
    z = sidak(alpha, number)
    value_a, value_b = of_a.value, of_b.value
    most = np.argsort(-np.where(active, value_a, -np.inf))[..., :_MOST]
    # Each of b's contrasts with a's largest ones, and with the same one of a.
    itself = np.arange(value_b.shape[-1])[:, np.newaxis]
    shape = (*value_b.shape, most.shape[-1])
    others = np.concatenate(
        [
            np.broadcast_to(most[..., np.newaxis, :], shape),
            np.broadcast_to(itself, (*value_b.shape, 1)),
        ],
        -1,
    )
    flat = others.reshape(*others.shape[:-2], -1)
    u_value = at(value_a, flat).reshape(others.shape)
    with np.errstate(invalid="ignore"):
        change = value_b[..., np.newaxis] - u_value
    if contrast == "ratio":
        reach = _reach_of_ratios(of_a, of_b, flat, others.shape, z)
    else:
        reach = _reach(contrast, rates, pairs, flat, others.shape, z)
    allowed = np.isfinite(u_value)
    allowed[..., :-1] &= at(active, most)[..., np.newaxis, :]
    with np.errstate(invalid="ignore"):
        bound = change + reach
    # A ratio to nothing has no value: nothing bounds its change.
    bound = np.where(allowed, bound, np.inf).min(axis=-1)
    return np.where(may_be, bound, -np.inf).max(axis=-1)


def _reach_of_ratios(of_a: Family, of_b: Family, flat, shape, z) -> np.ndarray:
    """Of two ratios taken as independent: those of like models are correlated, which
    narrows their difference.
    """
    a, b = of_a.bounds(z), of_b.bounds(z)
    with np.errstate(invalid="ignore"):
        above, below = b.high - b.value, a.value - a.low
    return np.hypot(above[..., np.newaxis], at(below, flat).reshape(shape))


def _reach(
    contrast: Contrast, rates: PairedRates, pairs: Pairs, flat, shape, z
) -> np.ndarray:
    """How far a change of differences may lie above its estimate.

    The squares of the groups' distances add up (MOVER); where a group is in both
    contrasts, its distance is that of the paired difference, or of the correlated sum.
    """
    below_a, above_a = deviations(rates.a, z)
    below_b, above_b = deviations(rates.b, z)
    fell, rose = paired_deviations(
        rates.b.rate - rates.both, rates.a.rate - rates.both, rates.a.trials, z
    )
    phi = rates.correlation()

    def of_v(values, index):
        return at(values, index)[..., np.newaxis]

    def of_u(values, index):
        return at(values, at(index, flat)).reshape(shape)

    i, j = pairs.first, pairs.second
    k, m = (at(x, flat).reshape(shape) for x in (i, j))
    i_, j_ = i[..., np.newaxis], j[..., np.newaxis]
    squares = np.where(
        j_ == m,
        of_v(fell, j) ** 2,
        of_v(below_b, j) ** 2 + of_u(above_a, j) ** 2,
    )
    if contrast == "difference":
        squares = squares + np.where(
            i_ == k,
            of_v(rose, i) ** 2,
            of_v(above_b, i) ** 2 + of_u(below_a, i) ** 2,
        )
        squares += np.where(i_ == m, 2 * of_v(phi * above_b * above_a, i), 0)
        squares += np.where(j_ == k, 2 * of_v(phi * below_b * below_a, j), 0)
    return np.sqrt(np.maximum(squares, 0))
