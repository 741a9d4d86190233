"""The console scripts are the mains."""

import importlib
import importlib.util
import pathlib
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
MAINS = {
    "report" if path.stem == "__main__" else path.stem
    for path in (
        *(ROOT / "pipelines").glob("*.py"),
        ROOT / "pipelines" / "report" / "__main__.py",
    )
    if "start.run(" in path.read_text()
}


def test_every_main_has_a_script():
    assert {name.removeprefix("kd-") for name in SCRIPTS} == MAINS
    assert len(MAINS) == 13


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_names_a_function_that_runs_its_main(name):
    module, _, attribute = SCRIPTS[name].partition(":")
    script = getattr(importlib.import_module(module), attribute)
    assert callable(script)
    (target,) = script.args
    assert target == f"pipelines.{name.removeprefix('kd-')}"
    assert importlib.util.find_spec(target)


@pytest.mark.parametrize("name", ["gate", "report"])
def test_a_script_answers_as_its_main_does(name):
    module, _, attribute = SCRIPTS[f"kd-{name}"].partition(":")
    # What the installed script holds.
    script = f"import sys; from {module} import {attribute}; sys.exit({attribute}())"
    answers = [
        subprocess.run(
            [sys.executable, *call, "--help"], cwd=ROOT, capture_output=True, text=True
        )
        for call in (("-c", script), ("-m", f"pipelines.{name}"))
    ]
    assert answers[0].stdout == answers[1].stdout
    assert "--workdir" in answers[0].stdout
    assert [a.returncode for a in answers] == [1, 1]  # absl's answer to --help.
