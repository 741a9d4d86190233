"""One attempt at a time has a directory, and the first that is finished stays."""

import os

import pytest

from kd_keras import files
from pipelines.studies import attempts


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "teacher" / "seed1")


def _names(path):
    return sorted(os.listdir(os.path.dirname(path)))


def _write(partial, *names, content=""):
    for name in names:
        files.write_text(files.join(partial, name), content)


def test_an_attempt_becomes_the_directory(path):
    partial = attempts.begin(path)
    attempts.check(partial)
    _write(partial, "model.keras", "run.json")
    attempts.publish(partial, path, last="run.json")
    assert _names(path) == ["seed1"]
    assert sorted(os.listdir(path)) == ["model.keras", "run.json"]


@pytest.mark.parametrize("marked", [True, False])
def test_the_next_attempt_goes_on_with_what_the_last_left(path, marked):
    first = attempts.begin(path)
    _write(first, "backup/3.weights.h5")
    if not marked:  # Killed between two steps of the beginning or the end.
        os.remove(files.join(first, attempts.MARK))
    second = attempts.begin(path)
    assert second != first
    assert files.exists(files.join(second, "backup/3.weights.h5"))
    assert _names(path) == [os.path.basename(second)]


def test_only_attempts_at_the_same_directory_are_taken_over(path):
    other = attempts.begin(f"{path}0")
    _write(f"{path}-old.partial", "run.json")
    _write(f"{path}.partial", "from-an-earlier-version")
    partial = attempts.begin(path)
    assert files.exists(files.join(partial, "from-an-earlier-version"))
    attempts.check(other)
    assert files.exists(f"{path}-old.partial/run.json")


def test_who_wakes_up_stops_and_destroys_nothing(path):
    asleep = attempts.begin(path)
    _write(asleep, "history.csv", content="asleep")
    awake = attempts.begin(path)
    with pytest.raises(attempts.TakenOverError, match="Another process has taken over"):
        attempts.check(asleep)
    # It was between its check and its next file.
    _write(asleep, "history.csv", "model.keras", "run.json", content="asleep")
    with pytest.raises(attempts.TakenOverError):
        attempts.publish(asleep, path, last="run.json")
    attempts.check(awake)
    _write(awake, "model.keras", "run.json", content="awake")
    attempts.publish(awake, path, last="run.json")
    with pytest.raises(attempts.TakenOverError):
        attempts.publish(asleep, path, last="run.json")
    assert files.read_text(f"{path}/run.json") == "awake"
    attempts.sweep(path)
    assert _names(path) == ["seed1"]


def test_of_two_that_began_at_once_the_first_stays(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "left", lambda path: [])
        first, second = attempts.begin(path), attempts.begin(path)
    for partial in (first, second):
        attempts.check(partial)
        _write(partial, "run.json", content=partial)
        attempts.publish(partial, path, last="run.json")
    assert files.read_text(f"{path}/run.json") == first
    assert _names(path) == ["seed1"]


def test_of_two_that_take_over_at_once_one_gets_it(path, monkeypatch):
    left = attempts.begin(path)
    _write(left, "history.csv")
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "left", lambda path: [left])
        partials = [attempts.begin(path), attempts.begin(path)]
    has = [files.exists(files.join(partial, "history.csv")) for partial in partials]
    assert has == [True, False]


def test_a_remote_directory_is_continued_and_published():
    path = "ram://attempts/teacher/seed0"
    _write(attempts.begin(path), "history.csv", content="left")
    partial = attempts.begin(path)
    assert files.read_text(files.join(partial, "history.csv")) == "left"
    attempts.check(partial)
    _write(partial, "run.json")
    attempts.publish(partial, path, last="run.json")
    assert sorted(files.gfile.listdir(path)) == ["history.csv", "run.json"]


def test_what_a_killed_process_was_writing_is_not_taken_over(tmp_path):
    path = str(tmp_path / "seed0")
    first = attempts.begin(path)
    for name in ("history.csv", "model.keras.0123abcd.partial.keras"):
        files.write_text(f"{first}/{name}", "")
    files.write_text(f"{first}/predictions/test.npz.0123abcd.partial", "")
    second = attempts.begin(path)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [
        attempts.MARK,
        "history.csv",
    ]
    assert second != first
