"""A verdict on artifacts alone: tf.Examples, a schema and SavedModels."""

import ml_collections
import pytest
import release_study
import tfx_data

from pipelines.studies.layout import DS, NDS, TEACHER
from pipelines.tfx import judging, properties

SCHEMA = """
feature { name: "model" type: FLOAT presence { min_fraction: 1 } }
feature { name: "teacher" type: FLOAT presence { min_fraction: 1 } }
feature { name: "before" type: FLOAT presence { min_fraction: 1 } }
feature { name: "y" type: BYTES }
feature { name: "side" type: BYTES string_domain { value: "a" value: "b" } }
"""
# Each model answers its own feature. Right are, by release_study.POSITIVES, of 80:
# model 18 + 18 + 12 + 18, teacher 72, the one before 16 + 16 + 14 + 16.
ANSWERS = {"model": DS, "teacher": TEACHER, "before": NDS}
CONDITIONS = {
    "accuracy": {"metric": "accuracy", "at_least": 0.7},
    "drop": {"metric": "accuracy", "against": "teacher", "at_least": -0.2},
    "growth": {"metric": "accuracy", "against": "baseline", "at_least": -0.2},
    "sides": {
        "metric": "equal_opportunity_difference",
        "attribute": "side",
        "at_most": 0.9,
    },
}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    path = tmp_path_factory.mktemp("artifacts")
    columns = release_study.columns()
    place = [run.model for run in release_study.RUNS]
    rows = [
        {
            **{name: float(x[place.index(m)]) for name, m in ANSWERS.items()},
            "y": ("no", "yes")[y],
            "side": ("a", "b")[side],
        }
        for x, y, side in zip(columns["x"], columns["y"], columns["side"], strict=True)
    ]
    (path / "schema.pbtxt").write_text(SCHEMA)
    for name in ANSWERS:
        model = str(path / name / "Format-Serving")
        tfx_data.save_examples_model(model, {name: 1.0}, "logits")
    return {
        "examples": [tfx_data.write_split(path / "Split-eval", rows)],
        "schema_path": str(path / "schema.pbtxt"),
        "models": {
            "model": str(path / "model"),
            "teacher": str(path / "teacher"),
            "baseline": str(path / "before"),
        },
    }


def question(conditions=CONDITIONS, refuse=("failed",), **changes):
    policy = ml_collections.ConfigDict(
        {
            "name": "memory",
            "level": 0.95,
            "replicates": 200,
            "refuse": refuse,
            "selection": {},
            "conditions": conditions,
        }
    )
    fields = {"label": "y", "class_names": ["no", "yes"], "groups": {"side": None}}
    return judging.Question(policy, **{**fields, **changes})


def judge(artifacts, asked, without=()):
    models = {n: p for n, p in artifacts["models"].items() if n not in without}
    # As it comes out of the component's properties.
    asked = judging.Question.from_json(asked.to_json())
    return judging.judge(asked, **{**artifacts, "models": models})


def test_values_are_those_counted_by_hand(artifacts):
    found = judge(artifacts, question())
    values = {c["name"]: c["value"] for c in found["conditions"]}
    # Of the positives the model finds 18 of 20 in a and 12 of 20 in b.
    assert values == pytest.approx(
        {"accuracy": 66 / 80, "drop": -6 / 80, "growth": 4 / 80, "sides": 6 / 20}
    )
    assert (found["blessed"], found["not_judged"]) == (True, [])
    assert (found["split"], found["examples"]) == ("eval", 80)
    assert found["run"] == artifacts["models"]["model"]


def test_a_model_that_answers_nan_is_not_judged(artifacts, tmp_path):
    """Its highest answer would be the first class, and equal for everybody."""
    tfx_data.save_examples_model(
        str(tmp_path / "Format-Serving"), {"model": float("nan")}, "logits"
    )
    models = {**artifacts["models"], "model": str(tmp_path)}
    with pytest.raises(ValueError, match="The model answers NaN for 80 of 80 exam"):
        judge({**artifacts, "models": models}, question())


def test_before_the_first_blessing_nothing_is_compared_with_it(artifacts):
    found = judge(artifacts, question(), without=["baseline"])
    assert [c["name"] for c in found["conditions"]] == ["accuracy", "drop", "sides"]
    (left_out,) = found["not_judged"]
    assert left_out["name"] == "growth"
    assert "minus that of the last blessed model: there is no" in left_out["reason"]
    assert found["blessed"]


def test_a_bound_that_is_broken_refuses(artifacts):
    strict = {**CONDITIONS, "accuracy": {"metric": "accuracy", "at_least": 0.95}}
    found = judge(artifacts, question(strict))
    assert (found["blessed"], found["reason"]) == (
        False,
        "conditions not kept: accuracy",
    )
    values = properties.of_verdict(
        found, properties.Judged("/m", 7), properties.Judged("/b", 3)
    )
    assert {k: values[k] for k in values if k != "reasons"} == {
        "blessed": 0,
        "current_model": "/m",
        "current_model_id": 7,
        "baseline_model": "/b",
        "baseline_model_id": 3,
        "policy": "memory",
    }
    assert "accuracy: failed: accuracy is 82.5 %" in values["reasons"]


def test_properties_before_the_first_blessing(artifacts):
    found = judge(artifacts, question(), without=["baseline"])
    values = properties.of_verdict(found, properties.Judged("/m", 7))
    assert values["blessed"] == 1
    assert not {"baseline_model", "baseline_model_id"} & values.keys()
    assert "growth: not judged: " in values["reasons"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": {"race": None}}, r"'race' is named, and the schema has"),
        ({"groups": {"side": ["a"]}}, r"'side' has a group that is not named"),
        ({"label": "z"}, r"'z' is named, and the schema has"),
        ({"class_names": ["no", "maybe"]}, r"label that is no class.*'yes'"),
        (
            {"conditions": {"c": {"metric": "accuracy", "against": "nds"}}},
            r"one of \['', 'teacher', 'baseline'\]. Received: 'nds'",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_named(artifacts, changes, message):
    with pytest.raises(ValueError, match=message):
        judge(artifacts, question(**changes))


def test_a_missing_teacher_is_named(artifacts):
    with pytest.raises(ValueError, match=r"compares with the teacher.*teacher="):
        judge(artifacts, question(), without=["teacher"])


def test_an_empty_split_is_named(artifacts, tmp_path):
    empty = tfx_data.write_split(tmp_path / "Split-eval", [])
    with pytest.raises(ValueError, match=r"no example in .*the split is empty"):
        judge({**artifacts, "examples": [empty]}, question())
