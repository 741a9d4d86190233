"""How the intervals of a study are made, in one place."""

from kd_keras.fairness.gap_intervals import MIN_EXAMPLES, IntervalOptions

__all__ = ["LEVEL", "MIN_EXAMPLES", "REPLICATES", "intervals"]

LEVEL = 0.95  # Nominal coverage.
REPLICATES = 1000


def intervals(level: float = LEVEL, replicates: int = REPLICATES) -> IntervalOptions:
    """Options of the library's intervals, of the kind that it prefers."""
    return {"level": level, "replicates": replicates}
