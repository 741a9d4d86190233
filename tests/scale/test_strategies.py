"""Two devices and two processes train what one device trains."""

import csv
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import strategy

SCRIPT = pathlib.Path(__file__).with_name("strategies.py")
RUNS = ("teacher", "student-nds", "student-t04")
# Sums over two replicas round otherwise than sums over one: about 1e-7 a step in
# float32, in 33 steps of the teacher and as many of its student.
TOLERANCE = 1e-5


def start(name, workdir, log, **environment):
    with open(log, "w") as file:
        return subprocess.Popen(
            [sys.executable, SCRIPT, name, workdir, workdir.parent / "data", "3"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                **environment,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )


def start_workers(workdir, life):
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    workers = [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    processes = []
    for index in range(2):
        cluster = {"cluster": {"worker": workers}}
        cluster["task"] = {"type": "worker", "index": index}
        log = workdir.parent / f"worker{index}.{life}.log"
        processes.append(
            start("multi_worker_mirrored", workdir, log, TF_CONFIG=json.dumps(cluster))
        )
    return processes


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("strategies")


@pytest.fixture(scope="module")
def one_device(root):
    log = root / "one.log"
    assert start("one_device", root / "one", log).wait() == 0, log.read_text()
    return results(root / "one")


def results(workdir):
    """Logits of the test split and every column of the history, by run."""
    found = {}
    for run in RUNS:
        directory = workdir / run / "seed0"
        with np.load(directory / "predictions" / "test.npz") as predictions:
            found[run] = {"logits": predictions["logits"]}
        with open(directory / "history.csv") as file:
            rows = list(csv.DictReader(file))
        found[run] |= {name: [float(row[name]) for row in rows] for name in rows[0]}
    return found


def assert_equal(found, expected, tolerance=TOLERANCE, missing=("no such column",)):
    for run in RUNS:
        names = [name for name in expected[run] if not name.startswith(missing)]
        assert list(found[run]) == names
        for name in names:
            np.testing.assert_allclose(
                found[run][name], expected[run][name], rtol=tolerance, atol=tolerance
            )


@pytest.mark.slow
def test_two_devices_train_the_study_of_one(root, one_device):
    log = root / "mirrored.log"
    assert start("mirrored", root / "mirrored", log).wait() == 0, log.read_text()
    assert_equal(results(root / "mirrored"), one_device)


@pytest.mark.slow
def test_a_remote_workdir_gets_what_a_local_one_gets(root, one_device):
    log = root / "remote.log"
    assert start("remote", root / "remote", log).wait() == 0, log.read_text()
    assert_equal(results(root / "remote"), one_device, tolerance=0)
    for run in RUNS:
        directory = root / "remote" / run / "seed0"
        tf.saved_model.load(str(directory / "export" / "1"))
    assert (root / "remote" / "report.html").read_text().endswith("</html>\n")
    assert (root / "remote" / "tables" / "summary.csv").exists()
    names = [path.name for path in (root / "remote").rglob("*")]
    assert not [name for name in names if "partial" in name]


@pytest.fixture(scope="module")
def workers(root, one_device):
    """A study of two workers, of which the second is killed and started again."""
    del one_device  # It prepares the data.
    chief, worker = start_workers(root / "workers", 0)
    while not list((root / "workers").glob("teacher/*.partial/history.csv")):
        assert chief.poll() is None
        time.sleep(0.01)
    worker.kill()
    began = time.monotonic()
    codes = [chief.wait()]
    seconds = time.monotonic() - began
    codes += [process.wait() for process in start_workers(root / "workers", 1)]
    return codes, seconds


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_with_a_clear_error(root, workers):
    codes, seconds = workers
    assert codes[0] == 1
    assert seconds < 60  # TensorFlow waits ten for a heartbeat.
    errors = [
        line
        for line in (root / "worker0.0.log").read_text().splitlines()
        if line.startswith("error:")
    ]
    assert len(errors) == 1
    assert "Another worker has ended" in errors[0]
    assert "start all workers again" in errors[0]


@pytest.mark.slow
def test_restarted_workers_train_what_one_device_trains(root, workers, one_device):
    assert workers[0][1:] == [0, 0], (root / "worker0.1.log").read_text()
    # Several workers measure no fairness while they train.
    fairness = ("val_dpd", "val_eod", "val_worst")
    assert_equal(results(root / "workers"), one_device, missing=fairness)


@pytest.mark.slow
def test_several_workers_read_the_cache_that_the_chief_made_before(
    root, workers, one_device
):
    del workers, one_device
    for split in ("validation", "train"):
        found, expected = (
            root / name / "teacher/seed0/cache" / split / "cache.json"
            for name in ("workers", "one")
        )
        first_epoch = root / "workers/student-t04/seed0/history.csv"
        assert found.stat().st_mtime < first_epoch.stat().st_mtime
        found, expected = (
            json.loads(found.read_text()),
            json.loads(expected.read_text()),
        )
        assert found["crc32"].keys() == expected["crc32"].keys()
        # The teacher's weights differ in the last bits.
        del found["identity"]["teacher"], expected["identity"]["teacher"]
        assert found["identity"] == expected["identity"]


@pytest.mark.slow
def test_the_chief_alone_says_and_writes(root, workers):
    del workers
    chief, other = (root / f"worker{i}.1.log" for i in range(2))
    assert "[3/3] student T=4 seed 0" in chief.read_text()
    assert "val_accuracy" not in other.read_text()
    names = [path.name for path in (root / "workers").rglob("*")]
    assert not [name for name in names if "partial" in name]
    # Two curves of each run, and of the teacher those of the life that was killed.
    assert sum("tfevents" in name for name in names) <= 2 * len(RUNS) + 2


def test_a_tpu_takes_one_call_of_the_resolver(monkeypatch):
    made = []
    resolver = object()
    cluster = tf.distribute.cluster_resolver.TPUClusterResolver
    monkeypatch.setattr(cluster, "connect", lambda: resolver)
    monkeypatch.setattr(tf.distribute, "TPUStrategy", made.append)
    strategy.make("tpu")
    assert made == [resolver]


def test_unknown_names_and_a_missing_cluster_are_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"--strategy must be one of .*'mirror'"):
        strategy.make("mirror")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match=r"needs TF_CONFIG in the environment"):
        strategy.make("multi_worker_mirrored")


def test_one_device_is_its_own_chief():
    one = strategy.make("one_device")
    assert strategy.is_one_device(one)
    assert strategy.is_chief(one)
    assert strategy.from_chief(one, 7) == 7
