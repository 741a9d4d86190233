"""Shares as people count them: of 100."""

from kd_keras.fairness import Interval


def ends(interval: Interval) -> str:
    """Such as: 33 to 64."""
    return f"{per_100(interval.low)} to {per_100(interval.high)}"


def per_100(share: float, *, sign: bool = False) -> str:
    """Of 100 examples, without decimals where there are many."""
    value = 100 * share
    digits = 0 if abs(value) >= 9.95 else 1
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return text.lstrip("+-") if not text.strip("+-0.") else text
