"""How the intervals of a study are made: level, replicates and kind, in one place."""

from kd_keras.fairness.bootstrap import BootstrapOptions

LEVEL = 0.95  # Nominal coverage.
REPLICATES = 1000


def bootstrap(level: float = LEVEL, replicates: int = REPLICATES) -> BootstrapOptions:
    """Options of the library's bootstrap.

    A gap between many small groups is larger in nearly every replicate than it was
    observed, so that plain percentiles leave the estimate out: intervals are centred.
    """
    return {"level": level, "replicates": replicates, "kind": "centred"}
