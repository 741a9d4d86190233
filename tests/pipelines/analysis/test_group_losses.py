"""What groups lose by a student, against counts and intervals worked by hand."""

import dataclasses
import math

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth
from scipy import stats

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.group_losses import losses, measures_of
from pipelines.analysis.loss_table import loss_table
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

STUDENT = Model.named(DS, 4.0)
NO_GROUPS = DatasetSpec("plain", {}, "y", ("no", "yes"), {})


def two_groups(a: int = 40, b: int = 60, wrong_a: int = 20, spec=PEOPLE, **options):
    """The teacher is right of all; the student has the first `wrong_a` of a wrong.

    Half of each group is "yes": in turn no, yes, no, yes.
    """
    labels = np.arange(a + b) % 2
    side = np.repeat([1, 0], [a, b])  # PEOPLE names them b, a.
    groups = {"side": side, "age": np.zeros(a + b, int)} if spec.groups else {}
    student = np.where(np.arange(a + b) < wrong_a, 1 - labels, labels)
    answers = {
        Run(TEACHER, 0): {"test": labels},
        Run(NDS, 0): {"test": student},
        Run(DS, 0, 4.0): {"test": student},
    }
    return study(spec, {"test": truth(labels, groups)}, answers, **options)


def only(found, measure, group):
    (row,) = (r for r in found.groups if (r.measure.name, r.group) == (measure, group))
    return row


def test_losses_are_counted_by_hand():
    found = losses(two_groups(), STUDENT)
    row = only(found, "accuracy", "a")
    assert (row.examples, row.teacher, row.student.value) == (40, 0.0, 0.5)
    assert row.loss.value == 0.5
    # Everyone else has no error: a loses all that it loses more than the others.
    assert row.excess.value == 0.5
    assert (row.fails, row.gains) == (True, False)
    # 10 of the 20 wrong ones are "yes", and 10 are "no".
    assert only(found, "true_positive_rate", "a").loss.value == 0.5
    assert only(found, "false_positive_rate", "a").examples == 20
    b = only(found, "accuracy", "b")
    assert (b.loss.value, b.excess.value) == (0.0, -0.5)
    assert (b.fails, b.gains) == (False, False)


def test_the_worst_of_the_sure_ones_is_first():
    # 4 of 12 of a, more than 60 of 400 of b: but the few cannot be told from chance.
    labels = np.zeros(412, int)
    side = np.repeat([1, 0], [12, 400])
    wrong = np.zeros(412, int)
    wrong[:4] = wrong[12:72] = 1
    answers = {
        Run(TEACHER, 0): {"test": labels},
        Run(DS, 0, 4.0): {"test": wrong},
    }
    truths = {"test": truth(labels, {"side": side, "age": np.full(412, -1)})}
    found = losses(study(PEOPLE, truths, answers), STUDENT).groups
    of_side = [
        (row.group, round(row.loss.value, 2), row.fails)
        for row in found
        if row.measure.name == "accuracy"
    ]
    assert of_side == [("b", 0.15, True), ("a", 0.33, False)]


def test_sure_gains_come_between_sure_losses_and_what_is_not_sure():
    labels = np.zeros(400, int)
    side = np.repeat([1, 0], 200)
    teacher, student = np.zeros(400, int), np.zeros(400, int)
    student[:80] = 1  # a loses 40 of 100,
    teacher[200:280] = 1  # and b gains as many. Young: neither.
    answers = {Run(TEACHER, 0): {"test": teacher}, Run(DS, 0, 4.0): {"test": student}}
    groups = {"side": side, "age": np.zeros(400, int)}
    found = losses(study(PEOPLE, {"test": truth(labels, groups)}, answers), STUDENT)
    states = [
        (row.group, row.fails, row.gains)
        for row in found.groups
        if row.measure.name == "accuracy"
    ]
    assert states == [
        ("a", True, False),
        ("b", False, True),
        ("young", False, False),
    ]


def test_intervals_are_bonett_and_prices_and_hold_together():
    # Bonett & Price (2012): one example more on either side.
    # Side a, side b and age young, each in three rates: nine comparisons. Normal
    # quantiles of Sidak's one-sided levels: 1 - (1 - alpha / 2) ** (1 / 9).
    row = only(losses(two_groups(), STUDENT), "accuracy", "a")
    z = stats.norm.isf(1 - 0.975 ** (1 / 9))
    p12, p21 = 21 / 42, 1 / 42
    half = z * math.sqrt((p12 + p21 - (p12 - p21) ** 2) / 42)
    assert row.loss.low == pytest.approx(p12 - p21 - half, abs=1e-12)
    assert row.loss.high == pytest.approx(p12 - p21 + half, abs=1e-12)


def test_sure_is_what_is_beyond_0_in_the_interval_and_in_every_seed():
    row = only(losses(two_groups(), STUDENT), "accuracy", "a")
    for low, high, by_seed, fails, gains in (
        (0.1, 0.3, (0.1, 0.3), True, False),
        (0.0, 0.3, (0.1, 0.3), False, False),
        (0.1, 0.3, (0.0, 0.3), False, False),
        (-0.3, -0.1, (-0.3, -0.1), False, True),
        (-0.3, 0.0, (-0.3, -0.1), False, False),
        (-0.3, -0.1, (-0.3, 0.0), False, False),
    ):
        loss = dataclasses.replace(row.loss, low=low, high=high)
        other = dataclasses.replace(row, loss=loss, by_seed=by_seed)
        assert (other.fails, other.gains) == (fails, gains)


# Of 40 of a and 60 of b: both wrong, the student alone, the teacher alone.
A, B = (40, 2, 20, 4), (60, 5, 3, 9)


def of_counts():
    wrong = [
        np.concatenate([np.isin(kinds_of(group), of) for group in (A, B)])
        for of in ((0, 2), (0, 1))
    ]
    teacher, student = (of.astype(int) for of in wrong)
    groups = {"side": np.repeat([1, 0], [40, 60]), "age": np.full(100, -1)}
    answers = {Run(TEACHER, 0): {"test": teacher}, Run(DS, 0, 4.0): {"test": student}}
    return study(PEOPLE, {"test": truth(np.zeros(100, int), groups)}, answers)


def kinds_of(group):
    size, *kinds = group
    return np.repeat([0, 1, 2, 3], [*kinds, size - sum(kinds)])


def bonett_price(group, z):
    size, _, introduced, repaired = group
    p12, p21 = (introduced + 1) / (size + 2), (repaired + 1) / (size + 2)
    half = z * math.sqrt((p12 + p21 - (p12 - p21) ** 2) / (size + 2))
    return p12 - p21 - half, p12 - p21 + half


@pytest.mark.parametrize("students", [1, 3])
def test_both_directions_count_and_the_others_are_other_examples(students):
    found = losses(of_counts(), STUDENT, students=students)
    row, b = (only(found, "accuracy", name) for name in "ab")
    assert (row.teacher, row.student.value) == (6 / 40, 22 / 40)
    ends = stats.binomtest(22, 40).proportion_ci(0.95, "wilson")
    assert (row.student.low, row.student.high) == pytest.approx(tuple(ends))
    assert row.loss.value == pytest.approx(16 / 40)
    assert b.loss.value == pytest.approx(-6 / 60)
    # Accuracy and false positive rate of two sides; there are no positives.
    z = stats.norm.isf(1 - 0.975 ** (1 / (4 * students)))
    (low, high), (low_b, high_b) = (bonett_price(group, z) for group in (A, B))
    assert (row.loss.low, row.loss.high) == pytest.approx((low, high), abs=1e-12)
    assert (b.loss.low, b.loss.high) == pytest.approx((low_b, high_b), abs=1e-12)
    # MOVER: squares of the distances from .4 and -.1 add up.
    assert row.excess.value == pytest.approx(0.5)
    below, above = (math.hypot(0.4 - low, high_b + 0.1),
                    math.hypot(high - 0.4, -0.1 - low_b))  # fmt: skip
    assert row.excess.low == pytest.approx(0.5 - below)
    assert row.excess.high == pytest.approx(0.5 + above)


def test_where_there_is_no_one_else_there_is_no_excess():
    row = only(losses(two_groups(), STUDENT), "accuracy", "young")
    assert math.isnan(row.excess.value)
    assert row.excess.reason == "there is no one else"


def test_a_rate_of_too_few_examples_is_named_with_its_group():
    few = of_counts()
    labels = np.zeros(100, int)
    labels[[3, 50, 51, 52]] = 1
    few.truth["test"] = truth(labels, few.truth["test"].groups)
    few.config["evaluation"]["min_examples"] = 3
    found = losses(few, STUDENT)
    assert found.left_out == {"side a (true positive rate)": 1}
    assert only(found, "true_positive_rate", "b").examples == 3


def test_small_groups_are_named_and_not_compared():
    few = two_groups(a=8, wrong_a=8)
    few.config["evaluation"]["min_examples"] = 10
    found = losses(few, STUDENT)
    # Of four positives and four negatives nothing is compared either.
    assert found.left_out == {"side a": 8}
    assert {row.group for row in found.groups} == {"b", "young"}


def test_without_attributes_classes_are_the_groups():
    found = losses(two_groups(spec=NO_GROUPS), STUDENT)
    assert [(r.attribute, r.group) for r in found.groups] == [
        ("class", "no"),
        ("class", "yes"),
    ]
    # 10 of the 50 of each class.
    assert {r.loss.value for r in found.groups} == {0.2}


def test_a_loss_in_one_seed_alone_is_not_sure():
    labels = np.zeros(200, int)
    answers = {Run(TEACHER, seed): {"test": labels} for seed in (0, 1)}
    answers[Run(DS, 0, 4.0)] = {"test": np.repeat([1, 0], 100)}
    answers[Run(DS, 1, 4.0)] = {"test": labels}
    truths = {"test": truth(labels, {"side": labels, "age": labels})}
    found = losses(study(PEOPLE, truths, answers), STUDENT)
    row = only(found, "accuracy", "b")
    assert row.by_seed == (0.5, 0.0)
    in_table = loss_table([found]).rows[0]
    assert (in_table["seeds"], in_table["seeds_losing"]) == (2, 1)
    assert row.loss.value == 0.25
    assert row.loss.low > 0
    assert not row.fails


def test_without_a_teacher_nothing_is_compared():
    labels = np.zeros(20, int)
    truths = {"test": truth(labels, {"side": labels, "age": labels})}
    alone = study(PEOPLE, truths, {Run(DS, 0, 4.0): {"test": labels}})
    assert losses(alone, STUDENT).groups == []


def test_table_has_every_group_and_measure():
    table = loss_table([losses(two_groups(), STUDENT)])
    assert len(table.rows) == 9
    first = table.rows[0]
    assert (first["attribute"], first["group"]) == ("side", "a")
    # Of "no" a has half wrong: the false positive rate is 50 %, the teacher's is 0.
    row = next(
        r
        for r in table.rows
        if (r["measure"], r["group"]) == ("false_positive_rate", "a")
    )
    assert (row["teacher"], row["student"], row["loss"]) == (0.0, 0.5, 0.5)


THREE = DatasetSpec("three", {}, "y", ("red", "green", "blue"), PEOPLE.groups)


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (PEOPLE, ["accuracy", "true_positive_rate", "false_positive_rate"]),
        (NO_GROUPS, ["accuracy"]),
        (THREE, ["accuracy"]),
    ],
)
def test_rates_of_labels_are_of_groups_of_two_classes(spec, names):
    assert [m.name for m in measures_of(two_groups(spec=spec))] == names
    found = losses(two_groups(spec=spec), STUDENT)
    assert {row.measure.name for row in found.groups} == {*names}


def test_another_base_may_stand_in_the_teachers_place():
    # The student has of a what nds has: against it nothing is lost.
    found = losses(two_groups(), STUDENT, Model.named(NDS))
    row = only(found, "accuracy", "a")
    assert (row.teacher, row.student.value, row.loss.value) == (0.5, 0.5, 0.0)
    assert [row.place for row in found.groups] == sorted(r.place for r in found.groups)


def test_who_and_what_a_loss_is_about():
    row = only(losses(two_groups(), STUDENT), "false_positive_rate", "a")
    assert row.who == "side a"
    assert row.key == (row.measure, "side", "a")
    assert row.measure.title == "false positive rate"
    assert row.model == STUDENT


def test_a_gain_is_at_least_minus_everything():
    # The teacher has all ten of a wrong, the student none: an end is cut off at -1.
    labels = np.zeros(20, int)
    side = np.repeat([1, 0], 10)
    teacher = {"test": np.repeat([1, 0], 10)}
    answers = {Run(TEACHER, 0): teacher, Run(DS, 0, 4.0): {"test": labels}}
    truths = {"test": truth(labels, {"side": side, "age": np.full(20, -1)})}
    made = study(PEOPLE, truths, answers)
    row = only(losses(made, STUDENT), "accuracy", "a")
    assert (row.loss.value, row.loss.low) == (-1, -1)
    assert (row.teacher, row.gains, row.fails) == (1, True, False)
    turned = {Run(TEACHER, 0): answers[Run(DS, 0, 4.0)], Run(DS, 0, 4.0): teacher}
    row = only(losses(study(PEOPLE, truths, turned), STUDENT), "accuracy", "a")
    assert (row.loss.value, row.loss.high) == (1, 1)


def test_columns_of_the_table():
    table = loss_table([losses(two_groups(), STUDENT)])
    assert table.csv().splitlines()[0] == (
        "attribute,group,model,temperature,measure,examples,teacher,student,loss,"
        "lower,upper,excess,excess_lower,excess_upper,seeds,seeds_losing"
    )
    row = table.rows[0]
    assert (row["measure"], row["teacher"], row["student"]) == ("accuracy", 1, 0.5)
    assert (row["seeds"], row["seeds_losing"], row["loss"]) == (1, 1, 0.5)


def test_a_group_of_just_enough_examples_is_compared():
    for least, there in ((8, True), (9, False)):
        few = two_groups(a=8, wrong_a=8)
        few.config["evaluation"]["min_examples"] = least
        found = losses(few, STUDENT)
        accuracies = [r.group for r in found.groups if r.measure.name == "accuracy"]
        assert ("a" in accuracies) == there
        assert ("side a" in found.left_out) != there


def test_nobody_is_compared_where_no_seed_has_both():
    made = two_groups()
    answers = {r.run: dict(r.logits) for r in made.results if r.run.model != DS}
    answers[Run(DS, 5, 4.0)] = answers[Run(NDS, 0)]
    assert losses(study(PEOPLE, made.truth, answers), STUDENT) == ([], {})
