"""Nothing appears half-written."""

import errno
import os

import pytest

from kd_keras import files


def test_a_file_is_replaced_whole(tmp_path):
    path = str(tmp_path / "new" / "a.json")
    files.write_json(path, {"b": 1, "a": [2]})
    files.write_json(path, {"a": [3]})
    assert files.read_json(path) == {"a": [3]}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.json"]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = str(tmp_path / "a.txt")
    files.write_text(path, "old")

    def fail():
        with files.replacing(path) as temporary:
            (tmp_path / temporary).write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert files.read_text(path) == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_directory_is_replaced(tmp_path):
    for name in ("run", "run.partial"):
        files.write_text(str(tmp_path / name / name), "")
    files.replace_directory(
        str(tmp_path / "run.partial"), str(tmp_path / "run"), last="run.partial"
    )
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == [
        "run",
        "run/run.partial",
    ]


@pytest.mark.parametrize("root", ["local", "ram://publish"])
def test_a_finished_directory_is_published_once(root, tmp_path):
    root = root if "://" in root else str(tmp_path / root)
    for name in ("a.partial", "b.partial"):
        for file in ("model.keras", "run.json"):
            files.write_text(f"{root}/{name}/{file}", name)
        files.publish_directory(f"{root}/{name}", f"{root}/a", last="run.json")
    assert files.read_text(f"{root}/a/model.keras") == "a.partial"
    assert not files.exists(f"{root}/b.partial")
    assert [name.strip("/") for name in files.gfile.listdir(root)] == ["a"]


def test_an_unfinished_directory_is_replaced(tmp_path):
    files.write_text(str(tmp_path / "a" / "history.csv"), "")
    files.write_text(str(tmp_path / "b" / "run.json"), "")
    files.publish_directory(str(tmp_path / "b"), str(tmp_path / "a"), last="run.json")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == [
        "a",
        "a/run.json",
    ]


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


def test_a_file_is_created_once_also_without_hard_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    for name in ("linked", "unlinked"):
        path = str(tmp_path / name)
        assert files.create(path, b"one")
        assert not files.create(path, b"two")
        # Another process that does not see it yet.
        with monkeypatch.context() as patch:
            patch.setattr(files, "exists", lambda path: False)
            assert not files.create(path, b"two")
        assert files.read_bytes(path) == b"one"
        monkeypatch.setattr(os, "link", refuse)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["linked", "unlinked"]
