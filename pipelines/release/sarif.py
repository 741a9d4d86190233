"""A verdict as SARIF 2.1.0, the results format of code scanners."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pipelines.release.outcome import (
    PASSED,
    REFUSED,
    Outcome,
    Place,
    outcomes,
)

FILE = "verdict.sarif"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MEASURED = ("value", "low", "high", "status", "decided_by", "people", "left_out")


def to_sarif(verdict: Mapping[str, Any], where: Place) -> bytes:
    """A rule and a result per condition.

    A condition that refuses the release is an error. One that failed and that the
    policy tolerates is a warning; one that could not be decided is "open" (3.27.9 of
    the standard), whose level must be "none".

    Args:
      verdict: what verdict.json holds.
      where: the policy's file; each result points at the line of its condition.

    Returns:
      JSON in UTF-8.
    """
    found = outcomes(verdict)
    about = ("run", "policy", "blessed", "export_version", "export_digest", "split")
    driver = {
        "name": "kd_keras gate",
        "rules": [_rule(verdict, outcome) for outcome in found],
    }
    results = [_result(i, outcome, where) for i, outcome in enumerate(found)]
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{verdict['policy']}/{verdict['run']}"},
        "results": results,
        "properties": {name: verdict[name] for name in about},
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode("utf-8")


def _rule(verdict: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    text = f"Condition {outcome.name} of the policy {verdict['policy']}."
    return {"id": outcome.name, "shortDescription": {"text": text}}


def _result(index: int, outcome: Outcome, where: Place) -> dict[str, Any]:
    kind, level = _kind_and_level(outcome)
    measured = {n: outcome.condition[n] for n in _MEASURED if n in outcome.condition}
    region = {"startLine": where.line(outcome.name)}
    file = {"uri": quote(where.path)}
    place = {"physicalLocation": {"artifactLocation": file, "region": region}}
    return {
        "ruleId": outcome.name,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": outcome.message},
        **({"locations": [place]} if where.path else {}),
        "properties": measured,
    }


def _kind_and_level(outcome: Outcome) -> tuple[str, str]:
    if outcome.kind == PASSED:
        return "pass", "none"
    if outcome.kind == REFUSED:
        return "fail", "error"
    return ("fail", "warning") if outcome.status == "failed" else ("open", "none")
