"""Runs studies in forked processes: the imports, which take longest, happen once.

A script that uses it forks before TensorFlow starts its threads, which would not
survive that: it may import anything, but compute nothing.
"""

import os
import signal
import sys
import traceback

import keras  # noqa: F401
import tensorflow_model_analysis  # noqa: F401

from pipelines import stages, study  # noqa: F401
from pipelines.cli import start

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
    """A process that makes a study.

    Args:
      *flags: of pipelines.study.
      log: path of the file that gets what it prints.
    """

    def __init__(self, *flags, log):
        self.pid = os.fork()
        self.code = None
        if self.pid == 0:
            _live(flags, log)

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


def _live(flags, log):
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["study", *flags]
    code = 1
    try:
        start.run(study.main, needs=["config", "workdir"])
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
