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
