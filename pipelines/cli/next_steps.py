"""The commands that come next, as a person types them here."""

import os
import shlex
import sys

from absl import flags as absl_flags


def command(module: str, **flags: str) -> str:
    """The call of a main, such as `.venv/bin/python -m pipelines.report --workdir=w`.

    Args:
      module: the main.
      **flags: flag -> value; empty ones are left out. --module_path is that of this
        process, where it was given.
    """
    path = os.path.relpath(sys.executable)
    python = sys.executable if path.startswith("..") else path
    same = absl_flags.FLAGS["module_path"].value if _parsed() else ""
    flags = {"module_path": same, **flags}
    given = [f"--{name}={value}" for name, value in flags.items() if value]
    return shlex.join([python, "-m", module, *given])


def _parsed() -> bool:
    return absl_flags.FLAGS.is_parsed() and "module_path" in absl_flags.FLAGS
