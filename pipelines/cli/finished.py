"""A finished study that nobody has touched since, told without TensorFlow."""

import hashlib
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.cli import next_steps

NAME = "finished.json"
_CODE = pathlib.Path(__file__).parents[1]
# What a study's tables and report are made by.
_PACKAGES = (_CODE, _CODE.parent / "kd_keras")


def said(workdir: str, asked: Mapping[str, Any]) -> str:
    """What to say of a study that is finished and as it was; "" of any other.

    Args:
      workdir: its working directory.
      asked: config and flags on which the study's results depend.
    """
    try:
        known = json.loads(pathlib.Path(workdir, NAME).read_text(encoding="utf-8"))
        if known["sha256"] != _digest(workdir, asked, known["summary"]):
            return ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # Not there, or damaged: everything is looked at anew.
    return f"nothing to do: {workdir} is finished\n{_end(workdir, known['summary'])}"


def end(workdir: str, asked: Mapping[str, Any], summary: str, own_code: bool) -> None:
    """Prints how a study has ended, and remembers it in finished.json.

    A study of several machines, on a remote disk or with code of one's own is looked at
    anew each time.
    """
    print(_end(workdir, summary, own_code))
    alone = asked["config"]["strategy"] in ("one_device", "mirrored")
    if own_code or not alone or not os.path.isdir(workdir):
        return
    content = {"summary": summary, "sha256": _digest(workdir, asked, summary)}
    partial = pathlib.Path(workdir, f"{NAME}.partial")
    partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
    os.replace(partial, os.path.join(workdir, NAME))


def _end(workdir: str, summary: str, own_code: bool = False) -> str:
    return f"\n{summary}\n\n{next_steps.after_study(workdir, own_code)}"


def _digest(workdir: str, asked: Mapping[str, Any], summary: str) -> str:
    """Of what was asked for, and names, sizes and times of the files that matter."""
    dataset = asked["config"]["dataset"]
    data = os.path.join(dataset.get("data_dir") or "", dataset.get("path") or "")
    own = [f for f in _files(workdir) if f[0] not in (NAME, f"{NAME}.partial")]
    others = [[*_files(path)] for path in (*_PACKAGES, asked["published"], data)]
    known = [dict(asked), summary, own, others, _stat(data)]
    return hashlib.sha256(json.dumps(known, default=str).encode()).hexdigest()


def _files(directory: Any) -> Iterator[list[Any]]:
    """Path below the directory, size and time of each file; none if it is none."""
    for parent, folders, names in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
        for name in sorted(names):
            path = os.path.join(parent, name)
            yield [os.path.relpath(path, directory), *_stat(path)]


def _stat(path: str) -> list[int]:
    if not os.path.exists(path):
        return []
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]
