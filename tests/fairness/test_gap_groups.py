"""Which groups decide a gap, and which are left out, against counts by hand."""

import pytest

from kd_keras.fairness import GroupCounts
from kd_keras.fairness.gap_groups import GroupSize
from kd_keras.fairness.gaps import notes_of
from kd_keras.fairness.names import attribute_name, log_name, parts

# Positives, and examples, of each group: a 2 of 4, b 1 of 4, c 1 of 2.
LABELS = [1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1]
PREDICTIONS = [1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1]
GROUPS = [*"aaaabbbbcc", None]
COUNTS = GroupCounts.from_predictions(LABELS, PREDICTIONS, groups={"g": GROUPS})


def test_deciding_groups_have_their_examples():
    # Selected: 2 of 4, 1 of 4, 0 of 2.
    (found,) = COUNTS.demographic_parity_difference().deciding
    assert found == (1, ("c", 2, "selection_rate", 2), ("a", 4, "selection_rate", 4))
    # TPR 1/2, 1, 0; FPR 1/2, 0, 0: TPR decides, of c's one positive and b's.
    (found,) = COUNTS.equalized_odds_difference().deciding
    assert found.lowest == ("c", 2, "true_positive_rate", 1)
    assert found.highest == ("b", 4, "true_positive_rate", 1)
    assert str(found.highest) == "b: 4 examples, 1 of them positives"


def test_left_out_groups_are_named_with_their_examples():
    gap = COUNTS.demographic_parity_difference(min_examples=3)
    assert gap.left_out == (("c", 2, "selection_rate", 2),)
    assert gap.without_group == 1
    assert gap.notes() == [
        "c: 2 examples, not compared",
        "1 example without a group, not compared",
    ]
    # Positives 2, 1, 1 and negatives 2, 3, 1: b lacks its TPR alone, c both rates.
    gap = COUNTS.equalized_odds_difference(min_examples=2)
    assert gap.left_out == (
        ("b", 4, "true_positive_rate", 1),
        ("c", 2, "true_positive_rate", 1),
    )
    assert gap.deciding == ()
    assert gap.notes()[0] == "b: 4 examples, 1 of them positives, not compared"
    assert COUNTS.accuracy_gap().left_out == ()


def test_zero_and_one_leave_nothing_out():
    for least in (0, 1):
        gap = COUNTS.demographic_parity_difference(min_examples=least)
        assert (float(gap), gap.left_out) == (0.5, ())
        change = COUNTS.gap_interval("accuracy_gap", "g", min_examples=least)
        # Right: a 2 of 4, b 4 of 4, c 1 of 2.
        assert change.value == 0.5


def test_a_group_that_is_too_small_as_a_whole_is_named_once():
    dpd = COUNTS.demographic_parity_difference(min_examples=3)
    eod = COUNTS.equalized_odds_difference(min_examples=3)
    assert eod.notes()[-2] == "c: 2 examples, 1 of them positives, not compared"
    assert notes_of([eod, dpd]) == [
        # One positive of b; all of c are too few; a has two of each.
        "a: 4 examples, 2 of them positives, not compared",
        "b: 4 examples, 1 of them positives, not compared",
        "c: 2 examples, not compared",
        "1 example without a group, not compared",
    ]
    assert notes_of([]) == []


def test_crossed_groups_have_one_name():
    counts = GroupCounts.from_predictions(
        [1, 1, 0], [1, 0, 0], groups={"r": ["A", "A", "B"], "s": ["m", "m", "f"]}
    )
    gap = counts.accuracy_gap(("r", "s"), min_examples=2)
    assert gap.notes() == ["B, f: 1 example, not compared"]


@pytest.mark.parametrize(
    ("attribute", "of", "name", "logged"),
    [
        ("sex", ("sex",), "sex", "sex"),
        (("sex", "race"), ("sex", "race"), "sex x race", "sex_x_race"),
        (("sex",), ("sex",), "sex", "sex"),
        ((), (), "", ""),
    ],
)
def test_crossed_attributes_have_one_name(attribute, of, name, logged):
    assert parts(attribute) == of
    assert (attribute_name(attribute), log_name(attribute)) == (name, logged)


def test_several_classes_decide_each_for_itself():
    # Right: a 1 of 2 and b 2 of 2; class 0 is predicted for 2 of 2 against 1 of 2.
    counts = GroupCounts.from_predictions(
        [0, 1, 0, 2], [0, 0, 0, 2], groups={"g": list("aabb")}
    )
    gap = counts.demographic_parity_difference()
    assert [d.positive_class for d in gap.deciding] == [0, 1, 2]
    assert [d.lowest.group for d in gap.deciding] == ["b", "a", "a"]
    assert gap.lowest is None
    # Selected of a and of b: 2 and 1 of 2, 0 and 0, 0 and 1; all gaps are 1/2 or 0.
    assert gap.by_class.tolist() == [0.5, 0, 0.5]
    assert gap.widest == gap.deciding[0]
    assert str(gap.widest) == "b (2 examples) and a (2 examples)"
    ratio = counts.demographic_parity_ratio()
    # The least ratio is the most unequal one: 1/2, undefined, 0.
    assert ratio.widest.positive_class == 2
    assert counts.accuracy_gap().deciding[0].positive_class is None


@pytest.mark.parametrize(
    ("rate", "examples", "denominator", "size"),
    [
        ("true_positive_rate", 1040, 3, "1,040 examples, 3 of them positives"),
        ("false_positive_rate", 5, 4, "5 examples, 4 of them negatives"),
        ("precision", 5, 4, "5 examples, 4 of them predicted positives"),
        # All of them say nothing more, whatever the rate is.
        ("true_positive_rate", 4, 4, "4 examples"),
        ("selection_rate", 1, 1, "1 example"),
    ],
)
def test_a_size_says_what_a_rate_rests_on(rate, examples, denominator, size):
    assert GroupSize("a", examples, rate, denominator).size == size


def test_of_several_classes_the_one_with_the_fewest_examples_is_left_out():
    # Of a: labels 0, 0, 0, 1, 1, 2; of b three of each; of c none of 1 and one of 0.
    labels = [0, 0, 0, 1, 1, 2, *[0, 1, 2] * 3, 0, 2, 2]
    counts = GroupCounts.from_predictions(
        labels, labels, groups={"g": [*"aaaaaabbbbbbbbbccc"]}
    )
    gap = counts.equal_opportunity_difference(min_examples=2)
    assert gap.left_out == (
        ("a", 6, "true_positive_rate", 1),
        ("c", 3, "true_positive_rate", 0),
    )
    assert gap.undefined == (
        ("true_positive_rate", 0, ("c",)),
        ("true_positive_rate", 1, ("c",)),
        ("true_positive_rate", 2, ("a",)),
    )
    assert [d.positive_class for d in gap.deciding] == [0, 1, 2]
