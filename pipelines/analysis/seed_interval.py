"""What another training would give: the mean over the seeds and its interval."""

from collections.abc import Sequence

import numpy as np
import scipy.stats

from pipelines.studies.interval_options import LEVEL


def seed_interval(
    values: Sequence[float], level: float = LEVEL
) -> tuple[float, float, float]:
    """Mean and Student's interval of what another initialisation would give."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, np.nan, np.nan
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    width = float(scipy.stats.t.ppf((1 + level) / 2, len(values) - 1) * error)
    return mean, mean - width, mean + width
