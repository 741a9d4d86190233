"""A verdict on disk, in the form in which TFX's Evaluator leaves its own."""

from collections.abc import Mapping
from typing import Any

from kd_keras import files
from pipelines.analysis.verdicts import DIRECTORY, VERDICT
from pipelines.studies import sealed


def withdraw(directory: str) -> None:
    """Deletes an earlier verdict: what cannot be judged any more is not blessed."""
    files.remove_tree(files.join(directory, DIRECTORY))


def write(
    verdict: Mapping[str, Any],
    directory: str,
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Writes verdict.json and an empty BLESSED or NOT_BLESSED into `blessing`.

    Args:
      verdict: what verdict.json holds.
      directory: of the run.
      beside: name -> content of more files.
    """
    path = files.join(directory, DIRECTORY)
    partial = f"{path}.partial"
    files.remove_tree(partial)
    for name, content in (beside or {}).items():
        files.write_bytes(files.join(partial, name), content)
    word = write_into(verdict, partial)
    files.replace_directory(partial, path, last=word)


def write_into(verdict: Mapping[str, Any], directory: str) -> str:
    """Writes verdict.json, and then the empty file whose name it returns."""
    sealed.write(files.join(directory, VERDICT), verdict)
    word = "BLESSED" if verdict["blessed"] else "NOT_BLESSED"
    files.write_bytes(files.join(directory, word), b"")
    return word
