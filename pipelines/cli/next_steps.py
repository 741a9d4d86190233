"""The commands that come next, as a person types them here."""

import os
import shlex
import sys


def command(module: str, **flags: str) -> str:
    """The call of a main, such as `.venv/bin/python -m pipelines.report --workdir=w`.

    Args:
      module: the main.
      **flags: flag -> value; empty ones are left out.
    """
    path = os.path.relpath(sys.executable)
    python = sys.executable if path.startswith("..") else path
    given = [f"--{name}={value}" for name, value in flags.items() if value]
    return shlex.join([python, "-m", module, *given])
