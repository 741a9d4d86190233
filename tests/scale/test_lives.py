"""Signals and a full disk give the tables of an undisturbed study."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
SCRIPT = pathlib.Path(__file__).with_name("lives.py")
KILLS = 3


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lives")
    subprocess.run(
        [sys.executable, SCRIPT, directory, str(KILLS)],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return directory, json.loads((directory / "lives.json").read_text())


def _tables(workdir, name="tables"):
    paths = sorted((workdir / name).glob("*.csv"))
    return {path.name: path.read_bytes() for path in paths}


def test_an_undisturbed_study_has_tables(lives):
    directory, report = lives
    assert report["one"] == 0
    assert "summary.csv" in _tables(directory / "one")


def test_sigterm_ends_a_run_soon_and_says_how_to_go_on(lives):
    directory, report = lives
    code, seconds = report["terminated"]
    assert code == 143
    assert seconds < 10
    assert report["slowest"] < 10
    (log,) = directory.glob("killed0.1.log")
    assert "interrupted; the same command continues from here" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_full_and_a_read_only_disk_are_named_and_gone_on_with(lives):
    directory, report = lives
    if report["full"] is None:
        pytest.skip("a small disk cannot be mounted here")
    assert report["full"] == [1, 0, 1]
    logs = sorted(directory.glob("full.*.log"), key=os.path.getmtime)
    full, _, read_only = (
        [line for line in log.read_text().splitlines() if line.startswith("error:")]
        for log in logs
    )
    assert len(full) == len(read_only) == 1
    assert "No space left on device" in full[0]
    assert "full cannot be written to" in read_only[0]
    assert _tables(directory, "full-tables") == _tables(directory / "one")


def test_signals_at_random_moments_change_no_table(lives):
    directory, report = lives
    expected = _tables(directory / "one")
    assert report["killed"] == [0] * len(report["killed"])
    for number in range(len(report["killed"])):
        assert _tables(directory / f"killed{number}") == expected


def test_no_kill_leaves_a_half_complete_directory(lives):
    assert lives[1]["half"] == []
