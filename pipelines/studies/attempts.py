"""Attempts at a directory: one goes on with what another left, the first publishes.

An attempt writes to `<path>.<token>.partial`. Whoever begins a later one takes that
directory over by renaming it, which of several processes one can do. The process that
had it may be dead, or asleep and about to wake up: it then finds its mark gone, and
stops. On remote file systems, which have no such rename, nothing guards an attempt.
"""

import contextlib
import re
import secrets

import tensorflow as tf

from kd_keras import files, strategy

# The file in an attempt's directory that its process must find there.
MARK = "attempt"


class TakenOverError(OSError):
    """Another process goes on with what this one was making."""


def begin(path: str, devices: tf.distribute.Strategy | None = None) -> str:
    """The directory to write to, with what the last attempt at `path` left in it.

    Args:
      path: what is to be made.
      devices: where several workers make it together, all have to call this function.
    """
    devices = devices or tf.distribute.get_strategy()
    token = secrets.randbits(32)
    if strategy.is_chief(devices):
        _take_over(path, _partial(path, token))
    return _partial(path, strategy.from_chief(devices, token))


def check(partial: str) -> None:
    """Raises a TakenOverError if another process has taken the attempt over."""
    if files.is_local(partial) and not files.exists(files.join(partial, MARK)):
        raise _taken_over(partial)


def publish(partial: str, path: str, *, last: str) -> None:
    """Makes the finished attempt `path`; where that is there already, it stays.

    Args:
      partial: from `begin`.
      path: as for `begin`.
      last: the file in it, without which a reader takes it for unfinished.

    Raises:
      TakenOverError: if another process has taken the attempt over.
    """
    try:
        # Who removes the mark has the directory, and it is complete.
        files.gfile.remove(files.join(partial, MARK))
        files.publish_directory(partial, path, last=last)
    except tf.errors.NotFoundError as error:
        raise _taken_over(partial) from error


def sweep(path: str) -> None:
    """Deletes what attempts have left beside `path`, which is there."""
    for found in left(path):
        files.remove_tree(found)


def _take_over(path: str, partial: str) -> None:
    if files.is_local(path):
        for found in left(path):
            with contextlib.suppress(tf.errors.NotFoundError):
                files.gfile.rename(found, partial)
                _remove_half_written(partial)
                break
    files.write_text(files.join(partial, MARK), "")


def _remove_half_written(directory: str) -> None:
    """Removes what a killed process was writing beside its files."""
    for parent, _, names in files.gfile.walk(directory):
        for name in names:
            if re.search(r"\.[0-9a-f]{8}\.partial(\.\w+)?$", name):
                files.gfile.remove(files.join(parent, name))


def _partial(path: str, token: int) -> str:
    return f"{path}.{token:08x}.partial" if files.is_local(path) else f"{path}.partial"


def left(path: str) -> list[str]:
    """The directories of attempts at `path`; first those that have their mark."""
    parent, _, name = path.rpartition("/")
    if not files.exists(parent):
        return []
    pattern = re.compile(rf"{re.escape(name)}(\.[0-9a-f]{{8}})?\.partial/?")
    names = filter(pattern.fullmatch, sorted(files.gfile.listdir(parent)))
    found = [files.join(parent, name.rstrip("/")) for name in names]
    return sorted(found, key=lambda left: not files.exists(files.join(left, MARK)))


def _taken_over(partial: str) -> TakenOverError:
    return TakenOverError(
        f"Another process has taken over {partial} and goes on with it: this one did "
        "not answer, or the study was started again. There is nothing to do."
    )
