"""What is asked of thresholds, and on which validation examples it is fitted."""

import dataclasses
import math

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.release import remedies
from pipelines.release.policy import Condition, Mitigation
from pipelines.release.remedies import Remedy
from pipelines.studies.layout import DS, TEACHER, Run

TPR = "equal_opportunity_difference"
STUDENT = Run(DS, 1, 4.0)
# Six positives and four negatives of b; four and six of a. Ages in turn.
LABELS = np.array([1] * 6 + [0] * 4 + [1] * 4 + [0] * 6)
GROUPS = {"side": np.repeat([0, 1], 10), "age": np.tile([0, 1, 2, 0], 5)}
# Of b, the teacher misses one positive; of a, two negatives. TPRs are 5/6 and 1,
# accuracies 9/10 and 8/10.
WRONG = {Run(TEACHER, 1): [0, 18, 19], Run(TEACHER, 0): range(20), STUDENT: [0, 1]}
ACCURACY = {"attribute": "side", "metric": "accuracy"}


@pytest.fixture(scope="module")
def found():
    answers = {
        run: {"validation": LABELS ^ np.isin(np.arange(20), wrong)}
        for run, wrong in WRONG.items()
    }
    config = {"evaluation": {"split": "validation", "min_examples": 1}}
    return study(PEOPLE, {"validation": truth(LABELS, GROUPS)}, answers, config=config)


def asked(found, *fields, margin=0.0):
    conditions = [Condition(f"c{i}", **of) for i, of in enumerate(fields)]
    options = Mitigation(margin=margin)
    return remedies.remedies(found, STUDENT, conditions, options)


def test_a_gap_is_asked_for_with_the_floor_of_its_attribute_and_without(found):
    got = asked(
        found,
        {"metric": TPR, "attribute": "side", "at_most": 0.2},
        {**ACCURACY, "group": "a", "at_least": 0.8},
        {"metric": "worst_group_accuracy", "attribute": "side", "at_least": 0.75},
        {"metric": "worst_group_accuracy", "attribute": "age", "at_least": 0.5},
        margin=3.0,
    )
    side, age = {"accuracy": 0.8}, {"accuracy": 0.5}
    assert got == [
        remedy
        for margin in (3.0, 1.5, 0.0)
        for remedy in (
            Remedy("side", TPR, 0.2, side, margin),
            Remedy("side", TPR, pytest.approx(0.15), side, margin),
            Remedy("side", TPR, 0.1, side, margin),
            # Where nothing reaches the floor, the gap can still be mended.
            Remedy("side", TPR, 0.2, {}, margin),
            Remedy("side", TPR, pytest.approx(0.15), {}, margin),
            Remedy("side", TPR, 0.1, {}, margin),
            Remedy("side", None, None, side, margin),
            Remedy("age", None, None, age, margin),
        )
    ]


def test_without_a_margin_there_is_one_round(found):
    got = asked(found, {"metric": TPR, "attribute": "age", "at_most": 0.4})
    assert got == [
        Remedy("age", TPR, bound, {}, 0.0)
        for bound in (0.4, pytest.approx(0.3), pytest.approx(0.2))
    ]


def test_what_thresholds_of_groups_cannot_mend_is_not_asked(found):
    assert not asked(
        found,
        {"metric": "accuracy", "at_least": 0.9},
        # Of everyone, as the policy reads it.
        {**ACCURACY, "at_least": -0.05, "against": TEACHER},
        {"metric": "accuracy_gap", "attribute": ("side", "age"), "at_most": 0.1},
        {"metric": TPR, "attribute": "side", "at_least": 0.1},
        {"metric": "ece", "attribute": "side", "group": "a", "at_most": 0.1},
    )


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        # The gap between the teacher's TPRs is 1/6.
        ({"metric": TPR, "attribute": "side", "at_most": 0.3}, 1 / 6 + 0.3),
        ({"metric": TPR, "attribute": "side", "at_most": 0.9}, 1),
        ({"metric": TPR, "attribute": "side", "at_most": -0.2}, 0),
    ],
)
def test_a_bound_against_the_teacher_is_of_its_gap_of_that_seed(found, fields, bound):
    first, *_ = asked(found, fields | {"against": TEACHER})
    assert first.at_most == pytest.approx(bound)


@pytest.mark.parametrize(
    ("group", "least", "floor"),
    [("a", -0.05, 0.75), ("b", -0.05, 0.85), ("b", 0.3, 1), ("a", -0.9, 0)],
)
def test_a_floor_against_the_teacher_is_of_its_accuracy(found, group, least, floor):
    fields = {**ACCURACY, "group": group, "at_least": least, "against": TEACHER}
    (only,) = asked(found, fields)
    assert only.floor == {"accuracy": pytest.approx(floor)}


def test_a_group_that_validation_lacks_is_named(found):
    nobody = dataclasses.replace(found, truth={"validation": truth(LABELS, {
        **GROUPS, "side": np.zeros(20, int)})})  # fmt: skip
    fields = {**ACCURACY, "group": "a", "at_least": 0.0, "against": TEACHER}
    with pytest.raises(ValueError, match=r"c0\.group: no example .* validation .*'a'"):
        asked(nobody, fields)


def test_an_accuracy_that_is_to_be_low_has_no_floor(found):
    (only,) = asked(found, {**ACCURACY, "group": "a", "at_most": 0.9})
    assert only.floor == {"accuracy": 0}


def test_a_remedy_says_what_it_asks():
    both = Remedy("side", TPR, 0.125, {"accuracy": 0.8}, 1.5)
    assert both.title == (
        "thresholds by side: equal opportunity difference at most 0.125 and accuracy "
        "of each at least 0.8, 1.5 standard errors kept free"
    )
    assert Remedy("age", None, None, {"accuracy": 0.8}, 0.0).title == (
        "thresholds by age: accuracy of each at least 0.8, 0 standard errors kept free"
    )


class Asked:
    """In place of what is fitted: keeps what it gets, moves logits by its number."""

    made: list["Asked"]

    def __init__(self, **constraint):
        self.constraint = constraint

    def fit(self, logits, labels, groups, *, sample_weight):
        self.logits, self.labels, self.groups = logits, labels, groups
        self.weights = sample_weight
        self.made.append(self)
        return self

    def move(self, logits, codes, names):
        return np.add(logits, [100 * len(self.made), 10 * codes[0]])


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(Asked, "made", [], raising=False)
    for name in ("GroupThresholds", "GroupOffsets"):
        monkeypatch.setattr(remedies, name, type(name, (Asked,), {}))
    return Asked.made


def test_fewer_examples_keep_the_same_room(found, made):
    result = found.models[next(m for m in found.models if m.name == DS)][1]
    remedy = Remedy("age", TPR, 0.3, {"accuracy": 0.5}, 1.5)
    options = Mitigation(min_examples=9)
    remedies.fit(found, result, remedy, options)
    weights = np.repeat([1.0, 0.0], [13, 7])
    remedies.fit(found, result, remedy, options, weights)
    remedies.fit(found, result, remedy, Mitigation(min_examples=1), weights)
    constraint = {"gap": TPR, "at_most": 0.3, "floor": {"accuracy": 0.5}}
    constraint["from_logits"] = True
    assert [one.constraint for one in made] == [
        {**constraint, "margin": 1.5, "min_examples": 9},
        # 13 of 20 examples: 5.85 of 9.
        {**constraint, "margin": 1.5 * math.sqrt(0.65), "min_examples": 5},
        {**constraint, "margin": 1.5 * math.sqrt(0.65), "min_examples": 1},
    ]
    assert [type(one).__name__ for one in made] == ["GroupThresholds"] * 3
    first, second, _ = made
    assert first.weights is None
    np.testing.assert_array_equal(second.weights, weights)
    np.testing.assert_array_equal(second.labels, LABELS)
    np.testing.assert_array_equal(
        second.groups, np.array(["young", "adult", "old"])[GROUPS["age"]]
    )
    np.testing.assert_array_equal(second.logits, result.logits["validation"])


def test_several_classes_get_offsets(made):
    spec = DatasetSpec("three", PEOPLE.features, "y", ("r", "g", "b"), PEOPLE.groups)
    truths = {"validation": truth(LABELS, GROUPS)}
    several = study(spec, truths, {STUDENT: {"validation": LABELS}})
    (result,) = several.results
    remedy = Remedy("side", TPR, 0.3, {}, 2.0)
    remedies.fit(several, result, remedy, Mitigation(min_examples=7))
    (one,) = made
    assert type(one).__name__ == "GroupOffsets"
    constraint = {"gap": TPR, "at_most": 0.3, "floor": {}, "margin": 2.0}
    assert one.constraint == {**constraint, "min_examples": 7}


def test_each_fifth_is_moved_by_what_the_other_four_gave(made):
    # Of a cell of ten examples, each fifth has two.
    labels = np.tile([1, 0], 20)
    side = np.repeat([0, 1], 20)
    truths = {"validation": truth(labels, {"side": side, "age": side})}
    two = study(PEOPLE, truths, {STUDENT: {"validation": 1 - labels}})
    (result,) = two.results
    remedy = Remedy("side", TPR, 0.3, {}, 2.0)
    moved = remedies.held_out(two, result, remedy, Mitigation(min_examples=5))
    assert moved.dtype == np.float32
    by = (moved - result.logits["validation"])[:, 0] / 100
    assert len(made) == 5
    for number, one in enumerate(made, 1):
        np.testing.assert_array_equal(one.weights, by != number)
        assert one.constraint["min_examples"] == 4  # 32 of 40 examples.
        for cell in range(4):
            here = (side == cell // 2) & (labels == cell % 2)
            assert ((by == number) & here).sum() == 2
    # Within a cell they are dealt out by chance, not in the order of the file: always
    # by the same chance, so that a mitigation can be repeated.
    chance = np.random.default_rng(0).permutation(40)
    here = np.flatnonzero((side == 1) & (labels == 1))
    dealt = here[np.argsort(chance[here])]
    assert by[dealt].tolist() == [1, 2, 3, 4, 5] * 2
    assert by[here].tolist() != [1, 2, 3, 4, 5] * 2
