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
        ({"blessed": True}, ["--policy=POLICY", f"--run={RUN}"]),
        ({"blessed": True, "policy_file": "\x1b[31m"},
         ["--policy=POLICY", f"--run={RUN}", "--push=W/serving"]),
        (None, ["--policy=POLICY", f"--run={RUN}"]),
    ],
)  # fmt: skip
def test_a_run_is_pushed_where_the_gate_has_blessed_it(tmp_path, verdict, ends):
    workdir = str(tmp_path)
    folder = tmp_path / RUN / "blessing"
    folder.mkdir(parents=True)
    if verdict:
        (folder / "verdict.json").write_text(json.dumps(verdict))
    said = next_steps.after_litert(workdir, f"{workdir}/{RUN}/litert")
    words = [word.replace(workdir, "W") for word in said.split()]
    assert words[1:] == ["-m", "pipelines.gate", "--workdir=W", *ends]


@pytest.mark.parametrize(
    ("blessed", "statuses", "said"),
    [
        (True, ["passed"], "-m pipelines.litert --workdir=w --run=a/mended"),
        (False, ["insufficient evidence", "failed"],
         "-m pipelines.mitigate --workdir=w --policy=p.py --run=a"),
        (False, ["passed", "undecided", "insufficient evidence"],
         "nothing seems broken"),
    ],
)  # fmt: skip
def test_what_only_lacks_examples_is_not_mended(blessed, statuses, said):
    conditions = [{"status": status} for status in statuses]
    verdict = {"run": "a/mended", "blessed": blessed, "conditions": conditions}
    assert said in next_steps.after_gate("w", "p.py", verdict)


@pytest.mark.parametrize(
    ("bound", "value", "mend"),
    [
        ({"at_least": 0.65}, 0.647, True),
        ({"at_least": 0.65, "at_most": None}, 0.66, False),
        ({"at_most": 0.05}, 0.06, True),
        ({"at_most": 0.05}, 0.05, False),
        ({"at_most": 0.05}, None, False),
    ],
)
def test_what_is_undecided_may_be_mended_where_it_seems_broken(bound, value, mend):
    condition = {"status": "undecided", "value": value, **bound}
    verdict = {"run": "a", "blessed": False, "conditions": [condition]}
    said = next_steps.after_gate("w", "p.py", verdict)
    assert ("pipelines.mitigate" in said) == mend
