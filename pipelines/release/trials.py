"""What is tried to mend a student, as validation data judge it."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections
import numpy as np

from pipelines.analysis.results import Model, Result, Study, with_result
from pipelines.release import verdict
from pipelines.release.policy import THRESHOLDS, Condition, Mitigation
from pipelines.release.remedies import Remedy, fit, held_out, remedies
from pipelines.studies.layout import Run
from pipelines.studies.mended_run import Mending


class Tried(NamedTuple):
    """A student that may take the place of the refused one.

    Attributes:
      run: the trained student.
      remedy: what thresholds were asked for; None for the student as it is.
      mending: the thresholds; None without any.
      problem: why there are none.
      verdict: of the policy's conditions on validation data; None with a problem.
      accuracy: on validation data.
    """

    run: Run
    remedy: Remedy | None
    mending: Mending | None = None
    problem: str = ""
    verdict: Mapping[str, Any] | None = None
    accuracy: float = float("nan")

    def count(self, status: str) -> int:
        """Number of conditions with that status, of those that refuse a release."""
        found = self.verdict or {"conditions": [], "refuse": []}
        statuses = [c["status"] for c in found["conditions"]]
        return statuses.count(status) if status in found["refuse"] else 0

    @property
    def rank(self) -> tuple[float, ...]:
        """The lowest one is chosen."""
        open_ = self.count("undecided") + self.count("insufficient evidence")
        return (self.count("failed"), open_, -self.accuracy)


def search(
    study: Study,
    policy: ml_collections.ConfigDict,
    conditions: Sequence[Condition],
    refused: Collection[str],
    run: Run,
    options: Mitigation,
) -> list[Tried]:
    """The student as it is, and with what may mend it; all on validation data.

    What mends is judged on examples that it was not fitted to, see `held_out`.

    Args:
      study: the study.
      policy: its `refuse` and `level` hold on validation data too.
      conditions: of the policy.
      refused: names of those that the gate does not find kept.
      run: the student.
      options: of the policy.
    """
    study = _on_validation(study)
    result = study.models[Model.of(run)][run.seed]
    plain = _judged(study, policy, conditions, Tried(run, None), result)
    if THRESHOLDS not in options.methods or plain.verdict is None:
        return [plain]
    # What the test split refuses may be kept on validation data, and the other way.
    names = {*refused, *not_kept(plain.verdict)}
    to_keep = [c for c in conditions if c.name in names]
    found = [plain]
    for remedy in remedies(study, run, to_keep, options):
        try:
            mending = fit(study, result, remedy, options)
            logits = held_out(study, result, remedy, options)
        except ValueError as error:
            found.append(Tried(run, remedy, problem=str(error)))
            continue
        mended = dataclasses.replace(run, mended=True)
        moved = Result(mended, result.info, {"validation": logits})
        found.append(
            _judged(study, policy, conditions, Tried(run, remedy, mending), moved)
        )
    return found


def _judged(
    study: Study,
    policy: ml_collections.ConfigDict,
    conditions: Sequence[Condition],
    tried: Tried,
    result: Result,
) -> Tried:
    """The same with what validation data say of it."""
    study = with_result(study, result)
    subject = verdict.Subject(result.run, 0, "")
    found = verdict.judge(study, policy, list(conditions), subject, None)
    right = result.predicted("validation") == study.truth["validation"].labels
    return tried._replace(verdict=found, accuracy=float(np.mean(right)))


def _on_validation(study: Study) -> Study:
    """The study as if its evaluation split were the validation split."""
    config = {**study.config, "evaluation": {"split": "validation"}}
    return dataclasses.replace(study, document={**study.document, "config": config})


def best(tried: Sequence[Tried]) -> int:
    """Place of the one to take; 0, the student as it is, where there is none.

    It keeps all conditions, or more of them than the student as it is, which the gate
    has refused; of these it is the most accurate one.
    """
    others = [i for i, one in enumerate(tried) if i and one.verdict is not None]
    found = min(others, key=lambda i: tried[i].rank, default=0)
    kept = tried[found].rank[:2]
    return found if kept == (0, 0) or kept < tried[0].rank[:2] else 0


def not_kept(found: Mapping[str, Any]) -> set[str]:
    """Names of the conditions that refuse a release."""
    refuse = found.get("refuse", ())
    return {c["name"] for c in found.get("conditions", ()) if c["status"] in refuse}
