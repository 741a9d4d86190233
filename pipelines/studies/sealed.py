"""Files that are compared with their SHA-256 whenever they are read."""

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras import digests, files

# In a JSON file: the digest of all else that it holds.
DIGEST = "sha256"


def of_json(content: Any) -> str:
    """SHA-256 of a value as JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def document(path: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its digest, as the file `path` holds it."""
    return {**content, DIGEST: _digest(path, content)}


def write(path: str, content: Mapping[str, Any]) -> None:
    """Writes a JSON file that carries its digest."""
    files.write_json(path, document(path, content))


def read(path: str, advice: str, fields: Sequence[str] = ()) -> dict[str, Any]:
    """The content of what `write` has written.

    Args:
      path: the file.
      advice: what a person can do where it is not whole.
      fields: what the reader needs of it; an older version may not have written them.

    Raises:
      ValueError: if it is missing, or not what was written, or lacks a field.
    """
    if not files.exists(path):
        raise ValueError(f"{path} is missing. {advice}")
    try:
        content = files.read_json(path)
    except (ValueError, RecursionError) as error:
        raise ValueError(_changed(path, advice)) from error
    if not isinstance(content, dict):
        raise ValueError(_changed(path, advice))
    missing = [field for field in (DIGEST, *fields) if field not in content]
    if missing:
        raise ValueError(
            f"{path} has no {missing[0]!r}: an older version wrote it, or it was "
            f"changed. {advice}"
        )
    if content.pop(DIGEST) != _digest(path, content):
        raise ValueError(_changed(path, advice))
    return content


def require(path: str, sha256: str | None, advice: str) -> None:
    """Raises a ValueError unless the file has this digest.

    Args:
      path: the file.
      sha256: what it has to have; None for a file that should not be there.
      advice: what a person can do otherwise.
    """
    if sha256 is None:
        raise ValueError(f"{path} is not one of the files that were written. {advice}")
    if not files.exists(path):
        raise ValueError(f"{path} is missing. {advice}")
    if digests.of_file(path) != sha256:
        raise ValueError(_changed(path, advice))


def require_directory(directory: str, sha256: Mapping[str, str], advice: str) -> None:
    """Raises a ValueError unless a directory holds these files and no others.

    Args:
      directory: the directory.
      sha256: path below it -> digest.
      advice: what a person can do otherwise.
    """
    found = digests.of_directory(directory) if files.exists(directory) else {}
    for name in sorted(found.keys() | sha256.keys()):
        require(files.join(directory, name), sha256.get(name), advice)


@contextlib.contextmanager
def arrays(path: str, advice: str, sha256: str = "") -> Iterator[Any]:
    """Yields the arrays of an .npz file.

    Args:
      path: the file.
      advice: what a person can do where it is not whole.
      sha256: the file's digest; empty where the reader has another one.

    Raises:
      ValueError: if it is missing or not what was written, or lacks an array that is
        asked for.
    """
    if not files.exists(path):
        raise ValueError(f"{path} is missing. {advice}")
    content = files.read_bytes(path)
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(_changed(path, advice))
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as opened:
            yield opened
    except (KeyError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{_changed(path, advice)} ({error})") from error


def write_arrays(path: str, arrays: Mapping[str, Any]) -> None:
    """Writes an .npz file that carries its digest."""
    content = io.BytesIO()
    np.savez(content, sha256=_digest_of_arrays(arrays), **arrays)
    files.write_bytes(path, content.getvalue())


def read_arrays(path: str, advice: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of what `write_arrays` has written.

    Args:
      path: the file.
      advice: what a person can do where it is not whole.
      names: the arrays to return; the digest is of all that there are.

    Raises:
      ValueError: if it is missing, not what was written, or lacks one of them.
    """
    with arrays(path, advice) as opened:
        found = {name: opened[name] for name in opened.files}
        if str(found.pop(DIGEST, "")) != _digest_of_arrays(found):
            raise ValueError("other SHA-256")
        return {name: found[name] for name in names}


def _digest_of_arrays(arrays: Mapping[str, Any]) -> str:
    """SHA-256 of all arrays, with their names, shapes and dtypes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = np.asarray(array)
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _digest(path: str, content: Mapping[str, Any]) -> str:
    # With the name of the file: another kind of document is none of this kind.
    return of_json([path.rpartition("/")[2], content])


def _changed(path: str, advice: str) -> str:
    return f"{path} is not what was written: it was changed, cut or swapped. {advice}"
