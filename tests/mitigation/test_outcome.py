"""What mending changed, of nine people, by hand."""

import json

import numpy as np
import pytest

from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.outcome import Outcome, before_and_after

EO, DPD = "equal_opportunity_difference", "demographic_parity_difference"
# a: three positives, of which 1 and then 3 are found, and one negative; b: two
# positives, of which both and then one are found, three negatives, of which one and
# then none are taken for positives.
GROUPS = np.array(["a"] * 4 + ["b"] * 5, object)
LABELS = np.array([1, 1, 1, 0, 1, 1, 0, 0, 0])
BEFORE = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0])
AFTER = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0])


def outcome(gap=EO, floor=(), groups=GROUPS, units=None, weights=None, **options):
    constraint = Constraint(gap, None if gap is None else 0.25, dict(floor))
    given = {"labels": LABELS, "before": BEFORE, "after": AFTER} | options
    titles = groups if units is None else units
    found = before_and_after(
        groups=groups,
        units=titles,
        weights=np.ones(len(groups)) if weights is None else np.array(weights),
        constraint=constraint,
        **{"num_classes": 2} | given,
    )
    return Outcome(constraint, kept_free=0.0, shared=(), unchanged=(), **found)


def test_who_wins_and_who_loses():
    found = outcome()
    a, b = found.groups
    assert (a.group, a.examples, a.counted, a.gained, a.lost) == ("a", 4, 3, 2, 1)
    assert (b.group, b.examples, b.counted, b.gained, b.lost) == ("b", 5, 2, 1, 1)
    assert (a.benefit, a.accuracy) == ((1 / 3, 1), (2 / 4, 3 / 4))
    assert (b.benefit, b.accuracy) == ((1, 1 / 2), (4 / 5, 4 / 5))
    assert (a.selected, b.selected) == ((1, 4), (3, 1))
    assert found.gap == pytest.approx((2 / 3, 1 / 2))
    assert found.accuracy == pytest.approx((6 / 9, 7 / 9))
    # b alone falls, and everybody in a is given the same class.
    assert (found.levelled_down, found.trivial) == (False, ("a",))


def test_all_of_it_is_printed():
    # Columns are as wide as what is in them.
    lines = [" ".join(line.split()) for line in str(outcome()).splitlines()]
    assert "a 4 1 -> 4 2 1 50.0 -> 75.0 3 33.3 -> 100.0" in lines
    assert "b 5 3 -> 1 1 1 80.0 -> 80.0 2 100.0 -> 50.0" in lines


@pytest.mark.parametrize(
    ("gap", "columns"),
    [
        (EO, ["positives", "true positive rate %"]),
        ("equalized_odds_difference", ["positives", "true positive rate %"]),
        ("false_positive_rate_difference", ["negatives", "true negative rate %"]),
        (DPD, ["selection rate %"]),
        ("accuracy_gap", []),
    ],
)
def test_the_table_shows_the_benefit_of_the_gap(gap, columns):
    table = outcome(gap).table()
    shared = ["group", "examples", "given class 1", "now right", "now wrong"]
    assert list(table.columns) == [*shared, "accuracy %", *columns]


def test_of_three_classes_the_accuracy_is_the_benefit():
    found = outcome(after=np.array([2, 1, 1, 0, 1, 1, 0, 0, 0]), num_classes=3)
    assert (found.benefit, found.num_classes, found.trivial) == ("accuracy", 3, ())
    # a: 3 of 4 and not 2 of 4; b: 5 of 5 and not 4 of 5.
    assert [change.benefit for change in found.groups] == [(0.5, 0.75), (0.8, 1)]
    names = list(found.table().columns)
    assert names == ["group", "examples", "now right", "now wrong", "accuracy %"]
    # TPR of class 0 is 1 and 2/3, of class 1 1/3 and 1: class 2 has nobody. After it
    # they are 1 and 1, and 2/3 and 1.
    assert found.gap == pytest.approx(((1 / 3 + 2 / 3) / 2, (0 + 1 / 3) / 2))


def test_levelled_down_is_where_the_benefit_of_every_group_falls():
    nobody = np.zeros(9, int)
    assert outcome(after=nobody).levelled_down
    assert outcome(after=nobody).trivial == ("a", "b")
    # A group of which nobody counts does not matter.
    groups = np.array(["a"] * 3 + ["c"] + ["b"] * 5, object)
    assert outcome(after=nobody, groups=groups).levelled_down
    # Not where it stays as it is, nor where nobody counts.
    assert not outcome(after=BEFORE).levelled_down
    kept = np.array([1, 0, 0, 0, 1, 0, 0, 0, 0])
    assert not outcome(after=kept).levelled_down
    assert not outcome(labels=0 * LABELS, after=nobody).levelled_down


def test_a_group_whose_members_had_the_same_class_before_is_not_named():
    every = np.ones(9, int)
    assert outcome(before=every, after=every).trivial == ()
    only_a = np.array([1, 1, 1, 1, 1, 0, 1, 1, 0])
    assert outcome(before=only_a, after=every).trivial == ("b",)


def test_weights_count_in_rates_and_people_in_numbers():
    weights = [1, 3, 0, 1, 0.5, 0.5, 1, 1, 1]
    found = outcome(weights=weights)
    a, b = found.groups
    # One of weight 0 is not there: of the others in a 1 of 4, and then all 4, are
    # found; it is as if its weight were the number of people.
    assert (a.examples, a.counted, a.gained, a.lost, a.selected) == (3, 2, 1, 1, (1, 3))
    assert (a.benefit, a.accuracy) == ((1 / 4, 1), (2 / 5, 4 / 5))
    assert b.benefit == (1, 1 / 2)
    assert found.accuracy == pytest.approx((5 / 9, 7.5 / 9))


def test_the_gap_is_that_of_the_units():
    groups = np.array(["a"] * 3 + [None] + ["b", "c", "c", "c", None], object)
    units = np.array(["a"] * 3 + [None] + ["b with c"] * 4 + [None], object)
    found = outcome(groups=groups, units=units)
    # TPR 1/3 and 2/2, then 3/3 and 1/2.
    assert found.gap == pytest.approx((2 / 3, 1 / 2))
    assert [change.group for change in found.groups] == ["a", "b", "c"]
    # Those without a group are among all examples.
    assert found.accuracy == pytest.approx((6 / 9, 7 / 9))


def test_numbers_that_are_undefined_are_null_in_json():
    groups = np.array(["a"] * 3 + ["c"] + ["b"] * 5, object)
    floors = {"true_positive_rate": 0.5, "accuracy": 0.5}
    found = outcome(None, floors, groups=groups)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["gap"] == [None, None]
    assert document["groups"]["c"]["benefit"] == [None, None]
    assert document["groups"]["a"]["selected"] == [1, 3]
    assert document["constraint"]["floor"] == floors
    assert next(found.sentences()) == (
        "On the fitted examples every group has a true positive rate of at least "
        "50.0 % and accuracy of at least 50.0 %; accuracy goes from 66.7 % to 77.8 %."
    )
    assert repr(found) == str(found)
