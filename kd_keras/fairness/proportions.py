"""Limits of one proportion, and of the difference of two on the same examples."""

from typing import NamedTuple

import numpy as np
import scipy.special


class Proportion(NamedTuple):
    """Rates with what they rest on, all of one shape.

    Attributes:
      rate: in [0, 1]; NaN where it is not defined or not compared.
      trials: examples of the denominator; effective ones with weights (Kish 1965).
    """

    rate: np.ndarray
    trials: np.ndarray


def deviations(of: Proportion, z) -> tuple[np.ndarray, np.ndarray]:
    """How far a proportion may lie below and above its estimate.

    The ends are quantiles of Beta(s + 1/4, n - s + 3/4) and Beta(s + 3/4, n - s +
    1/4): halfway between Jeffreys' interval (1/2, 1/2), which covers less than its
    level at some small n, and that of Clopper & Pearson (0, 1), which covers more at
    all (both in Brown, Cai & DasGupta 2001, Statistical Science 16). The lower end
    of 0 of n is 0, the upper end of n of n is 1.

    Args:
      of: `[...]`.
      z: the one-sided level as a quantile of the normal distribution, broadcast.

    Returns:
      Distances below and above, at least 0, `[...]`; NaN where the rate is.
    """
    tail = scipy.special.ndtr(-np.asarray(z, np.float64))
    s, n = of.rate * of.trials, of.trials
    low = scipy.special.betaincinv(s + 0.25, n - s + 0.75, tail)
    high = scipy.special.betaincinv(s + 0.75, n - s + 0.25, 1 - tail)
    return np.maximum(of.rate - low, 0), np.maximum(high - of.rate, 0)


def paired_deviations(
    gained: np.ndarray, lost: np.ndarray, trials: np.ndarray, z
) -> tuple[np.ndarray, np.ndarray]:
    """How far the difference of two proportions of the same examples may lie.

    One example more on either side (Bonett & Price 2012, Journal of Educational and
    Behavioral Statistics 37): two models that agree on five examples may differ.

    Args:
      gained: share of the examples that only the second model has, `[...]`.
      lost: share that only the first one has.
      trials: examples, effective ones with weights.
      z: as in `deviations`.

    Returns:
      Distances below and above gained - lost, at least 0, `[...]`.
    """
    more = (gained * trials + 1) / (trials + 2)
    less = (lost * trials + 1) / (trials + 2)
    half = z * np.sqrt((more + less - (more - less) ** 2) / (trials + 2))
    moved = (more - less) - (gained - lost)
    return np.maximum(half - moved, 0), np.maximum(half + moved, 0)
