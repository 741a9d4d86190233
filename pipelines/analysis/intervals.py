"""Bootstrap intervals that keep their estimate inside, and intervals as JSON."""

import dataclasses
import math
from typing import Any, TypedDict

from kd_keras.fairness import GroupCounts, Interval, PairedCounts
from kd_keras.fairness.gaps import gap
from kd_keras.fairness.intervals import around as around
from kd_keras.fairness.intervals import within as within


class Options(TypedDict):
    """Nominal coverage in (0, 1), and replicates of the bootstrap."""

    level: float
    replicates: int


def gap_interval(
    counts: GroupCounts,
    name: str,
    attribute: str,
    options: Options,
    min_examples: int = 1,
) -> Interval:
    """A gap with its interval; `min_examples` is asked of the counts."""

    return counts.gap_interval(
        name, attribute, min_examples=min_examples, kind="centred", **options
    )


def gap_change(
    counts: PairedCounts,
    name: str,
    attribute: str,
    options: Options,
    min_examples: int = 1,
) -> Interval:
    """The gap of model b minus that of model a, on the same draws of examples."""
    change = counts.gap_change(
        name, attribute, min_examples=min_examples, kind="centred", **options
    )
    after = gap(counts.b, name, attribute=attribute, min_examples=min_examples)
    return dataclasses.replace(change.interval, reason=after.reason)


def interval_to_json(interval: Interval) -> dict[str, Any]:
    """value, low and high, null where undefined, and then the reason."""
    ends = {name: getattr(interval, name) for name in ("value", "low", "high")}
    known = {name: None if math.isnan(end) else end for name, end in ends.items()}
    return known | ({"reason": interval.reason} if interval.reason else {})
