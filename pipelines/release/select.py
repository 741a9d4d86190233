"""Recommends a temperature from validation data, and confirms it on the test split."""

from typing import Any

import ml_collections

from kd_keras import files
from pipelines.analysis import choice
from pipelines.analysis.costs import Objective
from pipelines.analysis.damaged import with_damaged
from pipelines.analysis.results import read_study
from pipelines.release import policy as policies
from pipelines.release.selection import selection
from pipelines.studies import sealed
from pipelines.terminal import printable

SELECTION_FILE = "selection.json"


def select(workdir: str, policy: ml_collections.ConfigDict) -> dict[str, Any]:
    """Chooses T by `policy.selection`; writes `selection.json`.

    Args:
      workdir: the study's working directory.
      policy: as in configs/policies/.

    Returns:
      What selection.json holds.

    Raises:
      ValueError: if the policy names what does not exist, or no temperature can be
        recommended.
    """
    study = read_study(workdir)
    objective = policies.objective(policy, study.spec)
    study = with_damaged(workdir, study, objective.corruption)
    found, chosen = choice.require_choice(study, objective)
    path = files.join(workdir, SELECTION_FILE)
    advice = "Delete it and select again; looks at the test split count from 1 then."
    needed = ("test_looks", "confirmation")
    before = sealed.read(path, advice, needed) if files.exists(path) else None
    document = selection(study, objective, found, chosen, policy.name, before)
    sealed.write(path, document)
    return document


def describe(found: dict[str, Any]) -> str:
    """The recommendation for people."""
    test = found["confirmation"]
    word = "confirmed" if test["confirmed"] else "NOT confirmed"
    method = found.get("recommended_method", "")
    lines = [
        f"recommended T={found['recommended_temperature']:g}"
        f"{method and ' ' + method}: {found['reason']}",
        f"{word} on the {test['split']} split (is it surely less fair, or less "
        f"accurate, than nds?): accuracy {_shown(test['accuracy'])}, "
        f"{_metric(found)} {_shown(test['cost'])}",
    ]
    if found["test_looks"] > 1:
        lines.append(
            f"the {test['split']} split was used {found['test_looks']} times for "
            "different recommendations: it is no longer an independent check"
        )
    lines += test["groups"]
    return printable.lines(lines)


def _metric(found: dict[str, Any]) -> str:
    metric = Objective(found["metric"], corruption=found.get("corruption", ""))
    return metric.title


def _shown(interval: dict[str, Any]) -> str:
    ends = (interval[end] for end in ("value", "low", "high"))
    if interval["value"] is None:
        return "undefined"
    value, low, high = ("undefined" if e is None else f"{100 * e:.1f}" for e in ends)
    return f"{value} % ({low} to {high})"
