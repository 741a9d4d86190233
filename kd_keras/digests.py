"""SHA-256 of files and of directories."""

import functools
import hashlib

from kd_keras import files

_BLOCK = 2**20  # Bytes.


def of_file(path: str) -> str:
    """SHA-256 of a file, in hexadecimal; one that stays the same is read once."""
    known = files.gfile.stat(path)
    return _of_file(path, known.length, known.mtime_nsec)


def of_directory(directory: str) -> dict[str, str]:
    """Path below `directory` -> SHA-256, of all files in it, in order."""
    paths = [
        files.join(parent, name)
        for parent, _, names in files.gfile.walk(directory)
        for name in names
    ]
    return {path[len(directory) :].lstrip("/"): of_file(path) for path in sorted(paths)}


@functools.cache
def _of_file(path: str, length: int, modified: int) -> str:
    del length, modified  # Another file of the same name is read again.
    digest = hashlib.sha256()
    with files.gfile.GFile(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
