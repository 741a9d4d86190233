"""How an audit writes attributes, groups and numbers."""

from kd_keras.fairness import GAPS, Interval
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import Group
from kd_keras.table import number


def attribute_name(attribute: Attribute) -> str:
    """A crossing as "sex x race"."""
    return attribute if isinstance(attribute, str) else " x ".join(attribute)


def group_name(group: Group) -> str:
    """A crossed group as "Female, Black"."""
    return ", ".join(map(str, group)) if isinstance(group, tuple) else str(group)


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


def examples(number_of: int) -> str:
    """ "1 example", "1,221 examples"."""
    return f"{number_of:,} example{'' if number_of == 1 else 's'}"
