"""A live claim is refused, a dead one is taken over, and its loser notices."""

import json
import os
import subprocess
import sys
import time

import pytest

from kd_keras import files
from pipelines.studies.claims import ClaimLostError, Claims

ELSEWHERE = {"host": "other", "kernel": "other", "pid": 1, "started": "1", "beats": 0}


def _write(directory, name, record):
    files.write_bytes(str(directory / "claims" / name), json.dumps(record).encode())


@pytest.fixture
def claims(tmp_path):
    return Claims(str(tmp_path), timeout=0.3)


def test_a_live_claim_is_refused_however_long_it_lasts(claims, tmp_path):
    others = Claims(str(tmp_path), timeout=0.3)
    with claims.take("teacher/seed0"):
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            assert others.take("teacher/seed0") is None
            claims.check()
            time.sleep(0.05)
    with others.take("teacher/seed0") as claim:
        assert claim.name == "teacher/seed0"


def test_other_names_are_other_claims(claims, tmp_path):
    with claims.take("student-t01/seed0"):
        for name in ("student-t01/seed1", "student-t01.5/seed0", "student-t01"):
            with Claims(str(tmp_path)).take(name) as claim:
                assert claim is not None


def test_a_claim_of_another_machine_dies_when_it_does_not_change(claims, tmp_path):
    _write(tmp_path, "report.4", ELSEWHERE)
    assert claims.take("report") is None
    time.sleep(0.2)
    _write(tmp_path, "report.4", ELSEWHERE | {"beats": 1})
    assert claims.take("report") is None
    time.sleep(0.2)
    assert claims.take("report") is None
    time.sleep(0.2)
    with claims.take("report"):
        assert files.exists(str(tmp_path / "claims" / "report.5"))


def test_a_killed_process_of_this_machine_is_known_to_be_gone(tmp_path):
    program = (
        "import os, sys; from pipelines.studies.claims import Claims;"
        "Claims(sys.argv[1]).take('report'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    began = time.monotonic()
    with Claims(str(tmp_path)).wait("report"):
        assert time.monotonic() - began < 1.0
    assert sorted(os.listdir(tmp_path / "claims")) == ["report.0", "report.1"]


def test_a_claim_that_was_killed_before_its_first_byte_dies_too(claims, tmp_path):
    files.write_bytes(str(tmp_path / "claims" / "report.0"), b"")
    assert claims.take("report") is None
    with claims.wait("report"):
        assert files.exists(str(tmp_path / "claims" / "report.1"))


def test_who_was_taken_for_dead_stops(claims, tmp_path):
    with claims.take("teacher/seed0"):
        claims.check()
        _write(tmp_path, "teacher-seed0.1", ELSEWHERE)
        with pytest.raises(ClaimLostError, match=r"lost teacher/seed0.*Another"):
            claims.check()
    # The other's claim is untouched.
    assert claims.take("teacher/seed0") is None


def test_of_many_processes_one_gets_the_claim(tmp_path):
    program = (
        "import sys, time; from pipelines.studies.claims import Claims;"
        "claims = Claims(sys.argv[1]); print('ready', flush=True);"
        "input(); print(claims.take('report') is not None, flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for said in (("ready\n",) * 3, ("True\n", "False\n", "False\n")):
        found = [process.stdout.readline() for process in processes]
        assert sorted(found) == sorted(said)
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
    for process in processes:
        process.communicate()


def test_the_timeout_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match=r"--claim_timeout must be .* Received: 0"):
        Claims(str(tmp_path), timeout=0)


def test_a_file_is_created_once(tmp_path):
    path = str(tmp_path / "new" / "file")
    assert files.create(path, b"first")
    assert not files.create(path, b"second")
    assert files.read_bytes(path) == b"first"


def test_where_creating_is_not_exclusive_the_last_writer_has_it(monkeypatch):
    path = "ram://create/file"

    def another(seconds):
        files.write_bytes(path, b"another")

    monkeypatch.setattr(files.time, "sleep", another)
    assert not files.create(path, b"mine")
    files.gfile.remove(path)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    assert files.create(path, b"mine")
    assert not files.create(path, b"other")
