"""The command that comes after a conversion, and after a verdict."""

import json
import shlex

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
    said = next_steps.after_litert(workdir, RUN)
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
    said = next_steps.after_litert(f"{tmp_path}/w", RUN)
    assert f"--policy={tmp_path}/p.py " in said


@pytest.mark.parametrize(
    ("run", "blessed", "broken", "said"),
    [
        ("a/mended", True, [], "-m pipelines.litert --workdir=w --run=a/mended"),
        ("a", False, ["eod"],
         "-m pipelines.mitigate --workdir=w --policy=p.py --run=a"),
        ("a", False, [], "nothing seems broken"),
        # Nobody mends what is mended.
        ("a/mended", False, ["eod"], "it is mended already; what is left: more"),
    ],
)  # fmt: skip
def test_what_comes_after_a_verdict(run, blessed, broken, said):
    verdict = {"run": run, "blessed": blessed, "broken": broken}
    assert said in next_steps.after_gate("w", "p.py", verdict)


def test_a_refused_mended_student_may_have_a_blessed_base(tmp_path):
    folder = tmp_path / "a" / "blessing"
    folder.mkdir(parents=True)
    verdict = {"blessed": True, "policy_file": "p.py"}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    refused = {"run": "a/mended", "blessed": False, "broken": ["eod"]}
    said = next_steps.after_gate(str(tmp_path), "p.py", refused)
    assert said.startswith("a was blessed as it was trained; by this policy? ")
    assert "-m pipelines.gate " in said
    assert said.endswith(f" --workdir={tmp_path} --policy=p.py --run=a")


def _mitigated(blessed, *runs, **more):
    tried = [{"run": run} for run in runs]
    found = {"blessed": blessed, "base": runs[0], "run": runs[-1], "tried": tried}
    return next_steps.after_mitigate("w", "p.py", found | more)


def test_what_comes_after_mending():
    assert _mitigated(True, "a", "a/mended").endswith(
        "-m pipelines.gate --workdir=w --policy=p.py --run=a/mended --push=w/serving"
    )
    base = "student-t04/seed0"
    said = _mitigated(False, base, base, after=None)
    assert said.startswith("no method that trains was tried; ")
    assert said.endswith(
        "-m pipelines.mitigate --workdir=w --policy=p.py "
        f"--run={base} "
        """"--policy.mitigation.methods=('thresholds', 'balanced')\""""
    )
    # What was trained, has no teacher, or was refused by the gate alone is left.
    assert _mitigated(False, base, "student-t04-balanced/seed0") == ""
    for other in ("student-nds/seed0", "student-t04-balanced/seed0"):
        assert _mitigated(False, other, other, after=None) == ""
    assert _mitigated(False, base, base, after={"run": f"{base}/mended"}) == ""


def test_who_levels_down_is_asked_first():
    found = {"blessed": True, "base": "a", "run": "a/mended", "tried": []}
    found["sentences"] = ["All: x.", "Levelled down: the rate of every group falls."]
    said = next_steps.after_mitigate("w", "p.py", found)
    assert said.startswith("every group is served worse than before; if you mean it: ")


@pytest.mark.parametrize(
    ("word", "as_typed"),
    [
        ("a", "--flag=a"),
        ("a b", "'--flag=a b'"),
        ("('a', 'b')", "\"--flag=('a', 'b')\""),
        ("it's $HOME", "'--flag=it'\"'\"'s $HOME'"),
    ],
)
def test_words_as_a_shell_takes_them(word, as_typed):
    said = next_steps.command("m", flag=word)
    assert said.endswith(f" {as_typed}")
    assert shlex.split(said)[-1] == f"--flag={word}"


def test_a_converted_run_whose_mended_one_is_blessed(tmp_path):
    folder = tmp_path / "a" / "mended" / "blessing"
    folder.mkdir(parents=True)
    verdict = {"blessed": True, "policy_file": "p.py"}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    said = next_steps.after_litert(str(tmp_path), "a")
    assert said.startswith("the gate has blessed the mended one: ")
    assert said.endswith(f"-m pipelines.litert --workdir={tmp_path} --run=a/mended")
