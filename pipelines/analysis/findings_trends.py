"""What changes with the temperature: slopes, counted classes, alignment."""

import functools
import itertools
from typing import NamedTuple

import numpy as np
import scipy.special
import scipy.stats

from pipelines.analysis.findings_tests import ALPHA

HOT = 10.0  # Beyond it the paper calls a temperature too hot.
FIVE = 5  # Seeds of the published study, on which its counts depend.
_MOST_DRAWS = 50
PERMUTATIONS = 1999  # p = 0.001 at best: enough for fifty claims together.
_BLOCK = 2_000_000  # Numbers held at once.


def slope(values: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
    """Least squares slope on log T: the change for a tenfold temperature, `[...]`.

        sum_T (x - mean x) Q / sum_T (x - mean x)^2,  x = log10 T

    Args:
      values: `[..., T]`.
      temperatures: `[T]`, at least two different ones.
    """
    x = np.log10(np.asarray(temperatures, float))
    x -= x.mean()
    return np.asarray(values, float) @ x / (x @ x)


def fives(seeds: int, size: int = FIVE) -> np.ndarray:
    """Which seeds are counted together, `[draws, size]`.

    All choices of `size` of the seeds, or 50 random ones where there are more; all
    seeds at once where they are fewer than `size`.
    """
    size = min(size, seeds)
    choices = scipy.special.comb(seeds, size, exact=True)
    if choices <= _MOST_DRAWS:
        return np.array(list(itertools.combinations(range(seeds), size)))
    rng = np.random.default_rng(0)
    return np.array(
        [rng.choice(seeds, size, replace=False) for _ in range(_MOST_DRAWS)]
    )


def rarefied_counts(
    base: np.ndarray, models: np.ndarray, chosen: np.ndarray
) -> np.ndarray:
    """Classes that differ by Welch's test (p < 0.05), mean over draws of seeds.

        t = (mean a - mean b) / sqrt(var a / n + var b / n)

    With more seeds more classes differ: only counts of equally many seeds compare.

    Args:
      base: class over overall accuracy `[seeds, classes]`, of nds or teacher.
      models: `[..., seeds, classes]`, the same seeds.
      chosen: `[draws, n]` of `fives`, n from 2 on.

    Returns:
      `[...]`.
    """
    n = chosen.shape[1]
    takes = np.zeros((len(chosen), base.shape[0]))
    np.put_along_axis(takes, chosen, 1 / n, axis=1)

    def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and its squared error, `[..., draws, classes]`."""
        # Around the mean of all seeds: squares of what is near 1 would lose digits.
        values = values - base.mean(axis=0)
        mean = takes @ values
        square = np.maximum(takes @ values**2 - mean**2, 0) / (n - 1)
        return mean, np.where(square < 1e-18, 0, square)

    (mean_a, square_a), (mean_b, square_b) = moments(base), moments(models)
    total = square_a + square_b
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = total**2 * (n - 1) / (square_a**2 + square_b**2)
        differs = abs(mean_a - mean_b) / np.sqrt(total) > _critical(n, freedom)
    return differs.sum(axis=-1).mean(axis=-1)


def _critical(n: int, freedom: np.ndarray) -> np.ndarray:
    """Student's critical values, between which Welch's test of n and n seeds lies."""
    grid, values = _critical_values(n)
    return np.interp(freedom, grid, values)


@functools.cache
def _critical_values(n: int) -> tuple[np.ndarray, np.ndarray]:
    grid = np.linspace(n - 1, 2 * (n - 1), 2001)
    return grid, scipy.stats.t.isf(ALPHA / 2, grid)


class RankTest(NamedTuple):
    """Spearman's rank correlation of counts with T.

    Attributes:
      correlation: observed; 0 where all counts are equal.
      p: two-sided, by permutation.
      null: correlations of permuted temperatures, rising.
    """

    correlation: float
    p: float
    null: np.ndarray

    def critical(self, alpha: float) -> float:
        """The smallest correlation with p <= alpha; NaN where not even 1 has it."""
        for value in np.unique(np.append(abs(self.null), 1.0)):
            if _rank_p(value, self.null) <= alpha:
                return float(value)
        return float("nan")


def rank_test(
    base: np.ndarray, students: np.ndarray, permutations: int = PERMUTATIONS
) -> RankTest:
    """Do the counts of differing classes rise or fall with T?

    Spearman's correlation of `rarefied_counts` with T. Its null distribution: within
    every seed the students of all T change places at random, since without an effect
    of T they are exchangeable. So the test is exact, and its unit is the seed.

    Args:
      base: class over overall accuracy `[seeds, classes]`.
      students: `[T, seeds, classes]`, by rising T, from two T on.
      permutations: of the null distribution.
    """
    chosen, rng = fives(base.shape[0]), np.random.default_rng(0)
    temperatures, seeds, classes = students.shape
    observed = _spearman(rarefied_counts(base, students, chosen))
    each = temperatures * max(seeds, len(chosen)) * classes
    null = []
    left = permutations
    while left:
        block = min(left, max(1, _BLOCK // each))
        order = rng.permuted(
            np.tile(np.arange(temperatures)[:, np.newaxis], (block, 1, seeds)), axis=1
        )
        moved = np.take_along_axis(students[np.newaxis], order[..., np.newaxis], axis=1)
        null.append(_spearman(rarefied_counts(base, moved, chosen)))
        left -= block
    drawn = np.sort(np.concatenate(null))
    return RankTest(float(observed), _rank_p(float(observed), drawn), drawn)


def _rank_p(correlation: float, null: np.ndarray) -> float:
    """Twice the smaller share beyond, the observed one counted among the permuted."""
    # Equal correlations may differ in the last bits.
    above = np.count_nonzero(null >= correlation - 1e-9)
    below = np.count_nonzero(null <= correlation + 1e-9)
    return min(1.0, 2 * (1 + min(above, below)) / (1 + len(null)))


def _spearman(counts: np.ndarray) -> np.ndarray:
    """Rank correlation of `[..., T]` with its position, 0 where all are equal."""
    # Means of the same counts may differ in the last bits.
    ranks = scipy.stats.rankdata(np.round(counts, 9), axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    place = np.arange(counts.shape[-1]) - (counts.shape[-1] - 1) / 2
    length = np.sqrt((ranks**2).sum(axis=-1) * (place @ place))
    return np.where(length > 0, ranks @ place / np.where(length > 0, length, 1), 0)


def alignment(students: np.ndarray, nds: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """How far a student has gone from nds to its teacher, by class; `[..., seeds]`.

    The projection of (ds - nds) on (teacher - nds): 0 is the profile of nds, 1 the
    teacher's. From each class accuracy the mean over the classes is taken first, so
    that only the unevenness counts. Cross-fitted: the direction is that of the other
    seeds, or the noise of nds, which is in both differences, would look like a
    likeness of student and teacher.

        a_s = <ds_s - nds_s, d_-s> / mean over r of <teacher_r - nds_r, d_-r>
        d_-s = mean over r != s of (teacher_r - nds_r)

    Args:
      students: class accuracies `[..., seeds, classes]`, seeds from 2 on.
      nds, teacher: `[..., seeds, classes]` of the same seeds.

    Returns:
      NaN where nds and teacher do not differ in any direction that seeds share.
    """
    students, nds, teacher = (
        np.asarray(a, float) - np.mean(a, axis=-1, keepdims=True)
        for a in (students, nds, teacher)
    )
    way = teacher - nds
    seeds = way.shape[-2]
    others = (way.sum(axis=-2, keepdims=True) - way) / (seeds - 1)
    length = (way * others).sum(axis=-1).mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = ((students - nds) * others).sum(axis=-1) / length
    return np.where(length > 0, found, np.nan)
