"""A finished study that nobody has touched since, told without TensorFlow."""

import hashlib
import json
import os
import pathlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from pipelines.cli import next_steps

NAME = "finished.json"
_CODE = pathlib.Path(__file__).parents[1]
# What a study's tables and report are made by.
_FOLDERS = (_CODE, _CODE.parent / "kd_keras")
_PACKAGES = ("keras", "numpy", "scipy", "tensorflow", "tensorflow-model-analysis")


def made_from(asked: Mapping[str, Any]) -> str:
    """Digest of what a study's results depend on.

    Args:
      asked: "config", and the flags that count; "published" is a folder. The files that
        they name, this code and the packages count by names, sizes, times and versions.

    Returns:
      "" where not all of it can be known here: several machines, or a remote disk.
    """
    config = asked["config"]
    names = [*_strings(config.to_dict()), asked["published"]]
    data = config.dataset.get("data_dir") or ""
    remote = any("://" in name for name in names)
    if remote or config.strategy not in ("one_device", "mirrored"):
        return ""
    # The folder of the data is left out: a study may prepare its data there.
    named = {*names} - {"", data}
    stamps = [
        [_stat(os.path.join(data, name)) for name in names],
        [[*_files(name)] for name in sorted(named)],
    ]
    code = [[*_files(folder)] for folder in _FOLDERS]
    versions = [metadata.version(package) for package in _PACKAGES]
    return _sha256([dict(asked), stamps, code, versions])


def said(workdir: str, made_from: str) -> str:
    """What to say of a study that is finished and as it was; "" of any other.

    Args:
      workdir: its working directory.
      made_from: as the function of this name has it now.
    """
    try:
        known = json.loads(pathlib.Path(workdir, NAME).read_text(encoding="utf-8"))
        summary, digest = str(known["summary"]), known["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""  # Not there, or damaged: everything is looked at anew.
    # A terminal obeys other characters, and the file may come from anybody.
    plain = all(line.isprintable() for line in summary.split("\n"))
    if not plain or digest != _digest(workdir, made_from, summary):
        return ""
    return f"nothing to do: {workdir} is finished\n{_end(workdir, summary)}"


def end(workdir: str, made_from: str, summary: str, own_code: bool) -> None:
    """Prints how a study has ended, and remembers it in finished.json.

    Args:
      workdir: its working directory, which nobody else changes now.
      made_from: as the function of this name had it before the study began.
      summary: what is said about the results.
      own_code: whether the study runs code of the caller's, which may change unseen:
        it is not remembered then.
    """
    print(_end(workdir, summary, own_code))
    if own_code or not made_from or not os.path.isdir(workdir):
        return
    content = {"summary": summary, "sha256": _digest(workdir, made_from, summary)}
    # With a name that nobody can foretell, or it could be a link to another file.
    number, partial = tempfile.mkstemp(dir=workdir, prefix=NAME, suffix=".partial")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    os.replace(partial, os.path.join(workdir, NAME))


def _end(workdir: str, summary: str, own_code: bool = False) -> str:
    return f"\n{summary}\n\n{next_steps.after_study(workdir, own_code)}"


def _digest(workdir: str, made_from: str, summary: str) -> str:
    """Of the text, what the study is made from, and its files."""
    kept = [f for f in _files(workdir) if not f[0].startswith((NAME, "coordinator"))]
    return _sha256([made_from, summary, kept])


def _sha256(content: Any) -> str:
    text = json.dumps(content, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _strings(value: Any) -> Iterator[str]:
    """The strings in a config, any of which may be the path of a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _files(directory: Any) -> Iterator[list[Any]]:
    """Path below the directory, size and time of each file; none if it is none."""
    for parent, folders, names in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
        for folder in folders:
            if os.path.islink(os.path.join(parent, folder)):
                yield [
                    folder,
                    time.time_ns(),
                ]  # Nobody looks behind it: never as before.
        for name in sorted(names):
            path = os.path.join(parent, name)
            yield [os.path.relpath(path, directory), *_stat(path)]


def _stat(path: str) -> list[int]:
    if not os.path.isfile(path):
        return []
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]
