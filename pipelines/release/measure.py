"""The value of a condition with its interval and the evidence behind it."""

import numpy as np

from kd_keras.fairness import GAPS, Interval
from kd_keras.fairness.gaps import gap
from pipelines.analysis import estimates
from pipelines.analysis.results import Result, Study
from pipelines.release.policy import CALIBRATION, Condition
from pipelines.studies.interval_options import intervals


def measure(
    study: Study,
    condition: Condition,
    candidate: Result,
    other: Result | None,
    *,
    level: float,
    replicates: int,
) -> tuple[Interval, str]:
    """Measures what a condition is about, on the study's evaluation split.

    Args:
      study: labels and groups.
      condition: what to measure.
      candidate: the model that may be released.
      other: the model whose value is subtracted; None for none.
      level: nominal coverage of the interval, in (0, 1).
      replicates: of the bootstrap.

    Returns:
      The interval, and what evidence is missing; "" if none is.
    """
    options = intervals(level, replicates)
    if condition.metric in GAPS:
        return (
            estimates.gap(
                study,
                condition.metric,
                condition.attribute,
                candidate,
                other,
                options,
                condition.min_examples,
            ),
            _left_out(study, condition, candidate),
        )
    members = _members(study, condition)
    few = members.sum() < condition.min_examples
    missing = f"{members.sum()} of {condition.min_examples} examples" if few else ""
    if not members.any():
        return Interval(np.nan, np.nan, np.nan, level), missing
    if condition.metric in CALIBRATION:
        return (
            estimates.calibration(
                study, condition.metric, candidate, other, options, members
            ),
            missing,
        )
    return estimates.accuracy(study, candidate, other, options, members), missing


def _left_out(study: Study, condition: Condition, candidate: Result) -> str:
    """The rates that rest on too few examples; the labels decide which."""
    counts = study.counts(candidate, study.split)
    found = gap(
        counts,
        condition.metric,
        attribute=condition.attribute,
        min_examples=condition.min_examples,
    )
    rates = [
        f"{rate.rate.replace('_', ' ')}"
        + _of_class(study, rate.positive_class)
        + f" in {', '.join(map(str, rate.groups))}"
        for rate in found.undefined
    ]
    if not rates:
        return found.reason
    more = f" and {len(rates) - 3} more rates" if len(rates) > 3 else ""
    few = f"fewer than {condition.min_examples} examples"
    return f"{few} for {'; '.join(rates[:3])}{more}"


def _of_class(study: Study, positive_class: int | None) -> str:
    if positive_class is None:
        return ""
    return f" of {study.spec.class_names[positive_class]}"


def _members(study: Study, condition: Condition) -> np.ndarray:
    """Which examples a condition is about, bool `[examples]`."""
    truth = study.truth[study.split]
    if not condition.group:
        return np.ones(len(truth.labels), bool)
    code = study.spec.groups[condition.attribute].index(condition.group)
    return truth.groups[condition.attribute] == code
