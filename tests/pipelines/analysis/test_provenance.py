"""What was run, as the report tells it."""

import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.provenance import facts, training_table
from pipelines.studies.layout import DS, NDS, TEACHER, Run

INFO = {
    Run(TEACHER, 0): {"seconds": 3600.0, "epochs": 7, "parameters": 1200},
    Run(NDS, 0): {"seconds": 61.6, "epochs": 5, "parameters": 300},
    Run(DS, 0, 4.0): {"seconds": 3.0, "epochs": 6, "parameters": 300},
}
MADE_BY = {"git_revision": "abc", "versions": {"keras": "3", "numpy": "2"}}


def told(seconds=None, changed=None, spec=PEOPLE, planned=5):
    info = {run: {**MADE_BY, **about} for run, about in INFO.items()}
    for run in info:
        if seconds is not None:
            info[run]["seconds"] = seconds / 3
    info[Run(DS, 0, 4.0)] |= changed or {}
    groups = {name: [0] * 1200 for name in spec.groups}
    return study(
        spec,
        {"validation": truth([0, 1], {name: [0, 1] for name in spec.groups}),
         "test": truth([0] * 1200, groups)},
        {run: {"test": [0] * 1200} for run in INFO},
        info,
        {"alpha": 0.8, "seeds": [0, 1], "teacher": {"model": "m", "pretrained": ""}},
        planned,
    )  # fmt: skip


def test_facts():
    assert facts(told()) == {
        "data set": "people; examples: validation 2, test 1,200",
        "classes": "no, yes",
        "attribute side": "b, a",
        "attribute age": "young, adult, old",
        "runs": "3 of 5",
        "training time": "1 h 1 min",
        "source revision": "abc",
        "keras version": "3",
        "numpy version": "2",
        "config.evaluation.split": "test",
        "config.evaluation.min_examples": "1",
        "config.alpha": "0.8",
        "config.seeds": "0, 1",
        "config.teacher.model": "m",
        "config.teacher.pretrained": "(empty)",
    }


def test_a_crossing_is_told_after_its_parts():
    found = told()
    crossing = ["side", ["side", "age"]]
    found.config["attributes"] = crossing
    known = facts(found)
    assert known["attribute side x age"] == "the crossed groups"
    assert known["config.attributes"] == "side, side x age"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59.4, "0 min 59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (7 * 3600 + 150, "7 h 2 min"),
    ],
)
def test_time(seconds, text):
    assert facts(told(seconds))["training time"] == text


@pytest.mark.parametrize(("classes", "more"), [(20, ""), (21, ", ...")])
def test_twenty_classes_are_named(classes, more):
    names = tuple(f"c{i}" for i in range(classes))
    spec = DatasetSpec("many", PEOPLE.features, "y", names, {})
    assert facts(told(spec=spec))["classes"] == ", ".join(names[:20]) + more


def test_several_makers_are_told_and_unknown_ones_named():
    found = facts(told(changed={"git_revision": None, "versions": {"keras": "4"}}))
    assert found["source revision"] == "abc, unknown"
    assert found["keras version"] == "3, 4"
    assert found["numpy version"] == "2, unknown"
    assert "runs student-t04/seed0" in found["made by"]


def test_training_of_every_run():
    assert training_table(told()).csv() == (
        "model,temperature,seed,epochs,parameters\n"
        "teacher,,0,7,1200\n"
        "nds,,0,5,300\n"
        "ds,4,0,6,300\n"
    )


@pytest.mark.parametrize(("stacked", "there"), [(1, False), (2, True)])
def test_runs_that_were_trained_together_are_told(stacked, there):
    lines = training_table(told(changed={"stacked": stacked})).csv().splitlines()
    header = "model,temperature,seed,epochs,parameters"
    assert lines[0] == (f"{header},stacked" if there else header)
    assert lines[1] == ("teacher,,0,7,1200,1" if there else "teacher,,0,7,1200")
    assert lines[3] == ("ds,4,0,6,300,2" if there else "ds,4,0,6,300")


def test_lists_and_empty_texts_of_the_config():
    found = told()
    found.config["names"] = ["a"]
    found.config["none"] = []
    found.config["zero"] = 0
    known = facts(found)
    assert [known[f"config.{name}"] for name in ("names", "none", "zero")] == [
        *("a", "", "0")
    ]
