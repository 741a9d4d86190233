"""A verdict on what is in memory: no working directory, no file."""

import dataclasses

import ml_collections
import numpy as np
import pytest
import release_study as study
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice

from kd_keras.fairness import Interval
from pipelines.analysis.results import Model, Result, Study
from pipelines.release import policy as policies
from pipelines.release import verdict
from pipelines.release.measure import Measured
from pipelines.studies.layout import NDS, TEACHER
from pipelines.studies.predictions import Truth

TPR = "equal_opportunity_difference"
SUBJECT = verdict.Subject(study.CANDIDATE, 3, "d" * 64)
# TFMA's number, which no prediction here gives: by hand it is 66/80.
TFMA_ACCURACY = 0.5


def result(run):
    """Answers of a run by its own feature."""
    answers = study.columns()["x"][:, study.RUNS.index(run)]
    return Result(run, {}, {"test": np.stack([np.zeros(80), answers], axis=1)})


def judge(
    conditions,
    runs=study.RUNS,
    refuse=("failed",),
    side=None,
    spec=study.SPEC,
    attributes=(),
    tfma=True,
    others=None,
):
    columns = study.columns() | ({} if side is None else {"side": side})
    config = {"evaluation": {"split": "test"}, "attributes": list(attributes)}
    # Half is c and d in turn.
    groups = {"side": columns["side"], "half": np.arange(80) % 2}
    groups = {name: groups[name] for name in spec.groups}
    truth = Truth(columns["id"], columns["y"], groups)
    models = {Model.of(run): {0: result(run)} for run in runs}
    policy = ml_collections.ConfigDict(
        {
            "name": "memory",
            "level": 0.95,
            "replicates": 200,
            "refuse": refuse,
            "conditions": conditions,
            "selection": {},
        }
    )
    return verdict.judge(
        Study({"config": config}, spec, {"test": truth}, models, planned=3),
        policy,
        policies.conditions(policy, spec, (TEACHER, NDS, "baseline")),
        SUBJECT,
        [evaluation()] if tfma else None,
        others,
    )


def evaluation():
    found = MetricsForSlice()
    item = found.metric_keys_and_values.add()
    item.key.name = "accuracy"
    item.key.model_name = study.CANDIDATE.directory
    item.value.double_value.value = TFMA_ACCURACY
    return found


def test_intervals_and_names():
    found = judge(
        {
            "accuracy": {"metric": "accuracy", "at_least": 0.7},
            "drop": {"metric": "accuracy", "against": TEACHER, "at_least": -0.2},
        }
    )
    assert [c["value"] for c in found["conditions"]] == pytest.approx(
        [66 / 80, -6 / 80]
    )
    assert [c["status"] for c in found["conditions"]] == ["passed", "passed"]
    names = ("run", "export_version", "export_digest", "split", "examples", "blessed")
    assert [found[name] for name in names] == [
        *("student-t04/seed0", 3, "d" * 64, "test", 80, True)
    ]


@pytest.mark.parametrize(("bound", "status"), [(0.49, "passed"), (0.51, "failed")])
def test_tfmas_value_is_that_of_the_metrics_given(bound, status):
    fields = {"metric": "accuracy", "at_least": bound, "decide_by": "value"}
    (condition,) = judge({"c": fields})["conditions"]
    assert (condition["status"], condition["decided_by"]) == (status, "TFMA")


def test_a_run_that_is_not_there_is_named():
    condition = {"metric": "accuracy", "against": NDS, "at_least": 0.0}
    with pytest.raises(ValueError, match=r"needs the predictions of student-nds/seed0"):
        judge({"c": condition}, [study.RUNS[0], study.CANDIDATE])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        # Wilson's interval of 66 of 80 is .7274 to .8928 (SciPy's binomtest).
        ({"at_least": 0.727}, "passed"),
        ({"at_least": 0.728}, "undecided"),
        ({"at_least": 0.892}, "undecided"),
        ({"at_least": 0.893}, "failed"),
        ({"at_most": 0.893}, "passed"),
        ({"at_most": 0.892}, "undecided"),
        ({"at_most": 0.727}, "failed"),
        ({"at_least": 0.1, "min_examples": 80}, "passed"),
        ({"at_least": 0.1, "min_examples": 81}, "insufficient evidence"),
    ],
)
def test_an_interval_decides(fields, status):
    (found,) = judge({"c": {"metric": "accuracy", **fields}})["conditions"]
    assert found["status"] == status
    decided_by = "evidence" if status == "insufficient evidence" else "interval"
    assert found["decided_by"] == decided_by


def test_a_group_without_evidence_is_told_first():
    fields = {"metric": TPR, "attribute": "side", "at_most": 0.9, "min_examples": 21}
    (found,) = judge({"c": fields})["conditions"]
    assert found["status"] == "insufficient evidence"
    assert found["reason"] == (
        "equal opportunity difference of side: fewer than 21 examples for true "
        "positive rate of yes in a, b (a: 40 examples, 20 of them positives, not "
        "compared; b: 40 examples, 20 of them positives, not compared)"
    )
    assert found["value"] is None


@pytest.mark.parametrize(
    ("at_least", "status"), [(0.95, "failed"), (0.8, "insufficient evidence")]
)
def test_a_tiny_group_does_not_hide_what_a_large_one_shows(at_least, status):
    # Two of a go to c, which is left out. b is right in 30 of 40 cases: Wilson's
    # interval ends at .858.
    side = study.columns()["side"]
    side[:2] = 2
    spec = dataclasses.replace(study.SPEC, groups={"side": ("a", "b", "c")})
    metric = "worst_group_accuracy"
    fields = {"metric": metric, "attribute": "side", "at_least": at_least}
    (found,) = judge({"c": fields}, side=side, spec=spec)["conditions"]
    assert found["status"] == status
    assert found["value"] == 0.75
    assert found["left_out"] == ["c: 2 examples, not compared"]


@pytest.mark.parametrize(
    ("fields", "class_names"),
    [
        # What is left out may change a difference to another model either way,
        ({"attribute": "side", "against": NDS}, ("no", "yes")),
        # and the mean over several classes, too.
        ({"attribute": "side"}, ("no", "yes", "maybe")),
    ],
    ids=["against nds", "three classes"],
)
def test_what_is_left_out_hides_what_it_could_change(fields, class_names):
    side = study.columns()["side"]
    side[:2] = 2
    groups = {"side": ("a", "b", "c")}
    spec = dataclasses.replace(study.SPEC, groups=groups, class_names=class_names)
    fields = {"metric": "worst_group_accuracy", "at_least": 0.95, **fields}
    (found,) = judge({"c": fields}, side=side, spec=spec)["conditions"]
    assert found["high"] < 0.95
    assert found["left_out"] == ["c: 2 examples, not compared"]
    assert found["status"] == "insufficient evidence"


@pytest.mark.parametrize(
    ("low", "high", "fails"),
    [(0.5, 0.6, True), (np.nan, 0.6, False), (0.5, np.nan, False), (0.5, 0.8, False)],
)
def test_an_interval_with_an_undefined_end_is_not_beyond_a_bound(low, high, fails):
    condition = policies.Condition("c", "worst_group_accuracy", "side", at_least=0.7)
    found = Measured(Interval(0.55, low, high, 0.95), "few", "a and b", ["c"])
    answers = Study({}, study.SPEC, {}, {}, planned=0)
    assert verdict._fails_anyway(answers, condition, found) == fails


@pytest.mark.parametrize("ends", [(np.nan, np.nan), (0.5, np.nan), (np.nan, 0.5)])
def test_an_interval_with_an_undefined_end_is_no_evidence(monkeypatch, ends):
    found = Measured(Interval(0.5, *ends, 0.95), "")
    monkeypatch.setattr(verdict, "measure", lambda *args, **options: found)
    bounds = {"at_least": 0.4}, {"at_least": 0.9}, {"at_most": 0.4}, {"at_most": 0.9}
    asked = {f"c{i}": {"metric": "ece", **bound} for i, bound in enumerate(bounds)}
    of_value = {"metric": "ece", "at_most": 0.6, "decide_by": "value"}
    *by_interval, by_value = judge({**asked, "value": of_value})["conditions"]
    assert [c["status"] for c in by_interval] == 4 * ["insufficient evidence"]
    assert by_interval[0]["reason"] == "ece: the interval is undefined; it is 50.0 %"
    # A value needs no interval.
    assert by_value["status"] == "passed"


def test_too_few_examples_do_not_show_that_a_bound_is_broken():
    # The interval ends at .8928, but no group is left out.
    fields = {"metric": "accuracy", "at_least": 0.95, "min_examples": 81}
    (found,) = judge({"c": fields})["conditions"]
    assert found["high"] < 0.95
    assert found["status"] == "insufficient evidence"


def test_fields_and_reason_of_a_condition():
    (found,) = judge({"c": {"metric": "accuracy", "at_least": 0.7}})["conditions"]
    assert found == {
        "name": "c",
        "metric": "accuracy",
        "at_least": 0.7,
        "min_examples": 10,
        "decide_by": "interval",
        "value": pytest.approx(0.825),
        "low": pytest.approx(0.7274, abs=1e-4),
        "high": pytest.approx(0.8928, abs=1e-4),
        "status": "passed",
        "decided_by": "interval",
        "reason": "accuracy is 82.5 %, 95 % interval 72.7 to 89.3, allowed is at least "
        "70 %",
    }


@pytest.mark.parametrize(
    ("fields", "value", "decided_by"),
    [
        ({"metric": "accuracy", "against": NDS}, 4 / 80, "value"),
        ({"metric": TPR, "attribute": "side", "min_examples": 20}, 0.3, "value"),
        ({"metric": "ece"}, 66 / 80 - 1 / (1 + np.exp(-1)), "value"),
    ],
    ids=["nds", "gap", "ece"],
)
def test_a_value_decides_where_tfma_has_none(fields, value, decided_by):
    bounds = {
        "above": {"at_most": value + 0.001},
        "below": {"at_least": value - 0.001},
        "not above": {"at_most": value - 0.001},
        "not below": {"at_least": value + 0.001},
    }
    found = judge({k: {**fields, **b, "decide_by": "value"} for k, b in bounds.items()})
    assert {c["name"]: c["status"] for c in found["conditions"]} == {
        **{"above": "passed", "below": "passed"},
        **{"not above": "failed", "not below": "failed"},
    }
    assert {c["decided_by"] for c in found["conditions"]} == {decided_by}


def test_a_difference_from_the_teacher_is_tfmas():
    fields = {"metric": "accuracy", "against": TEACHER, "decide_by": "value"}
    found = judge({"c": {**fields, "at_least": -0.99}})["conditions"][0]
    # TFMA has no difference here, so that no bound is kept.
    assert (found["status"], found["decided_by"]) == ("failed", "TFMA")


def test_without_tfmas_metrics_our_value_decides():
    fields = {"metric": "accuracy", "at_least": 0.82, "decide_by": "value"}
    (found,) = judge({"c": fields}, tfma=False)["conditions"]
    assert (found["status"], found["decided_by"]) == ("passed", "value")


@pytest.mark.parametrize(
    ("attributes", "decided_by"),
    [(["side", "half"], "value"), (["side", "half", ["side", "half"]], "TFMA")],
)
def test_tfma_decides_crossed_groups_that_the_study_names(attributes, decided_by):
    groups = {"side": ("a", "b"), "half": ("c", "d")}
    spec = dataclasses.replace(study.SPEC, groups=groups)
    fields = {"metric": "demographic_parity_difference", "attribute": ("side", "half")}
    fields |= {"at_most": 0.99, "decide_by": "value"}
    (found,) = judge({"c": fields}, spec=spec, attributes=attributes)["conditions"]
    assert found["decided_by"] == decided_by


def test_a_model_that_is_no_run_of_the_study_is_given():
    # As right as the nds in 62 of 80 cases, where the student is in 66.
    fields = {"metric": "accuracy", "against": "baseline", "at_least": -0.99}
    given = {"baseline": result(study.RUNS[1])}
    runs = [study.RUNS[0], study.CANDIDATE]
    (found,) = judge({"c": fields}, runs=runs, others=given)["conditions"]
    assert found["value"] == pytest.approx(4 / 80)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        # b is right in 30 of 40 cases, a in 36: 18 of 20 positives and negatives.
        ({"metric": "worst_group_accuracy", "attribute": "side"}, 0.75),
        ({"metric": "accuracy", "attribute": "side", "group": "b"}, 0.75),
    ],
    ids=["worst group", "group"],
)
def test_a_value_at_its_bound_keeps_it(fields, value):
    bounds = {"most": {"at_most": value}, "least": {"at_least": value}}
    bounds["low"] = {"at_least": 0.01}
    conditions = {k: {**fields, **b, "decide_by": "value"} for k, b in bounds.items()}
    found = judge(conditions, tfma=False)["conditions"]
    assert [c["status"] for c in found] == 3 * ["passed"]


PASSED = {"metric": "accuracy", "at_least": 0.7}
FAILED = {"metric": "accuracy", "at_least": 0.95}
UNDECIDED = {"metric": "accuracy", "at_least": 0.8}


@pytest.mark.parametrize(
    ("conditions", "refuse", "blessed", "reason"),
    [
        ([PASSED], ("failed",), True, ""),
        ([PASSED, FAILED], ("failed",), False, "conditions not kept: c1"),
        ([FAILED, FAILED], ("failed",), False, "conditions not kept: c0, c1"),
        ([PASSED, UNDECIDED], ("failed",), True, ""),
        ([PASSED, UNDECIDED], ("failed", "undecided"), False,
         "not decided by so few examples: c1"),
        ([FAILED, UNDECIDED, FAILED], ("failed", "undecided"), False,
         "conditions not kept: c0, c2; not decided by so few examples: c1"),
        ([UNDECIDED], ("failed",), False, "no condition is passed"),
        ([FAILED], (), False, "no condition is passed"),
    ],
)  # fmt: skip
def test_one_refusal_is_enough_and_one_condition_must_pass(
    conditions, refuse, blessed, reason
):
    named = {f"c{i}": fields for i, fields in enumerate(conditions)}
    found = judge(named, refuse=refuse)
    assert (found["blessed"], found["reason"]) == (blessed, reason)
    assert (found["policy"], found["level"], found["refuse"]) == (
        *("memory", 0.95),
        list(refuse),
    )


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        # The interval of 66 of 80 is .7274 to .8928, and has each bound inside.
        ({"at_least": 0.83}, True),
        ({"at_least": 66 / 80}, False),
        ({"at_least": 0.82}, False),
        ({"at_most": 0.82}, True),
        ({"at_most": 66 / 80}, False),
        ({"at_most": 0.83}, False),
    ],
    ids=str,
)
def test_what_is_undecided_may_be_beyond_its_bound(fields, broken):
    undecided = {"metric": "accuracy", **fields}
    found = judge({"c": undecided, "good": PASSED}, refuse=("undecided",))
    assert [c["status"] for c in found["conditions"]] == ["undecided", "passed"]
    assert found["broken"] == (["c"] if broken else [])
    why = "conditions not kept" if broken else "not decided by so few examples"
    assert found["reason"] == f"{why}: c"
    # What refuses nothing is not among what is broken.
    assert judge({"c": undecided, "good": PASSED})["broken"] == []


def test_a_failed_condition_is_broken_where_nothing_refuses():
    found = judge({"c": FAILED, "d": UNDECIDED}, refuse=())
    assert (found["blessed"], found["broken"]) == (False, ["c"])
    # Tolerated or not.
    found = judge({"c": FAILED, "good": PASSED}, refuse=("undecided",))
    assert (found["blessed"], found["broken"]) == (True, ["c"])


def test_what_has_no_value_is_not_beyond_its_bound():
    fields = {"metric": TPR, "attribute": "side", "at_most": 0.9, "min_examples": 21}
    found = judge({"c": fields}, refuse=("insufficient evidence",))
    assert (found["broken"], found["conditions"][0]["value"]) == ([], None)
    assert found["reason"] == "not decided by so few examples: c"


def test_the_worst_group_is_one():
    fields = {"metric": "worst_group_accuracy", "attribute": "side", "at_least": 0.1}
    (found,) = judge({"c": fields})["conditions"]
    assert found["reason"].endswith("allowed is at least 10 %, of b: 40 examples")


def test_a_verdict_names_who_decides_and_how_many_they_are():
    fields = {"metric": TPR, "attribute": "side", "at_most": 0.9}
    (found,) = judge({"c": fields})["conditions"]
    # 12 and 18 of 20 positives.
    assert found["people"] == (
        "b (40 examples, 20 of them positives) and a (40 examples, 20 of them "
        "positives)"
    )
    assert found["reason"].endswith(
        f"allowed is at most 90 %, between {found['people']}"
    )
    fields = {"metric": "accuracy", "attribute": "side", "group": "b", "at_least": 0.1}
    (found,) = judge({"c": fields})["conditions"]
    assert found["reason"].endswith("allowed is at least 10 %, of 40 examples")


def test_the_groups_that_are_compared_are_told_beside_those_that_are_not():
    fields = {"metric": "accuracy", "attribute": "side", "group": "b", "at_least": 0.1}
    (found,) = judge({"c": fields | {"min_examples": 41}})["conditions"]
    assert found["reason"] == (
        "accuracy of side=b: 40 of 41 examples; it is 75.0 %, of 40 examples"
    )
