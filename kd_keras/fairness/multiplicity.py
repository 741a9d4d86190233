"""Corrections of p-values for multiple testing."""

from typing import Literal

import numpy as np
import scipy.stats


def adjust_p_values(
    p_values, *, method: Literal["benjamini_hochberg", "holm"]
) -> np.ndarray:
    """Adjusts the p-values of one family, like groups x classes x temperatures.

    Args:
      p_values: array of any shape, in [0, 1]; NaN is a test that was not possible
        and does not count in the family.
      method: "benjamini_hochberg" controls the false discovery rate (Benjamini &
        Hochberg 1995), "holm" the family-wise error rate (Holm 1979).

    Returns:
      Adjusted p-values of the same shape, NaN where not tested. A test is
      significant when its adjusted p-value is at most the wanted rate.
    """
    p_values = np.asarray(p_values, np.float64)
    defined = ~np.isnan(p_values)
    tested = p_values[defined]
    if ((tested < 0) | (tested > 1)).any():
        bad = tested[(tested < 0) | (tested > 1)][0]
        raise ValueError(f"`p_values` must lie between 0 and 1. Received: {bad}.")
    adjusted = np.full(p_values.shape, np.nan)
    if method == "benjamini_hochberg":
        adjusted[defined] = scipy.stats.false_discovery_control(tested)
    elif method == "holm":
        order = np.argsort(tested)
        remaining = np.arange(len(tested), 0, -1)
        stepwise = np.maximum.accumulate(tested[order] * remaining)
        holm = np.empty_like(tested)
        holm[order] = np.minimum(stepwise, 1)
        adjusted[defined] = holm
    else:
        raise ValueError(
            f'`method` must be "benjamini_hochberg" or "holm". Received: {method!r}.'
        )
    return adjusted
