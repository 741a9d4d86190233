"""Condition by condition: does the model keep the policy?"""

import dataclasses
from typing import Any

import ml_collections
import numpy as np

from kd_keras import files
from kd_keras.fairness import Interval
from pipelines.analysis.intervals import interval_to_json
from pipelines.analysis.results import Model, Study
from pipelines.release.candidate import Candidate
from pipelines.release.measure import measure
from pipelines.release.policy import Condition
from pipelines.studies import sealed
from pipelines.studies.layout import TEACHER, Run

# What TFMA evaluates, for all examples or, accuracy only, for a group.
TFMA_METRICS = (
    "accuracy",
    "demographic_parity_difference",
    "equalized_odds_difference",
)
BLESSING = "blessing"


def judge(
    study: Study,
    policy: ml_collections.ConfigDict,
    conditions: list[Condition],
    candidate: Candidate,
) -> dict[str, Any]:
    """Judges every condition of a policy.

    A condition is passed or failed when its interval, or its value, is on one side of
    the bound; undecided when the interval has the bound inside. "insufficient
    evidence" comes before all of these.

    Args:
      study: predictions of the candidate, its teacher and its nds.
      policy: says what refuses a release.
      conditions: of the policy.
      candidate: the model to judge.

    Returns:
      What verdict.json holds.
    """
    found = [_judge(study, policy, c, candidate) for c in conditions]
    refused = [c["name"] for c in found if c["status"] in policy.refuse]
    blessed = not refused and any(c["status"] == "passed" for c in found)
    reason = f"conditions not kept: {', '.join(refused)}" if refused else ""
    if not blessed and not refused:
        reason = "no condition could be decided"
    return {
        "blessed": blessed,
        "reason": reason,
        "policy": policy.name,
        "level": policy.level,
        "refuse": list(policy.refuse),
        "run": candidate.run.directory,
        "export_version": int(candidate.export.rpartition("/")[2]),
        "export_digest": candidate.digest,
        "split": study.split,
        "examples": len(study.truth[study.split].labels),
        "conditions": found,
    }


def write(verdict: dict[str, Any], directory: str) -> None:
    """Writes verdict.json and TFX's empty BLESSED or NOT_BLESSED into `blessing`."""
    path = files.join(directory, BLESSING)
    partial = f"{path}.partial"
    files.remove_tree(partial)
    sealed.write(files.join(partial, "verdict.json"), verdict)
    word = "BLESSED" if verdict["blessed"] else "NOT_BLESSED"
    files.write_bytes(files.join(partial, word), b"")
    files.replace_directory(partial, path, last=word)


def _judge(study, policy, condition: Condition, candidate: Candidate) -> dict[str, Any]:
    seed = candidate.run.seed
    of_candidate = study.models[Model.of(candidate.run)][seed]
    other = None
    if condition.against:
        other = study.models[Model.of(Run(condition.against, seed))][seed]
    interval, missing = measure(
        study,
        condition,
        of_candidate,
        other,
        level=policy.level,
        replicates=policy.replicates,
    )
    status, decided_by = _status(condition, interval, missing, candidate)
    fields = dataclasses.asdict(condition)
    return {
        **{name: value for name, value in fields.items() if value not in ("", None)},
        **interval_to_json(interval),
        "status": status,
        "decided_by": decided_by,
        "reason": _reason(condition, interval, missing),
    }


def _status(
    condition: Condition, interval: Interval, missing: str, candidate: Candidate
) -> tuple[str, str]:
    """The status, and what decided it."""
    if missing or np.isnan(interval.value):
        return "insufficient evidence", "evidence"
    if condition.decide_by == "interval":
        kept = {_keeps(condition, end) for end in (interval.low, interval.high)}
        if len(kept) == 2:
            return "undecided", "interval"
        return "passed" if kept.pop() else "failed", "interval"
    if condition.metric in TFMA_METRICS and condition.against in ("", TEACHER):
        # Imported on use: TFMA takes some seconds.
        from pipelines.release.validation import validate

        teacher = Run(TEACHER, candidate.run.seed).directory
        kept_it = validate(condition, candidate, teacher)
        return "passed" if kept_it else "failed", "TFMA"
    return "passed" if _keeps(condition, interval.value) else "failed", "value"


def _keeps(condition: Condition, value: float) -> bool:
    if condition.at_most is not None:
        return value <= condition.at_most
    return value >= (condition.at_least or 0)


def _reason(condition: Condition, interval: Interval, missing: str) -> str:
    if missing or interval.reason:
        return f"{condition.title}: {missing or interval.reason}"
    return (
        f"{condition.title} is {interval.value:.4f}, "
        f"{100 * interval.level:g} % interval {interval.low:.4f} to "
        f"{interval.high:.4f}, allowed is {condition.bound}"
    )
