"""Building, merging and storing counts; bad input."""

import dataclasses
import io
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
    disagreement_matrix,
)
from kd_keras.fairness.prediction_counts import PredictionCounts


def random_examples(seed, size=300, num_classes=3):
    rng = np.random.default_rng(seed)
    return {
        "y_true": rng.integers(0, num_classes, size),
        "y_pred": rng.integers(0, num_classes, size),
        "groups": {
            "color": rng.choice(["red", "green", "blue", None], size),
            "size": rng.choice([1, 2, 10], size),
        },
        "sample_weight": rng.choice([0.1, 0.2, 0.7, 3.0], size),
    }


def counts_of(examples, chosen=slice(None)):
    return GroupCounts.from_predictions(
        examples["y_true"][chosen],
        examples["y_pred"][chosen],
        groups={name: g[chosen] for name, g in examples["groups"].items()},
        sample_weight=examples["sample_weight"][chosen],
        num_classes=3,
    )


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 9), st.lists(st.integers(0, 300)), st.randoms())
def test_any_split_order_and_grouping_merge_to_the_same_counts(seed, cuts, random):
    examples = random_examples(seed)
    edges = [0, *sorted(cuts), 300]
    parts = [
        counts_of(examples, slice(start, stop))
        for start, stop in itertools.pairwise(edges)
    ]
    random.shuffle(parts)
    whole = counts_of(examples)
    assert GroupCounts.merge(iter(parts)) == whole
    while len(parts) > 1:
        i = random.randrange(len(parts) - 1)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    assert parts[0] == whole
    # Equal counts give equal bits, whatever the order of the weights was.
    assert float(parts[0].equalized_odds_difference("color")) == float(
        whole.equalized_odds_difference("color")
    )


def test_counts_do_not_depend_on_the_order_of_examples():
    examples = random_examples(0)
    order = np.random.default_rng(1).permutation(300)
    assert counts_of(examples, order) == counts_of(examples)


def test_empty_counts_are_neutral():
    examples = random_examples(0)
    empty = counts_of(examples, slice(0))
    assert empty.num_examples == 0
    assert empty + counts_of(examples) == counts_of(examples)
    gap = empty.demographic_parity_difference("color")
    assert math.isnan(gap.value)
    assert gap.reason == "needs at least two groups, has 0: []"
    assert math.isnan(empty.accuracy("color").overall)
    assert math.isnan(empty.gap_interval("accuracy_gap", "color").low)


def test_weight_zero_is_absent():
    examples = random_examples(0)
    absent = examples["groups"]["size"] == 10
    examples["sample_weight"][absent] = 0
    assert counts_of(examples) == counts_of(examples, ~absent)
    assert counts_of(examples).groups["size"] == (1, 2)


def test_integer_weights_repeat_examples():
    y, p, g = [1, 0, 1, 0], [1, 1, 0, 0], list("aabb")
    weighted = GroupCounts.from_predictions(
        y, p, groups={"g": g}, sample_weight=[3, 1, 2, 1]
    )
    repeated = GroupCounts.from_predictions(
        np.repeat(y, [3, 1, 2, 1]),
        np.repeat(p, [3, 1, 2, 1]),
        groups={"g": np.repeat(g, [3, 1, 2, 1])},
    )
    assert (
        weighted.selection_rate().by_group
        == repeated.selection_rate().by_group
        == {"a": 1.0, "b": 0.0}
    )
    assert weighted.num_examples == 4


@pytest.mark.parametrize("cls", [GroupCounts, PairedCounts])
def test_arrays_restore_the_counts_without_pickle(cls):
    examples = random_examples(0)
    predictions = [examples["y_pred"]] * (2 if cls is PairedCounts else 1)
    counts = cls.from_predictions(
        examples["y_true"], *predictions, groups=examples["groups"]
    )
    file = io.BytesIO()
    np.savez(file, **counts.to_arrays())
    file.seek(0)
    restored = cls.from_arrays(np.load(file, allow_pickle=False))
    assert restored == counts
    assert restored + counts == counts + counts


@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", None, "b"],
        [b"b", b"a", None, b"b"],
        [np.str_("b"), "a", None, "b"],
        np.array(["b", "a", None, "b"], object),
        ["b", "a", math.nan, "b"],
    ],
    ids=["strings", "bytes", "numpy", "array", "nan"],
)
def test_forms_of_string_groups(values):
    counts = GroupCounts.from_predictions([0] * 4, [0] * 4, groups={"g": values})
    assert counts.accuracy().examples == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "values",
    [[7, 2, None, 7], np.array([7, 2, np.nan, 7]), [7, np.int64(2), math.nan, 7.0]],
    ids=["list", "float array", "mixed numbers"],
)
def test_forms_of_integer_groups(values):
    counts = GroupCounts.from_predictions([0] * 4, [0] * 4, groups={"g": values})
    assert counts.accuracy().examples == {2: 1, 7: 2}


def test_group_missing_in_one_crossed_attribute_is_in_no_crossed_group():
    counts = GroupCounts.from_predictions(
        [1, 1, 1],
        [1, 0, 1],
        groups={"s": ["f", "f", None], "q": ["x", "y", "y"]},
    )
    assert counts.accuracy(("s", "q")).examples == {("f", "x"): 1, ("f", "y"): 1}
    # Nor in one that nobody belongs to, the last of its attribute.
    counts = GroupCounts.from_predictions(
        [1, 1, 1, 1],
        [1, 0, 1, 1],
        groups={"s": ["f", "m", None, None], "q": ["x", "x", "y", "y"]},
    )
    assert counts.accuracy(("s", "q")).examples == {("f", "x"): 1, ("m", "x"): 1}


def test_rounding_of_weights_makes_no_undefined_rate_defined():
    # 0.1 + 0.2 + 0.3 differs from 0.3 + 0.2 + 0.1 in the last bit.
    counts = GroupCounts.from_predictions(
        [2, 2, 2, 2, 0, 1, 2],
        [0, 1, 2, 2, 0, 1, 2],
        groups={"g": list("aaaabbb")},
        sample_weight=[0.1, 0.2, 0.3, 0.7, 1, 1, 1],
    )
    eod = counts.equalized_odds_difference()
    assert ("false_positive_rate", 2, ("a",)) in eod.undefined
    assert ("true_positive_rate", 0, ("a",)) in eod.undefined


def test_slices_with_little_evidence_do_not_decide():
    # The TPR of c rests on one positive.
    y = [1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0]
    p = [1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    counts = GroupCounts.from_predictions(y, p, groups={"g": list("aaaabbbbccc")})
    assert float(counts.equal_opportunity_difference()) == 1
    careful = counts.equal_opportunity_difference(min_examples=2)
    assert careful.value == 0.5
    assert careful.undefined == (("true_positive_rate", 1, ("c",)),)
    assert (careful.lowest, careful.highest) == ("b", "a")
    interval = counts.gap_interval("equal_opportunity_difference", min_examples=2)
    assert interval.value == 0.5
    none = counts.equal_opportunity_difference(min_examples=3)
    assert math.isnan(none.value)
    assert "under 3 examples" in none.reason
    status = {e.group: e for e in counts.evidence(min_positives=2, min_negatives=2)}
    assert status["a"][1:] == (1, 2, 2, "sufficient")
    assert status["c"][1:] == (1, 1, 2, "insufficient evidence")


def test_ten_thousand_groups_and_a_thousand_classes():
    examples = np.arange(1_000_000)
    group, label = examples % 10_000, examples // 10_000 % 100 * 10
    counts = GroupCounts.from_predictions(
        label, label, groups={"g": group}, num_classes=1000
    )
    # Each group has every tenth class once, and each prediction is right.
    assert float(counts.demographic_parity_difference()) == 0
    eod = counts.equalized_odds_difference()
    assert eod.value == 0
    assert np.isnan(eod.by_class).sum() == 900
    assert float(counts.worst_group_accuracy()) == 1


def test_more_cells_are_possible_than_an_integer_can_number():
    # Five attributes of 20,000 groups cross to 3.2e21 cells.
    examples = np.arange(20_000)
    groups = {name: (examples * k) % 20_011 for k, name in enumerate("abcde", 1)}

    def part(chosen):
        return GroupCounts.from_predictions(
            chosen % 2,
            chosen % 3 > 0,
            groups={name: values[chosen] for name, values in groups.items()},
        )

    whole = part(examples)
    assert part(examples[5000:]) + part(examples[:5000]) == whole
    assert len(whole.cells) == 20_000
    # Right where both are 0 or both are 1: 0, 1 and 5 of each six.
    expected = np.isin(examples % 6, [0, 1, 5]).mean()
    assert whole.accuracy("a").overall == pytest.approx(expected, abs=1e-12)


def test_disagreement_matrix():
    teacher, student = [0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 0, 2]
    expected = [[0, 1, 0], [0, 0, 0], [2, 0, 0]]
    np.testing.assert_array_equal(disagreement_matrix(teacher, student, 3), expected)
    paired = PairedCounts.from_predictions([0] * 6, teacher, student, groups={})
    np.testing.assert_array_equal(paired.disagreement_matrix(), expected)
    assert paired.agreement() == 0.5
    # The last class that there is, and nobody predicts, has a row and a column.
    found = disagreement_matrix([0, 1], [1, 1], 3)
    np.testing.assert_array_equal(found, [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match="`b` must have one value for each of the 6"):
        disagreement_matrix(teacher, [0], 3)


def test_only_some_attributes():
    examples = random_examples(0)
    counts = counts_of(examples)
    color = {"color": examples["groups"]["color"]}
    assert counts.only("color") == counts_of(examples | {"groups": color})
    assert counts.only() == counts_of(examples | {"groups": {}})
    assert counts.only("size", "color") == counts
    with pytest.raises(ValueError, match="`attribute` must be one of"):
        counts.only("texture")


def test_no_attribute_is_one_group_of_all():
    counts = GroupCounts.from_predictions(
        [1, 1, 0, 0], [1, 0, 0, 0], groups={"color": ["red", "red", None, None]}
    )
    rates = counts.accuracy(())
    assert rates.by_group == {(): 3 / 4}
    assert rates.examples == {(): 4}
    assert rates.overall == 3 / 4


FIELDS = {
    "y_true": [0, 1, 1],
    "y_pred": [0, 0, 1],
    "groups": {"g": ["a", "b", "b"]},
    "sample_weight": [1, 2, 1],
    "num_classes": 2,
}


@pytest.mark.parametrize(
    "changed",
    [
        {"groups": {"g": ["a", "c", "c"]}},
        {"groups": {"h": ["a", "b", "b"]}},
        {"num_classes": 3},
        {"y_pred": [0, 1, 1]},
        {"sample_weight": [1, 3, 1]},
    ],
    ids=["group", "attribute", "classes", "prediction", "weight"],
)
def test_counts_that_differ_in_one_thing_are_not_equal(changed):
    counts = GroupCounts.from_predictions(**FIELDS)
    assert counts == GroupCounts.from_predictions(**FIELDS)
    assert counts != GroupCounts.from_predictions(**{**FIELDS, **changed})


def test_counts_that_differ_in_their_number_or_kind_are_not_equal():
    counts = GroupCounts.from_predictions(**FIELDS)
    assert counts != dataclasses.replace(counts, counts=counts.counts + 1)
    assert counts != PredictionCounts.from_predictions(**FIELDS)
    assert counts != 1
    # They have arrays, and are no key of a dict.
    with pytest.raises(TypeError, match="unhashable type: 'GroupCounts'"):
        hash(counts)


def test_replicates_merge_one_by_one():
    examples = random_examples(0)
    parts = [counts_of(examples, slice(0, 100)), counts_of(examples, slice(100, 300))]
    draws = [
        np.stack([part.counts, 2 * part.counts, 0 * part.counts]) for part in parts
    ]
    merged = GroupCounts.merge(
        dataclasses.replace(part, counts=drawn)
        for part, drawn in zip(parts, draws, strict=True)
    )
    whole = counts_of(examples).counts
    np.testing.assert_array_equal(merged.counts, [whole, 2 * whole, 0 * whole])


def test_one_part_merges_to_itself():
    counts = counts_of(random_examples(0))
    assert GroupCounts.merge([counts]) == counts


def test_without_weights_each_example_counts_once():
    counts = GroupCounts.from_predictions(**FIELDS)
    assert counts.mass.sum() == 4
    plain = counts.unweighted()
    np.testing.assert_array_equal(plain.weights, [1, 1, 1])
    np.testing.assert_array_equal(plain.mass, counts.counts)


def test_cells_without_a_crossed_group_have_the_index_minus_one():
    counts = GroupCounts.from_predictions(
        [0, 1, 0, 1], [0, 0, 1, 1],
        groups={"s": ["f", "m", None, "m"], "q": ["x", "y", "y", None]},
    )  # fmt: skip
    groups, index = counts.attribute_index(("s", "q"))
    assert groups == (("f", "x"), ("m", "y"))
    assert sorted(index) == [-1, -1, 0, 1]
    _, single = counts.attribute_index("s")
    assert sorted(single) == [-1, 0, 1, 1]


def test_an_unknown_attribute_is_not_taken_for_the_only_one():
    counts = GroupCounts.from_predictions(**FIELDS)
    with pytest.raises(ValueError, match=r"one of \['g'\].*Received: 'h'"):
        counts.accuracy("h")


def test_class_indices_may_be_whole_floats():
    floats = {**FIELDS, "y_true": [0.0, 1.0, 1.0], "y_pred": [0.0, 0.0, 1.0]}
    assert GroupCounts.from_predictions(**floats) == GroupCounts.from_predictions(
        **FIELDS
    )
