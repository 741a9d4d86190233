"""File access on any path that tf.io.gfile opens; nothing appears half-written."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

gfile = tf.io.gfile

# What a file system's refusal, or a file's broken content, can be raised as.
ERRORS: tuple[type[Exception], ...] = (
    OSError,
    tf.errors.AlreadyExistsError,
    tf.errors.DataLossError,
    tf.errors.FailedPreconditionError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnimplementedError,
)


def join(*parts: str) -> str:
    """Joins path parts without touching a scheme such as gs://."""
    return os.path.join(*parts)


def exists(path: str) -> bool:
    return gfile.exists(path)


def read_bytes(path: str) -> bytes:
    with gfile.GFile(path, "rb") as file:
        return file.read()


def read_text(path: str) -> str:
    return read_bytes(path).decode("utf-8")


def read_json(path: str) -> Any:
    return json.loads(read_text(path))


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """Yields a path beside `path` to write to, and renames it when all went well."""
    gfile.makedirs(os.path.dirname(path) or ".")
    temporary = f"{path}.{os.getpid()}.partial"
    try:
        yield temporary
        gfile.rename(temporary, path, overwrite=True)
    finally:
        if gfile.exists(temporary):
            gfile.remove(temporary)


def write_bytes(path: str, content: bytes) -> None:
    """Writes a file whole: a reader sees the old content or the new one."""
    with replacing(path) as temporary, gfile.GFile(temporary, "wb") as file:
        file.write(content)


def write_text(path: str, content: str) -> None:
    write_bytes(path, content.encode("utf-8"))


def write_json(path: str, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def remove_tree(path: str) -> None:
    """Deletes a directory with all that it holds; a missing one is no error."""
    if gfile.exists(path):
        gfile.rmtree(path)


def replace_directory(partial: str, path: str) -> None:
    """Puts the finished directory `partial` in the place of `path`."""
    remove_tree(path)
    gfile.rename(partial, path)
