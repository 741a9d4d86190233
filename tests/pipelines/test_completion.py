"""The console scripts' flags in a real bash, and the script in a real zsh if any."""

import shutil
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def script() -> str:
    command = [sys.executable, "-m", "pipelines.cli.completion"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return run.stdout


def complete(script: str, *words: str, cwd=None) -> list[str]:
    """What bash offers for the last of the words."""
    asked = f"""{script}
COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
COMP_CWORD={len(words) - 1}
_kd
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    bash = ["bash", "--norc", "-c", asked]
    run = subprocess.run(bash, capture_output=True, text=True, check=True, cwd=cwd)
    assert run.stderr == ""
    return run.stdout.split()


def test_flags_of_a_script_are_its_own(script):
    assert complete(script, "kd-study", "--co") == ["--config="]
    assert "--workdir=" in complete(script, "kd-study", "--")
    assert complete(script, "some/bin/kd-gate", "--p") == ["--policy=", "--push="]
    assert complete(script, "kd-report", "--pu") == ["--published="]
    assert complete(script, "kd-report", "--conf") == []


def test_values_are_words_folders_or_files(script, tmp_path):
    of_strategy = complete(script, "kd-study", "--strategy", "=", "mi")
    assert of_strategy == ["mirrored"]
    (tmp_path / "runs").mkdir()
    (tmp_path / "rules.py").touch()
    at = {"cwd": tmp_path}
    assert complete(script, "kd-gate", "--workdir", "=", "ru", **at) == ["runs"]
    offered = complete(script, "kd-gate", "--policy", "=", "ru", **at)
    assert sorted(offered) == ["rules.py", "runs"]
    assert complete(script, "kd-gate", "--workdir", "=", **at) == ["runs"]


def test_every_script_is_completed(script):
    (line,) = [line for line in script.splitlines() if line.startswith("complete ")]
    names = line.partition("_kd ")[2].split()
    assert len(names) == 13
    assert {"kd-study", "kd-tensorboard", "kd-new"} <= set(names)


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_takes_it(script):
    zsh = ["zsh", "-f", "-c", f"autoload -U compinit && compinit -D\n{script}"]
    assert subprocess.run(zsh, capture_output=True, text=True).stderr == ""
