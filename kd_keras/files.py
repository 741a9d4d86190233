"""File access on any path that tf.io.gfile opens; nothing appears half-written."""

import contextlib
import errno
import json
import os
import re
import tempfile
import time
import uuid
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


# How a file system without hard links refuses one.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)

# How long another's write may follow its look, where no file system call does both.
SETTLE_SECONDS = 2.0


def join(*parts: str) -> str:
    """Joins path parts without touching a scheme such as gs://."""
    return os.path.join(*parts)


def is_local(path: str) -> bool:
    """Whether the operating system opens `path`: it has no scheme such as gs://."""
    return "://" not in path


def exists(path: str) -> bool:
    return gfile.exists(path)


def glob(directory: str, pattern: str) -> list[str]:
    """The paths below `directory` that match; its own name may hold wildcards."""
    literal = re.sub(r"([*?\[\\])", r"\\\1", directory)
    return gfile.glob(join(literal, pattern))


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
    # Process ids of two machines may be the same.
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.partial"
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


def create(path: str, content: bytes) -> bool:
    """Writes a file that was not there.

    Of several processes that call it at a time one gets True. On a local or NFS path
    the operating system sees to that, and the file appears whole where there are hard
    links. gfile has nothing like it for an object store: there the file is read again
    after `SETTLE_SECONDS`, and whose content is found has created it.

    Returns:
      Whether the file is this call's; False where it was there already.
    """
    if exists(path):
        return False
    if not is_local(path):
        write_bytes(path, content)
        time.sleep(SETTLE_SECONDS)
        return read_bytes(path) == content
    gfile.makedirs(os.path.dirname(path) or ".")
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.partial"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        try:
            os.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with open(path, "xb") as file:
                file.write(content)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
    return True


@contextlib.contextmanager
def written_locally(path: str, ending: str = "") -> Iterator[str]:
    """Yields a local path to write to, whose file appears whole as `path`.

    For libraries that only know local files, and want a certain ending.

    Args:
      path: where the file shall be.
      ending: what the local file's name must end in.
    """
    with replacing(path) as temporary, tempfile.TemporaryDirectory() as directory:
        local = join(directory, "file") if not is_local(path) else temporary
        local += ending
        try:
            yield local
            copy_or_rename = gfile.rename if is_local(path) else gfile.copy
            copy_or_rename(local, temporary)
        finally:
            if exists(local):
                gfile.remove(local)


@contextlib.contextmanager
def read_locally(path: str, ending: str = "") -> Iterator[str]:
    """Yields a local path with the content of the file `path`."""
    if is_local(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as directory:
        local = join(directory, f"file{ending}")
        gfile.copy(path, local)
        yield local


def remove_tree(path: str) -> None:
    """Deletes a directory with all that it holds; a missing one is no error."""
    with contextlib.suppress(tf.errors.NotFoundError):
        gfile.rmtree(path)


def replace_directory(partial: str, path: str, *, last: str) -> None:
    """Puts the finished directory `partial` in the place of `path`.

    A local directory is renamed at once. On other file systems the files are copied
    one by one.

    Args:
      partial: the finished directory.
      path: where it shall be; what is there is deleted.
      last: the file in it, without which a reader takes it for unfinished.
    """
    remove_tree(path)
    if is_local(path):
        gfile.rename(partial, path)
    else:
        _move_files(partial, path, last)


def publish_directory(partial: str, path: str, *, last: str) -> None:
    """Makes the finished directory `partial` `path`, unless a finished one is there.

    Of several processes that call it for one `path` at a time, the first publishes
    and the others delete their `partial`. On file systems without a rename of
    directories nothing sees to that.

    Args:
      partial, last: as for `replace_directory`.
      path: where it shall be; a directory that lacks `last` is replaced.
    """
    if not is_local(path):
        if not exists(join(path, last)):
            remove_tree(path)  # What a killed copy has left.
            _move_files(partial, path, last)
        remove_tree(partial)
        return
    try:
        _remove_unfinished(path, f"{partial}.unfinished", last)
        gfile.rename(partial, path)
    except (tf.errors.AlreadyExistsError, tf.errors.FailedPreconditionError):
        if not exists(join(path, last)):
            raise
        remove_tree(partial)


def _remove_unfinished(path: str, aside: str, last: str) -> None:
    if not exists(path) or exists(join(path, last)):
        return
    gfile.rename(path, aside)
    # Another process may have finished it since it was looked at.
    if exists(join(aside, last)):
        gfile.rename(aside, path)
    remove_tree(aside)


def _move_files(partial: str, path: str, last: str) -> None:
    """Copies the files of `partial` one by one to `path`, and deletes `partial`."""
    found = [
        join(parent, name)[len(partial) :].lstrip("/")
        for parent, _, names in gfile.walk(partial)
        for name in names
    ]
    for name in sorted(found, key=lambda name: name == last):
        target = join(path, name)
        gfile.makedirs(os.path.dirname(target))
        gfile.copy(join(partial, name), target)
    remove_tree(partial)
