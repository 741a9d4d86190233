"""The versions and the source revision that made something."""

import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

PACKAGES = ("kd-keras", "tensorflow", "keras", "tensorflow-model-analysis", "numpy")
_MOST_NAMED = 10  # Runs of a study of thirty seeds are hundreds.


@functools.cache
def _current() -> tuple[dict[str, str], str | None]:
    return {name: metadata.version(name) for name in PACKAGES}, _git_revision()


def current() -> dict[str, Any]:
    """What this process would make something by: "versions" and "git_revision"."""
    versions, revision = _current()
    return {"versions": dict(versions), "git_revision": revision}


def makers(records: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Which runs were made by what, in words; one entry where all were made alike.

    Args:
      records: directory of a run -> its run.json.

    Returns:
      The versions and the revision that differ between the runs -> directories.
    """
    facts = {
        run: {"revision": record["git_revision"] or "unknown", **record["versions"]}
        for run, record in records.items()
    }
    names = dict.fromkeys(name for of_run in facts.values() for name in of_run)
    differ = [n for n in names if len({of_run.get(n) for of_run in facts.values()}) > 1]
    found: dict[str, list[str]] = {}
    for run, of_run in facts.items():
        what = ", ".join(f"{name} {of_run.get(name, 'unknown')}" for name in differ)
        found.setdefault(what, []).append(run)
    return found


def describe(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Who made which runs, for people; empty where all were made alike."""
    found = makers(records)
    if len(found) < 2:
        return ""
    return "; ".join(f"{what} ({_named(runs)})" for what, runs in found.items())


def _named(runs: Sequence[str]) -> str:
    if len(runs) <= _MOST_NAMED:
        return f"runs {', '.join(runs)}"
    return f"{len(runs)} runs, {runs[0]} to {runs[-1]}"


def tell(records: Mapping[str, Mapping[str, Any]]) -> None:
    """Prints a note where the runs were not all made alike."""
    found = describe(records)
    if found:
        print(f"note: the runs were made by different versions: {found}", flush=True)


def _git_revision() -> str | None:
    """The revision of this source tree; None where it is no git checkout."""
    try:
        # An environment may lie inside somebody else's repository.
        if _git("ls-files", "--error-unmatch", os.path.basename(__file__)).returncode:
            return None
        found = _git("describe", "--always", "--dirty", "--exclude=*")
    except FileNotFoundError:
        return None
    return found.stdout.strip() or None


def _git(*command: str) -> subprocess.CompletedProcess[str]:
    here = os.path.dirname(os.path.abspath(__file__))
    return subprocess.run(["git", *command], cwd=here, capture_output=True, text=True)
