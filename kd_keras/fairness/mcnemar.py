"""McNemar's exact test."""

import numpy as np
import scipy.stats


def mcnemar(only_a_correct, only_b_correct) -> np.ndarray:
    """Exact McNemar test (McNemar 1947): the binomial test of discordant pairs.

    Args:
      only_a_correct: number of examples that only model a gets right, of any shape.
      only_b_correct: number of examples that only model b gets right, same shape.

    Returns:
      Two-sided p-values of the same shape; 1 without discordant pairs.
    """
    b, c = np.asarray(only_a_correct), np.asarray(only_b_correct)
    # The distribution is symmetric, so both tails are twice the smaller one.
    return np.minimum(1.0, 2 * scipy.stats.binom.cdf(np.minimum(b, c), b + c, 0.5))
