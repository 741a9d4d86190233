"""What another training would give: the mean over the seeds and its interval."""

from collections.abc import Sequence

import numpy as np

from pipelines.analysis.findings_tests import seed_test
from pipelines.studies.interval_options import LEVEL


def seed_interval(
    values: Sequence[float], level: float = LEVEL
) -> tuple[float, float, float]:
    """Mean and Student's interval of what another initialisation would give.

    The ends are NaN for one seed, and for seeds that are all equal: see `seed_test`.
    """
    found = seed_test(np.asarray(values), level)
    return float(found.mean), float(found.low), float(found.high)


def why_no_interval(seeds: int) -> str:
    """Why so many seeds gave no interval."""
    return "one seed" if seeds == 1 else f"{seeds} seeds that are all equal"
