"""Clusters make the tables of one process, byte for byte, through kills and pauses."""

import json
import os
import pathlib
import re
import subprocess
import sys

import ml_collections
import pytest

from pipelines.studies import engine

SCRIPT = pathlib.Path(__file__).with_name("clusters.py")
RUNS = {"teacher", "student nds", "student T=1", "student T=4"}


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    directory = tmp_path_factory.mktemp("clusters")
    subprocess.run(
        [sys.executable, SCRIPT, directory],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return directory, json.loads((directory / "clusters.json").read_text())


def _tables(workdir):
    return {path.name: path.read_bytes() for path in (workdir / "tables").glob("*.csv")}


def _trained(directory, name):
    logs = (path.read_text() for path in directory.glob(f"{name}.*.log"))
    return re.findall(r"^\[\d/4\] (.*) seed 0: val_acc", "".join(logs), re.M)


def _error(log):
    (line,) = [x for x in log.read_text().splitlines() if x.startswith("error:")]
    return line


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", "remote", "paused"])
def test_two_workers_make_the_tables_of_one_process(clusters, name):
    directory, report = clusters
    assert report["one"] == 0
    assert "summary.csv" in _tables(directory / "one")
    assert _tables(directory / name) == _tables(directory / "one")
    assert set(_trained(directory, name)) == RUNS
    assert not [p for p in (directory / name).rglob("*") if "partial" in p.name]


@pytest.mark.slow
def test_sigterm_ends_a_study_with_its_workers(clusters):
    directory, report = clusters
    code, seconds = report["local"]["terminated"]
    assert code == 143
    assert seconds < 10
    log = (directory / "local.0.log").read_text()
    assert "interrupted; the same command continues from here" in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_a_killed_worker_process_is_replaced(clusters):
    directory, report = clusters
    assert report["local"]["code"] == 0
    log = (directory / "local.1.log").read_text()
    assert "Restarting worker" in log
    assert re.search(
        r"^2 workers; dashboard http://127\.0\.0\.1:\d+/status$", log, re.M
    )


@pytest.mark.slow
def test_a_second_coordinator_is_refused(clusters):
    directory, report = clusters
    code, first = report["local"]["refused"]
    assert code == 1
    pattern = rf"workdir=\S+ is being made by process {first} on \S+ since 20\d\d-"
    assert re.search(pattern, _error(directory / "local.2.log"))


@pytest.mark.slow
def test_a_study_goes_on_after_a_killed_scheduler_and_a_killed_worker(clusters):
    directory, report = clusters
    assert report["remote"] == [1, 0]
    assert "connection to the scheduler is lost" in _error(directory / "remote.0.log")
    assert "Traceback" not in (directory / "remote.0.log").read_text()


@pytest.mark.slow
def test_a_worker_that_wakes_up_leaves_the_finished_run(clusters):
    found = clusters[1]["paused"]
    assert found["codes"] == [0, 0]
    assert found["files"] > 5
    assert found["same"]


def test_flags_that_do_not_go_together_are_refused():
    config = ml_collections.ConfigDict({"strategy": "one_device"})
    with pytest.raises(ValueError, match=r"--workers must be 0 or more.*: -1"):
        engine.check(config, -1, "")
    with pytest.raises(
        ValueError, match=r"give one.*--workers=2 --scheduler=tcp://h:1"
    ):
        engine.check(config, 2, "tcp://h:1")
    config.strategy = "multi_worker_mirrored"
    with pytest.raises(ValueError, match="has workers of its own"):
        engine.check(config, 2, "")


def test_a_scheduler_that_is_not_there_is_named():
    with (
        engine.dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(
            OSError, match=r"--scheduler=tcp://127.0.0.1:1 cannot be reached"
        ),
        engine.connected(0, "tcp://127.0.0.1:1"),
    ):
        pass
