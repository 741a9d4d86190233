"""The command that comes after a conversion, and after a verdict."""

import json

import pytest

from pipelines.cli import next_steps

RUN = "student-t04/seed0/mended"


@pytest.mark.parametrize(
    ("verdict", "ends"),
    [
        ({"blessed": True, "policy_file": "own/p.py"},
         ["--policy=own/p.py", f"--run={RUN}", "--push=W/serving"]),
        ({"blessed": False, "policy_file": "own/p.py"},
         ["--policy=own/p.py", f"--run={RUN}"]),
        # It lies in a folder that the verdict does not name.
        ({"blessed": True, "policy_file": "p.py"},
         ["--policy=POLICY", f"--run={RUN}", "--push=W/serving"]),
        ({"blessed": True}, ["--policy=POLICY", f"--run={RUN}"]),
        ({"blessed": True, "policy_file": "\x1b[31m"},
         ["--policy=POLICY", f"--run={RUN}", "--push=W/serving"]),
        (None, ["--policy=POLICY", f"--run={RUN}"]),
    ],
)  # fmt: skip
def test_a_run_is_pushed_where_the_gate_has_blessed_it(
    tmp_path, monkeypatch, verdict, ends
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "p.py").touch()
    workdir = str(tmp_path)
    folder = tmp_path / RUN / "blessing"
    folder.mkdir(parents=True)
    if verdict:
        (folder / "verdict.json").write_text(json.dumps(verdict))
    said = next_steps.after_litert(workdir, f"{workdir}/{RUN}/litert")
    words = [word.replace(workdir, "W") for word in said.split()]
    assert words[1:] == ["-m", "pipelines.gate", "--workdir=W", *ends]


def test_a_policy_beside_the_table_is_found(tmp_path):
    (tmp_path / "p.py").touch()
    folder = tmp_path / "w" / RUN / "blessing"
    folder.mkdir(parents=True)
    verdict = {"blessed": True, "policy_file": "p.py"}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    config = {"config": {"dataset": {"path": f"{tmp_path}/people.csv"}}}
    (tmp_path / "w" / "config.json").write_text(json.dumps(config))
    said = next_steps.after_litert(f"{tmp_path}/w", f"{tmp_path}/w/{RUN}/litert")
    assert f"--policy={tmp_path}/p.py " in said


@pytest.mark.parametrize(
    ("blessed", "broken", "said"),
    [
        (True, [], "-m pipelines.litert --workdir=w --run=a/mended"),
        (False, ["eod"], "-m pipelines.mitigate --workdir=w --policy=p.py --run=a"),
        (False, [], "nothing seems broken"),
    ],
)
def test_what_only_lacks_examples_is_not_mended(blessed, broken, said):
    verdict = {"run": "a/mended", "blessed": blessed, "broken": broken}
    assert said in next_steps.after_gate("w", "p.py", verdict)
