"""How the intervals of a study are made, in one place."""

from collections.abc import Mapping
from typing import Any

from kd_keras.fairness.gap_intervals import MIN_EXAMPLES, IntervalOptions

__all__ = ["LEVEL", "MIN_EXAMPLES", "REPLICATES", "intervals", "min_examples"]

LEVEL = 0.95  # Nominal coverage.
REPLICATES = 1000


def intervals(level: float = LEVEL, replicates: int = REPLICATES) -> IntervalOptions:
    """Options of the library's intervals, of the kind that it prefers."""
    return {"level": level, "replicates": replicates}


def min_examples(config: Mapping[str, Any]) -> int:
    """Examples that every denominator of a gap needs; 0 or 1 leaves none out."""
    return config["evaluation"].get("min_examples", MIN_EXAMPLES)
