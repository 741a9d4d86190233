"""Runs a real main that takes a policy file."""

import pathlib
import sys

import pytest
from absl.testing import flagsaver

from pipelines.cli import start


def run(monkeypatch, capsys, main, workdir, policy, *arguments):
    """Returns the exit code, stdout and stderr."""
    path = pathlib.Path(workdir).parent / "policy.py"
    path.write_text(
        "import json, ml_collections\n"
        "def get_config():\n"
        f"    return ml_collections.ConfigDict(json.loads('{policy.to_json()}'))\n"
    )
    flags = [f"--workdir={workdir}", f"--policy={path}", *arguments]
    monkeypatch.setattr(sys, "argv", [main.__name__, *flags])
    with flagsaver.flagsaver(), pytest.raises(SystemExit) as stopped:
        start.run(main.main, needs=["workdir", "policy"])
    return stopped.value.code, *capsys.readouterr()
