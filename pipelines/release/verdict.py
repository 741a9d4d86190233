"""Condition by condition: does the model keep the policy?"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections
import numpy as np
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice

from kd_keras.fairness import Interval
from pipelines.analysis.deciding import is_of_one
from pipelines.analysis.results import Model, Result, Study
from pipelines.evaluation import eval_config
from pipelines.release.measure import Measured, measure
from pipelines.release.policy import Condition
from pipelines.release.validation import validate
from pipelines.studies.layout import TEACHER, Run

# What TFMA evaluates, for all examples or, accuracy only, for a group.
TFMA_METRICS = ("accuracy", *eval_config.GAPS)


class Subject(NamedTuple):
    """The model to judge, by its names alone.

    Attributes:
      run: the run whose predictions are judged; TFMA knows it by `run.directory`.
      export_version: of the SavedModel that may be released.
      export_digest: identifies that SavedModel.
    """

    run: Run
    export_version: int
    export_digest: str


def judge(
    study: Study,
    policy: ml_collections.ConfigDict,
    conditions: list[Condition],
    subject: Subject,
    evaluation: Sequence[MetricsForSlice] | None,
    others: Mapping[str, Result] | None = None,
) -> dict[str, Any]:
    """Judges every condition of a policy, from what is in memory.

    A condition is passed or failed when its interval, or its value, is on one side of
    the bound; undecided when the interval has the bound inside. "insufficient
    evidence" comes before all of these.

    Args:
      study: predictions of the subject, its teacher and its nds.
      policy: says what refuses a release.
      conditions: of the policy.
      subject: the model to judge.
      evaluation: TFMA's metrics of every slice, for conditions that a value decides;
        None where TFMA has measured nothing, and our estimate decides.
      others: what conditions compare with and the study does not have -> its
        predictions.

    Returns:
      What verdict.json holds.

    Raises:
      ValueError: if a condition compares with a run that the study does not have.
    """
    compared = others or {}
    found = [
        _judge(study, policy, c, subject.run, evaluation, compared.get(c.against))
        for c in conditions
    ]
    refused = [c["name"] for c in found if c["status"] in policy.refuse]
    blessed = not refused and any(c["status"] == "passed" for c in found)
    broken = [
        c["name"]
        for c in found
        if c["status"] == "failed" or (c["name"] in refused and _is_beyond(c))
    ]
    reason = _refusal(refused, broken)
    if not blessed and not refused:
        reason = "no condition is passed"
    return {
        "blessed": blessed,
        "reason": reason,
        "policy": policy.name,
        "level": policy.level,
        "refuse": list(policy.refuse),
        "broken": broken,
        "run": subject.run.directory,
        "export_version": subject.export_version,
        "export_digest": subject.export_digest,
        "split": study.split,
        "examples": len(study.truth[study.split].labels),
        "conditions": found,
    }


def _is_beyond(condition: Mapping[str, Any]) -> bool:
    """Whether the value itself does not keep a bound, surely or not."""
    value = condition["value"]
    least, most = condition.get("at_least"), condition.get("at_most")
    return value is not None and (
        (least is not None and value < least) or (most is not None and value > most)
    )


def _refusal(refused: Sequence[str], broken: Sequence[str]) -> str:
    """Which conditions refuse, apart by whether more examples could decide them."""
    parts = {
        "conditions not kept": [name for name in refused if name in broken],
        "not decided by so few examples": [n for n in refused if n not in broken],
    }
    said = [f"{what}: {', '.join(names)}" for what, names in parts.items() if names]
    return "; ".join(said)


def _judge(
    study: Study,
    policy: ml_collections.ConfigDict,
    condition: Condition,
    run: Run,
    evaluation: Sequence[MetricsForSlice] | None,
    other: Result | None,
) -> dict[str, Any]:
    if condition.against and other is None:
        other = _result(study, Run(condition.against, run.seed))
    measured = measure(
        study,
        condition,
        _result(study, run),
        other,
        level=policy.level,
        replicates=policy.replicates,
    )
    status, decided_by = _status(study, condition, measured, run, evaluation)
    fields = dataclasses.asdict(condition)
    groups = {"people": measured.people, "left_out": list(measured.left_out)}
    return {
        **{name: value for name, value in fields.items() if value not in ("", None)},
        **measured.interval.to_dict(),
        "status": status,
        "decided_by": decided_by,
        "reason": _reason(condition, measured, status),
        **{name: value for name, value in groups.items() if value},
    }


def _result(study: Study, run: Run) -> Result:
    found = study.models.get(Model.of(run), {}).get(run.seed)
    if found is None:
        have = [result.run.directory for result in study.results]
        raise ValueError(
            f"The policy needs the predictions of {run.directory}. Received: {have}."
        )
    return found


def _status(
    study: Study,
    condition: Condition,
    measured: Measured,
    run: Run,
    evaluation: Sequence[MetricsForSlice] | None,
) -> tuple[str, str]:
    """The status, and what decided it."""
    found = measured.interval
    # Comparisons with NaN are False, as if the bound were broken.
    needed = [found.value]
    if condition.decide_by == "interval":
        needed += [found.low, found.high]
    if not measured.missing and not np.isnan(needed).any():
        return _decided(study, condition, found, run, evaluation)
    if _fails_anyway(study, condition, measured):
        return "failed", "interval"
    return "insufficient evidence", "evidence"


def _fails_anyway(study: Study, condition: Condition, measured: Measured) -> bool:
    """Whether the groups that are compared break the bound surely.

    Those that are left out can only make a gap wider. Not so a change of it, and the
    mean of several classes' gaps.
    """
    of_two = len(study.spec.class_names) == 2 and not condition.against
    ends = (measured.interval.low, measured.interval.high)
    compared = bool(measured.left_out) and not np.isnan(ends).any()
    return of_two and compared and not any(_keeps(condition, end) for end in ends)


def _decided(
    study: Study,
    condition: Condition,
    interval: Interval,
    run: Run,
    evaluation: Sequence[MetricsForSlice] | None,
) -> tuple[str, str]:
    if condition.decide_by == "interval":
        kept = {_keeps(condition, end) for end in (interval.low, interval.high)}
        if len(kept) == 2:
            return "undecided", "interval"
        return "passed" if kept.pop() else "failed", "interval"
    # TFMA has the crossings that the study's config names.
    crossed = isinstance(condition.attribute, tuple)
    evaluated = not crossed or condition.attribute in study.attributes
    known = condition.metric in TFMA_METRICS and evaluated
    if evaluation is not None and known and condition.against in ("", TEACHER):
        teacher = Run(TEACHER, run.seed).directory
        kept_it = validate(condition, evaluation, run.directory, teacher)
        return "passed" if kept_it else "failed", "TFMA"
    return "passed" if _keeps(condition, interval.value) else "failed", "value"


def _keeps(condition: Condition, value: float) -> bool:
    if condition.at_most is not None:
        return value <= condition.at_most
    return value >= (condition.at_least or 0)


def _reason(condition: Condition, measured: Measured, status: str) -> str:
    interval, missing, people, _ = measured
    between = ""
    if people:
        one = condition.group or is_of_one(condition.metric)
        between = f", {'of' if one else 'between'} {people}"
    if status == "insufficient evidence":
        missing = missing or interval.reason or "the interval is undefined"
        value = f"{condition.number(interval.value)}{condition.unit}"
        rest = "" if np.isnan(interval.value) else f"; it is {value}"
        return f"{condition.title}: {missing}{rest and rest + between}"
    value, low, high = map(
        condition.number, (interval.value, interval.low, interval.high)
    )
    return (
        f"{condition.title} is {value}{condition.unit}, "
        f"{100 * interval.level:g} % interval {low} to {high}, "
        f"allowed is {condition.bound}{between}"
    )
