"""Digests of files are those of FIPS 180, also of a file that was just changed."""

import os

from kd_keras import digests, files

# FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_published_digest(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "x").write_bytes(b"abc")
    assert digests.of_file(str(tmp_path / "below" / "x")) == ABC
    assert digests.of_directory(str(tmp_path)) == {"below/x": ABC}
    files.write_bytes("ram://digests/below/x", b"abc")
    assert digests.of_directory("ram://digests") == {"below/x": ABC}


def test_a_file_that_changes_within_a_tick_is_read_again(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abd")
    modified = path.stat().st_mtime_ns
    assert digests.of_file(str(path)) != ABC
    path.write_bytes(b"abc")
    os.utime(path, ns=(modified, modified))  # As a coarse clock has it.
    assert digests.of_file(str(path)) == ABC


def test_a_settled_file_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    os.utime(path, ns=(0, 10**18))
    assert digests.of_file(str(path)) == ABC

    def forbidden(path, mode):
        raise AssertionError("It is read again.")

    monkeypatch.setattr(files.gfile, "GFile", forbidden)
    assert digests.of_file(str(path)) == ABC
