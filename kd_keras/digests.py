"""SHA-256 of files and of directories."""

import hashlib
import time

from kd_keras import files

_BLOCK = 2**20  # Bytes.
# A file may change again within one tick of its file system's clock.
_SETTLED = 2_000_000_000  # Nanoseconds.
# (path, length, time of the last change) -> digest.
_known: dict[tuple[str, int, int], str] = {}


def of_file(path: str) -> str:
    """SHA-256 of a file, in hexadecimal; one that stays the same is read once."""
    found = files.gfile.stat(path)
    key = (path, found.length, found.mtime_nsec)
    if key in _known:
        return _known[key]
    digest = hashlib.sha256()
    with files.gfile.GFile(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if time.time_ns() - found.mtime_nsec > _SETTLED:
        _known[key] = digest.hexdigest()
    return digest.hexdigest()


def of_directory(directory: str) -> dict[str, str]:
    """Path below `directory` -> SHA-256, of all files in it, in order."""
    paths = [
        files.join(parent, name)
        for parent, _, names in files.gfile.walk(directory)
        for name in names
    ]
    return {path[len(directory) :].lstrip("/"): of_file(path) for path in sorted(paths)}
