"""Values of a model that was trained with several seeds.

The value of a model is the mean over its seeds. Its interval is about other examples
and other seeds at once: examples are drawn by the bootstrap, the same for all seeds;
to each replicate a draw of Student's t with seeds - 1 degrees of freedom is added,
times the standard error of the mean over seeds. Drawing three or five seeds with
replacement instead would give far too narrow intervals. Where examples do not matter
this is Student's interval of a mean, and where seeds do not matter the bootstrap's.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kd_keras.auditing.counting import SeedCounts
from kd_keras.fairness import Interval
from kd_keras.fairness.bootstrap import resample
from kd_keras.fairness.gap_intervals import IntervalOptions

# From counts and their replicates, whether or not these are the same, to a value each
# seed and replicate, `[seeds, ...]`.
Statistic = Callable[[SeedCounts], np.ndarray]


class OverSeeds(NamedTuple):
    """Mean over seeds with its interval, and the standard deviation over seeds."""

    interval: Interval
    sd: float


def over_seeds(
    counts: SeedCounts,
    statistic: Statistic,
    domain: tuple[float, float],
    options: IntervalOptions,
) -> OverSeeds:
    """The mean of a statistic over seeds.

    Args:
      counts: joint counts of all seeds.
      statistic: counts, with a leading axis of replicates or not, -> `[seeds, ...]`.
      domain: what the value can reach; the interval stays in it.
      options: `level`, `replicates` and `seed` of the bootstrap.

    Returns:
      `OverSeeds`; NaN where a seed's value is undefined.
    """
    level, seed = options["level"], options["seed"]
    values = statistic(counts)
    value, sd = float(values.mean()), float(values.std(ddof=1))
    blocks = resample(counts, options["replicates"], seed=seed)
    drawn = np.concatenate([statistic(block).mean(axis=0) for block in blocks])
    drawn = drawn[np.isfinite(drawn)]
    undefined = options["replicates"] - len(drawn)
    if np.isnan(value) or not len(drawn):
        return OverSeeds(Interval(value, np.nan, np.nan, level, undefined), sd)
    # A stream of its own beside that of the examples.
    rng = np.random.default_rng((seed, 1))
    of_seeds = rng.standard_t(len(values) - 1, len(drawn)) * sd / np.sqrt(len(values))
    replicates = drawn - drawn.mean() + value + of_seeds
    tail = (1 - level) / 2
    low, high = np.clip(np.quantile(replicates, [tail, 1 - tail]), *domain)
    low, high = min(float(low), value), max(float(high), value)
    return OverSeeds(Interval(value, low, high, level, undefined), sd)
