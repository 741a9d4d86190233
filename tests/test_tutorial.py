"""The tutorial, as a reader copies it: files as they stand there, commands in order."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import docs_commands
import pytest

ROOT = docs_commands.ROOT
TEXT = (ROOT / "docs/tutorial.md").read_text()
NOT_BLESSED = 2  # The gate's exit code for a student that breaks its policy.


@pytest.mark.slow
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a .venv to activate")
def test_the_tutorial_runs_as_it_is_written(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    for name, content in docs_commands.saved(TEXT).items():
        (tmp_path / name).write_text(content)
    blocks = re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)
    activate, *commands = [line for block in blocks for line in block.splitlines()]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    said = {}
    for command in commands:
        run = subprocess.run(
            ["bash", "-c", f"{activate}\n{command}"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        allowed = (0, NOT_BLESSED) if "pipelines.gate" in command else (0,)
        assert run.returncode in allowed, f"{command}\n{run.stdout}{run.stderr}"
        said[command.split()[2]] = run.stdout
    lines = said["pipelines.study"].splitlines()
    result = lines[next(i for i, x in enumerate(lines) if x.startswith("whom:")) :]
    assert any(line.startswith("how sure:") for line in result)
    assert any(line.startswith("what to do:") for line in result)
    # Up to the paths, which may be long.
    table = result[: next(i for i, x in enumerate(result) if x.startswith("report:"))]
    assert max(map(len, table)) <= 78
    for row in re.findall(r"^\| `([^`]+)` ", TEXT, re.M):
        of_study = "runs/mine" / pathlib.Path(row)
        assert list(tmp_path.glob(str(of_study))), row
    # The last block compares runs of the study with `audit`.
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    exec(re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)[-1], namespace)
    assert 0 <= namespace["result"].disagreement["distilled"] < 1
