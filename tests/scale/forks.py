"""Runs studies and Dask's programs in forked processes: they import nothing anew.

A script that uses it forks before TensorFlow starts its threads, which would not
survive that: it may import anything, but compute nothing.
"""

import os
import pathlib
import signal
import sys
import time
import traceback

import dask
import keras  # noqa: F401
import tensorflow_model_analysis  # noqa: F401
from distributed.cli import dask_scheduler, dask_worker

from pipelines import stages, study  # noqa: F401
from pipelines.cli import start
from pipelines.studies import engine  # noqa: F401

# Four runs, one of which the last two need.
TINY = (
    "--config=configs/demo.py",
    "--config.seeds=(0,)",
    "--config.temperatures=(1.0, 4.0)",
    "--config.dataset.versions=1",
    "--config.dataset.image_size=16",
    "--config.teacher.model=lenet5",
    "--config.teacher.epochs=3",
    "--config.student.epochs=2",
)


class Life:
    """A process that runs a program.

    Args:
      program: a function of the arguments.
      *arguments: of the program.
      log: path of the file that gets what it prints.
    """

    def __init__(self, program, *arguments, log):
        self.log = pathlib.Path(log)
        self.pid = os.fork()
        self.code = None
        if self.pid == 0:
            _live(program, arguments, log)

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def ended(self):
        """Whether it has ended by now."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def wait(self):
        """Its exit code; minus the signal that ended it."""
        if self.code is None:
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
        return self.code


def make_study(*flags):
    sys.argv = ["study", *flags]
    # Processes that it starts import this module again, and not the script's.
    sys.modules["__main__"] = study
    start.run(study.main, needs=["config", "workdir"])


def scheduler(*flags, worker_ttl):
    dask.config.set({"distributed.scheduler.worker-ttl": worker_ttl})
    dask_scheduler.main(flags)


def worker(*flags):
    dask_worker.main(flags)


def wait_for(condition, *lives):
    """What `condition` gives as soon as it is true; an error if a life ends before."""
    while not (found := condition()):
        for life in lives:
            assert not life.ended(), life.log.read_text()
        time.sleep(0.01)
    return found


def children(pid):
    """The processes that a process has started, and those that these have."""
    path = pathlib.Path(f"/proc/{pid}/task")
    try:
        direct = [
            int(child)
            for task in path.iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [process for child in direct for process in (child, *children(child))]


def in_mid_run(pid, workdir):
    """The directory of the run that a process trains now, behind its first epoch."""
    try:
        links = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return None
    for link in links:
        # The file of the curves is open while the run is trained.
        if "tfevents" in link and link.startswith(str(workdir)):
            name, _, _ = link.partition(".partial/")
            if pathlib.Path(f"{name}.partial/history.csv").exists():
                return pathlib.Path(name).with_suffix("")
    return None


def _live(program, arguments, log):
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    code = 1
    try:
        program(*arguments)
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
