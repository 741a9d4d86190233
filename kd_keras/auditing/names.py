"""How an audit writes metrics and numbers."""

from kd_keras.fairness import GAPS, Interval
from kd_keras.table import number


def metric_name(metric: str) -> str:
    """A gap's abbreviation, where it has one."""
    short = GAPS[metric].short if metric in GAPS else ""
    return short or metric.replace("_", " ")


def percent(share: float, sign: str = "") -> str:
    """A share in percent, with one decimal."""
    return number(100 * share, f"{sign}.1f")


def cell(interval: Interval, sign: str = "") -> str:
    """An interval in percent: "71.2 [68.0, 74.1]"."""
    ends = (interval.value, interval.low, interval.high)
    value, low, high = (percent(end, sign) for end in ends)
    return value if value == "undefined" else f"{value} [{low}, {high}]"
