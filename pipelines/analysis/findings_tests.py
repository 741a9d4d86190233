"""Tests whose unit is the seed, and what they could have seen."""

import functools
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.stats

from pipelines.studies.interval_options import LEVEL

ALPHA = 1 - LEVEL
POWER = 0.8
# Of the published effect: what is smaller is no effect that was claimed.
SHARE = 0.25
_EQUAL = 1e-9  # Differences of equal rates are not always exactly 0.
CONFIRMED, REFUTED, NOT_DECIDED = "confirmed", "refuted", "not decided"


class SeedTest(NamedTuple):
    """Student's t test of a mean over seeds against 0; arrays `[...]`.

    Attributes:
      mean: over the seeds.
      sd: over the seeds, with seeds - 1 in the denominator.
      low, high: ends of the interval; NaN where no spread is known.
      p: two-sided; NaN where no spread is known.
    """

    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def seed_test(values: np.ndarray, level: float = LEVEL) -> SeedTest:
    """Student's one-sample t test; of differences within seeds, the paired one.

        t = mean / (sd / sqrt(n)),  n - 1 degrees of freedom

    Seeds that all agree show no spread, and so no p-value: rates are counts, and two
    equal counts are no proof.

    Args:
      values: `[seeds, ...]`, one value per seed.
      level: coverage of the interval.
    """
    values = np.asarray(values, float)
    seeds, mean = len(values), values.mean(axis=0)
    nothing = np.full(mean.shape, np.nan)
    if seeds < 2:
        return SeedTest(mean, nothing, nothing, nothing, nothing)
    sd = np.where(np.ptp(values, axis=0) > _EQUAL, values.std(axis=0, ddof=1), 0.0)
    sd = np.where(np.isfinite(mean), sd, np.nan)
    error = np.where(sd > 0, sd / np.sqrt(seeds), np.nan)
    width = scipy.stats.t.isf((1 - level) / 2, seeds - 1) * error
    p = 2 * scipy.stats.t.sf(abs(mean / error), seeds - 1)
    return SeedTest(mean, sd, mean - width, mean + width, p)


def equivalence_p(values: np.ndarray, margin: float | np.ndarray) -> np.ndarray:
    """Two one-sided t tests of a mean inside (-margin, margin), `[...]`.

        p = 2 max(P(t > (margin - |mean|) / error), ...)

    Twice the larger one-sided p (Schuirmann 1987, J. Pharmacokinetics and
    Biopharmaceutics 15), so that p <= 0.05 exactly where the 95 % interval lies
    inside the margin.

    Args:
      values: `[seeds, ...]`.
      margin: above 0, in the unit of `values`; NaN where there is none.
    """
    found = seed_test(values)
    seeds = len(values)
    error = np.where(found.sd > 0, found.sd / np.sqrt(seeds), np.nan)
    distance = (margin - abs(found.mean)) / error
    return np.minimum(1, 2 * scipy.stats.t.sf(distance, max(1, seeds - 1)))


def holm(p: np.ndarray) -> np.ndarray:
    """P-values corrected for all claims together (Holm 1979), `[claims, ...]`.

        p_(i) -> max over j <= i of min(1, (m - j + 1) p_(j)),  p_(1) <= p_(2) <= ...

    A claim without a p-value keeps its place among the m, and stays NaN.

    Args:
      p: `[claims, ...]`.
    """
    p = np.asarray(p, float)
    known = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(known, axis=0, kind="stable")
    rank = np.expand_dims(np.arange(len(p)), tuple(range(1, p.ndim)))
    stepped = np.take_along_axis(known, order, axis=0) * (len(p) - rank)
    stepped = np.minimum(1, np.maximum.accumulate(stepped, axis=0))
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, stepped, axis=0)
    return np.where(np.isnan(p), np.nan, corrected)


def power(effect: float, sd: float, seeds: int, alpha: float) -> float:
    """P(the two-sided t test sees `effect`), by the noncentral t distribution.

        P(|T| > t(1 - alpha/2, n - 1)),  T = (Z + effect sqrt(n) / sd) / S

    with Z standard normal and (n - 1) S^2 chi-squared, integrated over S: SciPy's own
    noncentral t is NaN for two or three seeds.

    Args:
      effect: true mean.
      sd: true standard deviation over seeds, above 0.
      seeds: from 2 on.
      alpha: of the test.
    """
    spread, weights = _spreads(seeds)
    away = effect * np.sqrt(seeds) / sd
    beyond = scipy.stats.t.isf(alpha / 2, seeds - 1) * spread
    seen = scipy.stats.norm.cdf(away - beyond) + scipy.stats.norm.cdf(-away - beyond)
    return float(weights @ seen)


@functools.cache
def _spreads(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of S, and their weights: Gauss-Legendre over its distribution."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    square = scipy.stats.chi2.ppf((nodes + 1) / 2, seeds - 1) / (seeds - 1)
    return np.sqrt(square), weights / 2


def detectable(sd: float, seeds: int, alpha: float) -> float:
    """The smallest true effect that so many seeds see in 80 % of all studies.

    The effect at which `power` is 0.8, in the unit of `sd`; NaN where no spread is
    known. For m claims `alpha` is 0.05 / m, the first step of Holm.
    """
    if seeds < 2 or not sd > 0:
        return float("nan")

    def missing(effect: float) -> float:
        return power(effect, 1.0, seeds, alpha) - POWER

    # Above the critical value by two standard errors of its own.
    most = 10 * (3 + scipy.stats.t.isf(alpha / 2, seeds - 1))
    return float(sd * scipy.optimize.brentq(missing, 0.0, most, xtol=1e-9))


def verdicts(
    sign: int | np.ndarray, effect: np.ndarray, p: np.ndarray, same: np.ndarray
) -> np.ndarray:
    """CONFIRMED, REFUTED or NOT_DECIDED, `[...]`.

    Confirmed: the effect differs from 0 and has the claimed sign. Refuted: it has the
    other sign, or is surely smaller than a quarter of the published one, whatever
    its sign.

    Args:
      sign: 1 or -1, as claimed.
      effect: observed.
      p: of no effect, corrected.
      same: of an effect outside of the margin, corrected; NaN without a margin.
    """
    clear = np.asarray(p) <= ALPHA
    along = np.asarray(effect) * sign > 0
    refuted = (clear & ~along) | (np.asarray(same) <= ALPHA)
    return np.select([refuted, clear & along], [REFUTED, CONFIRMED], NOT_DECIDED)
