"""Policies as data: what a condition is called, and what is refused."""

import dataclasses
import re

import ml_collections
import pytest
from memory_study import PEOPLE

from pipelines.analysis.costs import Objective
from pipelines.release import policy as policies
from pipelines.release.policy import Condition, Mitigation

EOD = "equalized_odds_difference"
AGE = {"attribute": "age"}


def make_policy(conditions, refuse=("failed",), **selection):
    fields = {"metric": EOD, "attribute": "", "tolerance": 0.2, **selection}
    return ml_collections.ConfigDict(
        {
            "name": "test",
            "level": 0.9,
            "replicates": 400,
            "refuse": refuse,
            "selection": fields,
            "conditions": conditions,
        }
    )


@pytest.mark.parametrize(
    ("fields", "title", "bound"),
    [
        ({"metric": "accuracy", "at_least": 0.75}, "accuracy", "at least 75 %"),
        ({"metric": "ece", **AGE, "group": "old", "at_most": 0}, "ece of age=old",
         "at most 0 %"),
        ({"metric": "nll", "at_most": 0.5}, "nll", "at most 0.5"),
        ({"metric": EOD, **AGE, "against": "teacher", "at_most": 0.1},
         "equalized odds difference of age minus that of the teacher",
         "at most 10 points"),
        ({"metric": EOD, **AGE, "against": "nds", "at_least": -0.1},
         "equalized odds difference of age minus that of nds", "at least -10 points"),
    ],
    ids=["plain", "group", "no share", "teacher", "nds"],
)  # fmt: skip
def test_titles_and_bounds(fields, title, bound):
    condition = Condition("c", **fields)
    assert (condition.title, condition.bound) == (title, bound)


def test_a_value_beside_its_bound_does_not_look_like_it():
    least = Condition("c", "accuracy", at_least=0.8)
    told = {v: least.number(v) for v in (0.5, 0.8, 0.79996, 0.79984, 0.8000001)}
    assert told == {
        **{0.5: "50.0", 0.8: "80.0", 0.79996: "79.996", 0.79984: "79.98"},
        0.8000001: "80.000010",
    }
    # 55 % as a float is a little more than 0.55 times 100.
    assert Condition("c", "accuracy", at_least=0.55).number(0.54996) == "54.996"
    nll = Condition("c", "nll", at_most=0.5)
    assert (nll.number(0.49999), nll.number(0.4)) == ("0.49999", "0.4000")
    assert (least.number(-0.0004), least.number(0.0)) == ("0.0", "0.0")


def test_conditions_are_those_of_the_policy_in_order():
    policy = make_policy(
        {
            "b": {"metric": "accuracy", "at_least": 0.5},
            "a": {"metric": EOD, **AGE, "against": "nds", "at_most": 0.1,
                  "min_examples": 7, "decide_by": "value"},
        }
    )  # fmt: skip
    assert policies.conditions(policy, PEOPLE) == [
        Condition("a", EOD, "age", "", "nds", 0.1, None, 7, "value"),
        Condition("b", "accuracy", "", "", "", None, 0.5, 10, "interval"),
    ]


def test_the_policys_min_examples_are_those_of_its_conditions_and_choice():
    policy = make_policy(
        {
            "a": {"metric": "accuracy", "at_least": 0.5},
            "b": {"metric": "accuracy", "at_least": 0.5, "min_examples": 0},
        }
    )
    policy.min_examples = 7
    found = policies.conditions(policy, PEOPLE)
    assert [condition.min_examples for condition in found] == [7, 0]
    assert policies.objective(policy, PEOPLE).min_examples == 7
    policy.min_examples = -1
    with pytest.raises(ValueError, match=r"policy.min_examples must be an .*-1"):
        policies.objective(policy, PEOPLE)


CROSSED = ("side", "age")


def test_attributes_are_crossed():
    policy = make_policy(
        {
            # As JSON has a tuple, and as Python has it.
            "a": {"metric": EOD, "attribute": list(CROSSED), "at_most": 0.1},
            "b": {"metric": "ece", "attribute": CROSSED, "group": ("a", "old"),
                  "at_most": 0.1},
        },
        attribute=list(CROSSED),
    )  # fmt: skip
    a, b = policies.conditions(policy, PEOPLE)
    assert (a.attribute, b.attribute, b.group) == (CROSSED, CROSSED, ("a", "old"))
    assert a.title == "equalized odds difference of side x age"
    assert b.title == "ece of side x age=a, old"
    assert policies.objective(policy, PEOPLE).attribute == CROSSED


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": EOD, "attribute": ("side", "hair")}, r"c.attribute .*'hair'"),
        ({"metric": EOD, "attribute": ("side", "side")}, r"different ones .*'side'"),
        ({"metric": "ece", "attribute": CROSSED, "group": "old"}, r"c.group .*'old'"),
        ({"metric": "ece", "attribute": CROSSED, "group": ("old", "a")},
         r"c.group .*'old'"),
        ({"metric": EOD, "attribute": CROSSED, "group": ("a", "old")},
         r"c.group .* a gap is between all groups"),
    ],
    ids=["unknown", "twice", "one group", "order", "gap"],
)  # fmt: skip
def test_a_crossing_names_only_what_exists(fields, message):
    with pytest.raises(ValueError, match=message):
        policies.conditions(make_policy({"c": {**fields, "at_most": 1}}), PEOPLE)


def test_a_bound_of_zero_is_a_bound():
    for bound in ({"at_most": 0.0}, {"at_least": 0.0, "against": "nds"}):
        policy = make_policy({"c": {"metric": "accuracy", **bound}})
        assert len(policies.conditions(policy, PEOPLE)) == 1


GAP = {"metric": EOD, **AGE}
RATIO = {"metric": "equalized_odds_ratio", **AGE}


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        # 8 % as 8, and 1 % as 1.
        ({**GAP, "at_most": 8}, "at_most must be from 0 on and below 1, "),
        ({**GAP, "at_most": 1}, "at_most must be from 0 on and below 1, "),
        ({**GAP, "at_most": float("inf")}, "at_most must be from 0 on and below 1, "),
        ({**GAP, "at_least": 5}, "at_least must be above 0 and up to 1, "),
        ({"metric": "accuracy", "at_least": -1}, "at_least must be above 0 and up to"),
        ({"metric": "accuracy", "at_least": 0.0}, "at_least must be above 0 and up to"),
        ({"metric": "accuracy", "at_least": 70}, "at_least must be above 0 and up to"),
        ({"metric": "accuracy", "at_least": False}, "at_least must be above 0 and up"),
        ({"metric": "accuracy", "at_least": float("nan")}, "at_least must be above 0 "),
        ({"metric": "accuracy", "at_least": "0.7"}, "at_least must be above 0 and up "),
        ({"metric": "accuracy", "at_most": True}, "at_most must be from 0 on and "),
        ({**RATIO, "at_least": 80}, "at_least must be above 0 and up to 1, "),
        ({**GAP, "against": "nds", "at_most": 5}, "at_most must be from -1 on and bel"),
        ({**GAP, "against": "nds", "at_most": 1.0}, "at_most must be from -1 on and "),
        ({**GAP, "against": "nds", "at_least": -1}, "at_least must be above -1 and up"),
        # PEOPLE has two classes, for which it is halved.
        ({"metric": "brier", "at_most": 1.5}, "at_most must be from 0 on and below 1"),
        ({"metric": "nll", "at_most": float("inf")}, "at_most must be from 0 on and "),
        ({"metric": "nll", "at_least": 0}, "at_least must be above 0 and up to inf, "),
    ],
    ids=str,
)  # fmt: skip
def test_a_bound_is_a_number_that_some_value_does_not_keep(fields, allowed):
    received = fields.get("at_most", fields.get("at_least"))
    message = re.escape(f"--policy.conditions.c.{allowed}")
    with pytest.raises(ValueError, match=message) as refused:
        policies.conditions(make_policy({"c": fields}), PEOPLE)
    assert f"Received: {received!r}." in str(refused.value)
    is_share = fields["metric"] not in ("brier", "nll")
    assert ("8 % is 0.08" in str(refused.value)) == is_share


@pytest.mark.parametrize(
    "fields",
    [
        {**GAP, "at_most": 0},
        {**GAP, "at_most": 0.999},
        {"metric": "accuracy", "at_least": 1},
        {**GAP, "against": "nds", "at_most": -1},
        {**GAP, "against": "nds", "at_least": 1},
        {"metric": "nll", "at_most": 5.0},
        {"metric": "nll", "against": "nds", "at_most": -2.5},
    ],
    ids=str,
)
def test_bounds_up_to_the_end_of_what_a_metric_can_be(fields):
    assert policies.conditions(make_policy({"c": fields}), PEOPLE)


def test_the_brier_score_of_several_classes_reaches_2():
    several = dataclasses.replace(PEOPLE, class_names=("no", "yes", "maybe"))
    policy = make_policy({"c": {"metric": "brier", "at_most": 1.5}})
    assert policies.conditions(policy, several)
    policy = make_policy({"c": {"metric": "brier", "at_most": 2}})
    with pytest.raises(ValueError, match="at_most must be from 0 on and below 2, "):
        policies.conditions(policy, several)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": "aucc", "at_least": 1}, "c.metric must be one of .*'aucc'"),
        ({"metric": "acuracy", "at_least": 1}, "'acuracy'. Did you mean 'accuracy'"),
        ({"at_least": 1}, "c.metric must be one of .*''"),
        ({"metric": EOD, "at_most": 1}, "c.attribute must be one of .*side.*''"),
        ({"metric": EOD, "attribute": "hair", "at_most": 1}, "c.attribute .*'hair'"),
        ({"metric": "ece", "attribute": "hair", "at_most": 1}, "attribute .*'hair'"),
        ({"metric": "ece", **AGE, "group": "z", "at_most": 1}, "c.group .*'z'"),
        ({"metric": "ece", "group": "old", "at_most": 1}, "c.group .*'old'"),
        ({"metric": EOD, **AGE, "group": "old", "at_most": 1}, "c.group .*'old'"),
        ({"metric": "ece", "against": "ds", "at_most": 1}, "c.against .*'ds'"),
        ({"metric": "ece", "decide_by": "luck", "at_most": 1}, "decide_by .*'luck'"),
        ({"metric": "ece", "atmost": 1}, "c must be one of .*'atmost'"),
        ({"metric": "ece", "name": "x", "at_most": 1}, "c must be one of .*'name'"),
        ({"metric": "ece"}, "must have one of at_most and at_least"),
        ({"metric": "ece", "at_most": -0.1}, "c.at_most must be from 0 on.*-0.1"),
        ({"metric": "ece", "at_most": 1, "at_least": 0}, "must have one of"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_policy_names_only_what_exists(fields, message):
    with pytest.raises(ValueError, match=message):
        policies.conditions(make_policy({"c": fields}), PEOPLE)


ANY = {"c": {"metric": "ece", "at_most": 0.9}}


def test_a_gap_of_the_data_judges_no_model():
    of_data = {"metric": "base_rate_difference", **AGE, "at_most": 0.9}
    with pytest.raises(ValueError, match=r"c.metric must be of a model.*of the data"):
        policies.conditions(make_policy({"c": of_data}), PEOPLE)
    chosen = make_policy(ANY, metric="base_rate_difference")
    with pytest.raises(ValueError, match=r"selection.metric must be of a model.*data"):
        policies.objective(chosen, PEOPLE)


def test_a_policy_needs_every_field_and_no_other():
    policy = make_policy(ANY)
    del policy.level
    for read in (policies.conditions, policies.objective):
        with pytest.raises(ValueError, match=r"must have the fields \['level'\]"):
            read(policy, PEOPLE)
    policy = make_policy(ANY)
    policy.more = 1
    for read in (policies.conditions, policies.objective):
        with pytest.raises(ValueError, match=r"--policy must be one of .*'more'"):
            read(policy, PEOPLE)


@pytest.mark.parametrize(
    ("field", "received", "allowed"),
    [
        ("replicates", 1, "an integer from 50 on"),
        ("replicates", 0, "an integer from 50 on"),
        ("replicates", -3, "an integer from 50 on"),
        ("replicates", 49, "an integer from 50 on"),
        ("replicates", 100.0, "an integer from 50 on"),
        ("replicates", True, "an integer from 50 on"),
        ("level", 95, "above 0 and below 1, .*0.95 for 95 %"),
        ("level", 0.0, "above 0 and below 1"),
        ("level", 1, "above 0 and below 1"),
        ("level", float("nan"), "above 0 and below 1"),
        ("level", "0.95", "above 0 and below 1"),
    ],
)
def test_level_and_replicates_are_those_of_an_interval(field, received, allowed):
    policy = ml_collections.ConfigDict({**make_policy(ANY), field: received})
    shown = re.escape(repr(received))
    message = rf"--policy.{field} must be {allowed}.*Received: {shown}\."
    for read in (policies.conditions, policies.objective):
        with pytest.raises(ValueError, match=message):
            read(policy, PEOPLE)


def test_fifty_replicates_are_enough():
    policy = make_policy(ANY)
    policy.replicates = 50
    assert policies.objective(policy, PEOPLE).replicates == 50


def test_a_policy_needs_a_condition():
    with pytest.raises(ValueError, match="at least one condition"):
        policies.conditions(make_policy({}), PEOPLE)


def test_what_refuses_a_release_is_a_status_but_passed():
    every = ("failed", "undecided", "insufficient evidence")
    assert len(policies.conditions(make_policy(ANY, every), PEOPLE)) == 1
    for status in ("passed", "late"):
        with pytest.raises(ValueError, match=rf"policy.refuse must .*'{status}'"):
            policies.conditions(make_policy(ANY, ("failed", status)), PEOPLE)


def test_the_objective_has_the_policys_level_and_replicates():
    found = policies.objective(make_policy(ANY, attribute="age"), PEOPLE)
    assert found == Objective(EOD, "age", 0.2, 0.9, 400)
    assert policies.objective(make_policy(ANY, metric="ece"), PEOPLE).metric == "ece"


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"metric": "error"}, r"selection.metric must be one of .*'error'"),
        ({"attribute": "hair"}, r"selection.attribute must .*'hair'"),
        ({"metric": "ece", "attribute": "age"}, r"selection.attribute must .*'age'"),
        ({"level": 0.5}, r"policy.selection must be one of .*'level'"),
    ],
    ids=["metric", "attribute", "attribute of ece", "field"],
)
def test_an_objective_names_only_what_exists(selection, message):
    with pytest.raises(ValueError, match=message):
        policies.objective(make_policy(ANY, **selection), PEOPLE)


def test_a_choice_without_an_attribute_is_of_all_and_of_damaged_images_if_asked():
    policy = make_policy(ANY, corruption="gaussian_noise")
    del policy.selection.attribute
    found = policies.objective(policy, PEOPLE)
    assert (found.attribute, found.corruption) == ("", "gaussian_noise")
    assert policies.objective(make_policy(ANY, corruption="mean"), PEOPLE)
    with pytest.raises(ValueError, match=r"policy.selection.corruption .*'rain'"):
        policies.objective(make_policy(ANY, corruption="rain"), PEOPLE)


def test_a_condition_is_of_undamaged_data():
    fields = {"metric": "ece", "at_most": 1, "corruption": "fog"}
    with pytest.raises(ValueError, match=r"c must have no corruption.*Received: 'fog'"):
        policies.conditions(make_policy({"c": fields}), PEOPLE)


@pytest.mark.parametrize("received", [-1, 2.5, "7", True])
def test_min_examples_is_a_count(received):
    fields = {"metric": "ece", "at_most": 1, "min_examples": received}
    with pytest.raises(ValueError, match=rf"c.min_examples must be an .*{received}"):
        policies.conditions(make_policy({"c": fields}), PEOPLE)


def test_a_difference_may_have_a_bound_below_0():
    fields = {"metric": "ece", "against": "nds", "at_most": -0.1}
    (found,) = policies.conditions(make_policy({"c": fields}), PEOPLE)
    assert found.at_most == -0.1


def test_conditions_compare_with_the_models_that_are_named():
    fields = {"metric": "ece", "against": "baseline", "at_most": 0.9}
    policy = make_policy({"c": fields})
    (found,) = policies.conditions(policy, PEOPLE, against=("teacher", "baseline"))
    assert found.title == "ece minus that of the last blessed model"
    with pytest.raises(ValueError, match=r"\['', 'teacher', 'nds'\].*'baseline'"):
        policies.conditions(policy, PEOPLE)


def mitigation(**fields):
    policy = make_policy(ANY)
    policy.mitigation = fields
    return policies.mitigation(policy)


def test_a_policy_without_a_mitigation_allows_thresholds_with_two_standard_errors():
    expected = Mitigation(methods=("thresholds",), margin=2.0, min_examples=50)
    assert policies.mitigation(make_policy(ANY)) == mitigation() == expected
    assert expected.training == ()


def test_a_mitigation_has_the_policys_fields():
    methods = ("balanced", "thresholds", "group_dro")
    found = mitigation(methods=methods, margin=0.5, min_examples=1)
    assert found == Mitigation(methods, 0.5, 1)
    # What thresholds are is found without training.
    assert found.training == ("balanced", "group_dro")
    # One name alone is a method, not its letters.
    assert mitigation(methods="balanced") == Mitigation(("balanced",))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"margins": 1}, r"policy.mitigation must be one of .*'margins'"),
        ({"margin": -1.0}, r"policy.mitigation: `margin` must be a number of"),
        ({"min_examples": 0}, r"policy.mitigation: `min_examples` must be at least 1"),
    ],
    ids=["field", "margin", "min examples"],
)
def test_a_mitigation_names_only_what_exists(fields, message):
    with pytest.raises(ValueError, match=message):
        mitigation(**fields)
