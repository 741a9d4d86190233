"""Nothing appears half-written."""

import concurrent.futures
import errno
import os
import threading

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


def test_of_several_that_create_a_file_at_a_time_one_does(tmp_path):
    # Threads race as processes do: what decides is the file system's call.
    racers = 8
    for turn in range(40):
        path = str(tmp_path / "new" / f"{turn}")
        start = threading.Barrier(racers)

        def race(content, path=path, start=start):
            start.wait()
            return files.create(path, content)

        contents = [b"%d" % i * 10_000 for i in range(racers)]
        with concurrent.futures.ThreadPoolExecutor(racers) as pool:
            won = list(pool.map(race, contents))
        assert won.count(True) == 1
        assert files.read_bytes(path) == contents[won.index(True)]
    assert len(list((tmp_path / "new").iterdir())) == 40


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_is_not_created_over_one_that_was_not_seen(tmp_path, monkeypatch, links):
    def refuse(source, target):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    path = tmp_path / "file"
    path.write_bytes(b"another's")
    monkeypatch.setattr(files, "exists", lambda path: False)
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    assert files.create(str(path), b"mine") is False
    assert path.read_bytes() == b"another's"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_error_of_the_disk_is_not_taken_for_one_of_links(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(OSError, match="Input/output error"):
        files.create(str(tmp_path / "file"), b"one")
    assert list(tmp_path.iterdir()) == []


def test_the_read_that_settles_waits_for_another_s_write(monkeypatch):
    waits = []
    monkeypatch.setattr(files.time, "sleep", waits.append)
    assert files.create("ram://settle/file", b"mine")
    # As docs say: what another writes within 2 s of its look is seen.
    assert waits == [2.0]


def test_paths_without_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.write_text("a.txt", "ä")
    assert (tmp_path / "a.txt").read_bytes() == "ä".encode()
    assert files.create("b.txt", b"b")
    assert (tmp_path / "b.txt").read_bytes() == b"b"


def test_json_is_the_same_for_the_same_content(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(str(path), {"b": 1, "a": [2]})
    assert path.read_text() == '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n'


def test_a_directory_with_wildcards_in_its_name_is_globbed(tmp_path):
    for directory in ("run[1]", "run1", "a*\\b?"):
        files.write_text(str(tmp_path / directory / "x.json"), "")
    for directory in ("run[1]", "a*\\b?"):
        found = files.glob(str(tmp_path / directory), "*.json")
        assert found == [str(tmp_path / directory / "x.json")]


@pytest.mark.parametrize("root", ["local", "ram://locally"])
def test_libraries_that_know_local_files_alone(root, tmp_path):
    path = f"{root if '://' in root else tmp_path / root}/sub/w.h5"
    with files.written_locally(path, ".weights.h5") as local:
        assert "://" not in local
        assert local.endswith(".weights.h5")
        with open(local, "wb") as file:
            file.write(b"weights")
        assert not files.exists(path)
    assert files.read_bytes(path) == b"weights"
    assert files.gfile.listdir(os.path.dirname(path)) == ["w.h5"]
    assert not os.path.exists(local)
    with files.read_locally(path, ".weights.h5") as local:
        assert "://" not in local
        with open(local, "rb") as file:
            assert file.read() == b"weights"
    # The file itself, where it is local.
    assert (local == path) == ("://" not in path)
    assert local.endswith(".weights.h5") or local == path
    assert files.read_bytes(path) == b"weights"


def test_what_makes_a_directory_whole_is_copied_last(monkeypatch):
    # Names before and behind it in the alphabet, and in a directory of their own.
    names = ["a.json", "run.json", "sub/run.json", "z.json"]
    copied, copy = [], files.gfile.copy

    def watch(source, target):
        copied.append(target.removeprefix("ram://whole/run/"))
        copy(source, target)

    for name in names:
        files.write_text(f"ram://whole/run.partial/{name}", name)
    files.write_text("ram://whole/run/old.json", "old")
    monkeypatch.setattr(files.gfile, "copy", watch)
    files.replace_directory(
        "ram://whole/run.partial", "ram://whole/run", last="run.json"
    )
    assert sorted(copied) == sorted(names)
    assert copied[-1] == "run.json"
    assert {n: files.read_text(f"ram://whole/run/{n}") for n in names} == {
        name: name for name in names
    }
    assert not files.exists("ram://whole/run/old.json")
    assert not files.exists("ram://whole/run.partial")


def test_a_directory_replaces_the_one_that_is_there(tmp_path):
    files.write_text(str(tmp_path / "run" / "old"), "")
    files.write_text(str(tmp_path / "new" / "sub" / "run.json"), "")
    files.replace_directory(
        str(tmp_path / "new"), str(tmp_path / "run"), last="run.json"
    )
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    assert found == ["run", "run/sub", "run/sub/run.json"]


def test_what_a_killed_copy_left_is_replaced():
    files.write_text("ram://killed/run/half.keras", "half")
    files.write_text("ram://killed/b/run.json", "b")
    files.publish_directory("ram://killed/b", "ram://killed/run", last="run.json")
    assert [n.strip("/") for n in files.gfile.listdir("ram://killed")] == ["run"]
    assert files.gfile.listdir("ram://killed/run") == ["run.json"]


def test_a_directory_that_is_finished_meanwhile_is_kept(tmp_path, monkeypatch):
    path, rename = tmp_path / "run", files.gfile.rename
    files.write_text(str(path / "model.keras"), "first")
    files.write_text(str(tmp_path / "mine" / "run.json"), "mine")

    def finish(source, target, overwrite=False):
        # Another process writes the last file before this one moves the directory.
        if source == str(path):
            (path / "run.json").write_text("first")
        rename(source, target, overwrite)

    monkeypatch.setattr(files.gfile, "rename", finish)
    files.publish_directory(str(tmp_path / "mine"), str(path), last="run.json")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert {p.name: p.read_text() for p in path.iterdir()} == {
        "model.keras": "first",
        "run.json": "first",
    }


def test_what_stands_in_the_way_and_is_not_finished_is_an_error(tmp_path, monkeypatch):
    # Another process begins at the place between the look and the rename.
    files.write_text(str(tmp_path / "run" / "model.keras"), "another's")
    files.write_text(str(tmp_path / "mine" / "run.json"), "mine")
    monkeypatch.setattr(files, "_remove_unfinished", lambda *arguments: None)
    with pytest.raises(files.ERRORS):
        files.publish_directory(
            str(tmp_path / "mine"), str(tmp_path / "run"), last="run.json"
        )
    assert (tmp_path / "mine" / "run.json").exists()
    assert (tmp_path / "run" / "model.keras").read_text() == "another's"


def test_a_missing_tree_is_removed_already(tmp_path):
    files.remove_tree(str(tmp_path / "none"))
    files.write_text(str(tmp_path / "a" / "b" / "c"), "")
    files.remove_tree(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []
