"""The directory of a verdict: one word, and nothing of an earlier one."""

import os

import pytest

from pipelines.release import blessing
from pipelines.studies import sealed


@pytest.mark.parametrize(
    ("blessed", "word"), [(True, "BLESSED"), (False, "NOT_BLESSED")]
)
def test_a_verdict_is_one_empty_file_and_its_reasons(tmp_path, blessed, word):
    verdict = {"blessed": blessed, "conditions": [1, 2]}
    blessing.write(verdict, str(tmp_path))
    found = tmp_path / "blessing"
    assert sorted(os.listdir(found)) == sorted([word, "verdict.json"])
    assert (found / word).read_bytes() == b""
    assert sealed.read(str(found / "verdict.json"), "") == verdict
    assert os.listdir(tmp_path) == ["blessing"]


def test_files_for_other_tools_lie_beside_it(tmp_path):
    beside = {"junit.xml": b"<testsuites/>\n", "verdict.sarif": b"{}\n"}
    blessing.write({"blessed": True}, str(tmp_path), beside)
    found = {path.name: path.read_bytes() for path in (tmp_path / "blessing").iterdir()}
    del found["verdict.json"]
    assert found == {"BLESSED": b"", **beside}


def test_a_new_verdict_takes_the_place_of_the_last_one(tmp_path):
    blessing.write({"blessed": True}, str(tmp_path))
    blessing.write({"blessed": False}, str(tmp_path))
    assert sorted(os.listdir(tmp_path / "blessing")) == ["NOT_BLESSED", "verdict.json"]


def test_what_a_killed_gate_left_is_not_taken_over(tmp_path):
    partial = tmp_path / "blessing.partial"
    partial.mkdir()
    (partial / "BLESSED").touch()
    blessing.write({"blessed": False}, str(tmp_path))
    assert sorted(os.listdir(tmp_path / "blessing")) == ["NOT_BLESSED", "verdict.json"]


def test_a_verdict_is_withdrawn(tmp_path):
    (tmp_path / "other").touch()
    blessing.withdraw(str(tmp_path))
    blessing.write({"blessed": True}, str(tmp_path))
    blessing.withdraw(str(tmp_path))
    assert os.listdir(tmp_path) == ["other"]
