"""One process at a time makes the study of a working directory."""

import contextlib
import datetime
import os
import socket
from collections.abc import Iterator

import filelock

from kd_keras import files
from pipelines.studies import layout
from pipelines.studies.config import CONFIG_FILE


@contextlib.contextmanager
def alone(workdir: str) -> Iterator[None]:
    """Holds the working directory; the operating system lets go when a process dies.

    On remote file systems, such as gs://, nothing is held.

    Raises:
      ValueError: if another process holds it, or it cannot be written to.
    """
    if not files.is_local(workdir):
        yield
        return
    directory = files.join(workdir, layout.COORDINATOR)
    holder = files.join(directory, "holder.json")
    lock = filelock.FileLock(files.join(directory, "lock"))
    try:
        files.gfile.makedirs(directory)
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        raise ValueError(_held(workdir, holder, lock.lock_file)) from None
    except files.ERRORS as error:
        raise ValueError(
            f"--workdir={workdir} cannot be written to ({error}). Name a directory "
            "that you may write to."
        ) from error
    with held:
        try:
            files.write_json(holder, _this_process())
            yield
        finally:
            # It may be no study's directory, and was refused then.
            if not files.exists(files.join(workdir, CONFIG_FILE)):
                files.remove_tree(directory)


def _held(workdir: str, holder: str, lock: str) -> str:
    # Between the lock and its record there is a moment.
    who = files.read_json(holder) if files.exists(holder) else {}
    return (
        f"--workdir={workdir} is being made by process {who.get('pid', '?')} on "
        f"{who.get('host', '?')} since {who.get('since', '?')}. Wait for its end, or "
        f"end it and give the same command again. If it has ended, delete {lock}."
    )


def _this_process() -> dict[str, str | int]:
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
    }
