"""A verdict as the lines that GitHub Actions shows beside the code."""

from collections.abc import Mapping
from typing import Any

from pipelines.release.outcome import PASSED, REFUSED, Place, outcomes


def annotations(verdict: Mapping[str, Any], where: Place) -> list[str]:
    """An ::error per condition that refuses the release, a ::warning per tolerated one.

    Args:
      verdict: what verdict.json holds.
      where: the policy's file.
    """
    lines = []
    for outcome in outcomes(verdict):
        if outcome.kind == PASSED:
            continue
        command = "error" if outcome.kind == REFUSED else "warning"
        title = f"{verdict['run']}: {outcome.name} {outcome.status}"
        line = {"file": where.path, "line": str(where.line(outcome.name))}
        about = {**(line if where.path else {}), "title": title}
        shown = ",".join(f"{name}={_property(text)}" for name, text in about.items())
        lines.append(f"::{command} {shown}::{_data(outcome.message)}")
    return lines


def _data(text: str) -> str:
    """As GitHub's toolkit escapes a message: a line break would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
