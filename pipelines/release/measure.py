"""The value of a condition with its interval and the evidence behind it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kd_keras.fairness import GAPS, Gap, Interval
from kd_keras.fairness.gap_groups import number_of_examples
from kd_keras.fairness.gaps import gap
from kd_keras.fairness.names import group_name, parts
from pipelines.analysis import estimates
from pipelines.analysis.deciding import deciding
from pipelines.analysis.results import Result, Study
from pipelines.release.policy import CALIBRATION, Condition
from pipelines.studies.interval_options import intervals


class Measured(NamedTuple):
    """The value of a condition, and on whom it rests.

    Attributes:
      interval: the value with its interval.
      missing: what evidence is missing, with the sizes of groups; "" if none is.
      people: the groups between which a gap is, or the size of a group; else "".
      left_out: the groups that a gap does not compare, with their sizes.
    """

    interval: Interval
    missing: str
    people: str = ""
    left_out: Sequence[str] = ()


def measure(
    study: Study,
    condition: Condition,
    candidate: Result,
    other: Result | None,
    *,
    level: float,
    replicates: int,
) -> Measured:
    """Measures what a condition is about, on the study's evaluation split.

    Args:
      study: labels and groups.
      condition: what to measure.
      candidate: the model that may be released.
      other: the model whose value is subtracted; None for none.
      level: nominal coverage of the interval, in (0, 1).
      replicates: of the bootstrap.
    """
    options = intervals(level, replicates)
    if condition.metric in GAPS:
        name, attribute = condition.metric, condition.attribute
        least = condition.min_examples
        interval = estimates.gap(
            study, name, attribute, candidate, other, options, least
        )
        counts = study.counts(candidate, study.split)
        found = gap(counts, name, attribute=attribute, min_examples=least)
        people = deciding([found], study.spec.class_names)
        missing = _missing(study, condition, found)
        return Measured(interval, missing, people, found.notes())
    members = _members(study, condition)
    few = members.sum() < condition.min_examples
    missing = f"{members.sum()} of {condition.min_examples} examples" if few else ""
    people = number_of_examples(int(members.sum())) if condition.group else ""
    if not members.any():
        return Measured(Interval(np.nan, np.nan, np.nan, level), missing, people)
    about = (candidate, other, options, members)
    interval = (
        estimates.calibration(study, condition.metric, *about)
        if condition.metric in CALIBRATION
        else estimates.accuracy(study, *about)
    )
    return Measured(interval, missing, people)


def _missing(study: Study, condition: Condition, found: Gap) -> str:
    """The rates that rest on too few examples; the labels decide which."""
    rates = [
        f"{rate.rate.replace('_', ' ')}"
        + _of_class(study, rate.positive_class)
        + f" in {', '.join(map(group_name, rate.groups))}"
        for rate in found.undefined
    ]
    if not rates:
        return found.reason
    more = f" and {len(rates) - 3} more rates" if len(rates) > 3 else ""
    few = f"fewer than {condition.min_examples} examples"
    # Such as: (Asian, men: 7 examples, not compared).
    notes = [f"{size}, not compared" for size in found.left_out]
    shown = "; ".join(notes[:5])
    others = f"; and {len(notes) - 5} more groups" if len(notes) > 5 else ""
    return f"{few} for {'; '.join(rates[:3])}{more} ({shown}{others})"


def _of_class(study: Study, positive_class: int | None) -> str:
    if positive_class is None:
        return ""
    return f" of {study.spec.class_names[positive_class]}"


def _members(study: Study, condition: Condition) -> np.ndarray:
    """Which examples a condition is about, bool `[examples]`."""
    truth = study.truth[study.split]
    if not condition.group:
        return np.ones(len(truth.labels), bool)
    names, groups = parts(condition.attribute), parts(condition.group)
    codes = [study.spec.groups[n].index(g) for n, g in zip(names, groups, strict=True)]
    found = [truth.groups[name] == c for name, c in zip(names, codes, strict=True)]
    return np.all(found, axis=0)
