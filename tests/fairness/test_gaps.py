"""Gaps and what they leave out, where weights and sizes are unequal."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kd_keras.fairness import GAPS, Gap, GroupCounts, confusion, gap, gap_values
from kd_keras.fairness.gaps import notes_of


def counts_of(sizes, weight=None):
    """Group -> (right, wrong) among positives: counts with one weight a group."""
    rows = [
        (group, int(right), (weight or {}).get(group, 1.0))
        for group, parts in sizes.items()
        for right, count in zip((1, 0), parts, strict=True)
        for _ in range(count)
    ]
    groups, predicted, weights = zip(*rows, strict=True)
    return GroupCounts.from_predictions(
        np.ones(len(rows), int),
        predicted,
        groups={"g": groups},
        sample_weight=weights,
        num_classes=2,
    )


def test_min_examples_counts_examples_and_not_weights():
    sizes = {"a": (3, 1), "b": (1, 1), "c": (2, 1)}
    heavy = counts_of(sizes, {"b": 100.0, "a": 0.01, "c": 0.01})
    # b, with two examples of weight 100, is left out; a and c, of .04 and .03, count.
    gap = heavy.equal_opportunity_difference("g", min_examples=3)
    assert gap.value == pytest.approx(3 / 4 - 2 / 3)
    assert [rate.groups for rate in gap.undefined] == [("b",)]
    gap = heavy.equal_opportunity_difference("g", min_examples=2)
    assert gap.value == pytest.approx(3 / 4 - 1 / 2)
    assert (gap.lowest, gap.highest) == ("b", "a")


def examples_of(seed):
    """Sixty examples of four classes, three groups and unequal weights."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 4, 60),
        rng.integers(0, 4, 60),
        rng.choice(3, 60, p=[0.6, 0.3, 0.1]),
        rng.integers(1, 6, 60),
    )


def four_classes(labels, predicted, groups, weights):
    return GroupCounts.from_predictions(
        labels, predicted, groups={"g": groups}, sample_weight=weights, num_classes=4
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.integers(0, 99), st.permutations(range(4)), st.permutations(range(3)),
    st.sampled_from(sorted(GAPS)), st.sampled_from(["between_groups", "to_overall"]),
)  # fmt: skip
def test_a_gap_does_not_depend_on_how_classes_and_groups_are_numbered(
    seed, classes, names, name, method
):
    labels, predicted, groups, weights = examples_of(seed)
    found = gap(four_classes(labels, predicted, groups, weights), name, method=method)
    classes, names = np.array(classes), np.array(names)
    renamed = four_classes(classes[labels], classes[predicted], names[groups], weights)
    again = gap(renamed, name, method=method)
    assert again.value == pytest.approx(found.value, abs=1e-12, nan_ok=True)
    if len(found.by_class) == 4:
        np.testing.assert_allclose(again.by_class[classes], found.by_class, atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 99), st.sampled_from(sorted(GAPS)))
def test_a_weight_of_three_is_the_example_three_times(seed, name):
    labels, predicted, groups, weights = examples_of(seed)
    found = gap(four_classes(labels, predicted, groups, weights), name)
    columns = (column.repeat(weights) for column in (labels, predicted, groups))
    repeated = gap(four_classes(*columns, None), name)
    np.testing.assert_allclose(found.by_class, repeated.by_class, atol=1e-12)
    assert found.value == pytest.approx(repeated.value, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("agg", ["worst_case", "mean"])
@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
@pytest.mark.parametrize("name", GAPS)
def test_each_replicate_has_its_own_gap(name, method, agg):
    labels, predicted, groups, weights = examples_of(3)
    counts = four_classes(labels, predicted, groups, weights)
    rng = np.random.default_rng(0)
    draws = rng.poisson(counts.counts, (3, len(counts.counts)))
    options = {"method": method, "agg": agg}
    found = gap_values(dataclasses.replace(counts, counts=draws), name, **options)
    for value, draw in zip(found, draws, strict=True):
        # The examples that were drawn, one behind the other.
        alone = dataclasses.replace(counts, counts=draw)
        expected = gap(alone, name, **options).value
        assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_an_undefined_ratio_says_why():
    # Selected: none of a's and b's, and c's one.
    counts = GroupCounts.from_predictions(
        [1, 0, 1, 0, 1], [0, 0, 0, 0, 1], groups={"g": list("aabbc")}
    )
    found = counts.demographic_parity_ratio(min_examples=2)
    assert np.isnan(found.value)
    assert found.reason == "every group's rate is 0, and 0 / 0 is undefined"
    found = counts.demographic_parity_ratio(min_examples=3)
    assert found.reason.startswith("needs at least two groups with a defined selection")


@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
@pytest.mark.parametrize("name", GAPS)
def test_where_nobody_has_a_group_a_gap_is_undefined(name, method):
    counts = GroupCounts.from_predictions(
        [1, 0, 1], [1, 1, 0], groups={"g": [None, None, None]}
    )
    found = gap(counts, name, method=method)
    assert np.isnan(found.value)
    assert found.reason == "needs at least two groups, has 0: []"
    assert found.without_group == 3


def one_of_each():
    """Right: a's one example, and 1 of 2 in b."""
    return GroupCounts.from_predictions([1, 1, 0], [1, 1, 1], groups={"g": list("abb")})


def test_one_example_is_enough_unless_more_are_asked_for():
    counts = one_of_each()
    assert gap(counts, "accuracy_gap").value == 0.5
    assert gap_values(counts, "accuracy_gap") == 0.5
    assert np.isnan(gap_values(counts, "accuracy_gap", min_examples=2))
    # In which counts a group has enough is another matter than how large its rate is.
    three = dataclasses.replace(counts, counts=3 * counts.counts)
    options = {"min_examples": 2, "observed": three}
    assert gap_values(counts, "accuracy_gap", **options) == 0.5


def test_a_gap_of_one_class_is_decided_by_its_own_groups():
    found = one_of_each().accuracy_gap()
    assert found.widest == found.deciding[0]
    assert (found.lowest, found.highest) == ("b", "a")
    equal = one_of_each().demographic_parity_difference()
    assert equal.widest == equal.deciding[0]
    assert equal.widest.positive_class == 1
    assert one_of_each().equal_opportunity_difference(min_examples=2).widest is None


@pytest.mark.parametrize(("agg", "groups"), [("mean", "aabb"), ("worst_case", "aaaa")])
def test_nothing_is_widest_where_no_rate_decides(agg, groups):
    counts = GroupCounts.from_predictions(
        [0, 1, 2, 0], [0, 2, 1, 1], groups={"g": list(groups)}
    )
    assert counts.equalized_odds_difference(agg=agg).widest is None


def test_a_gap_made_by_hand_leaves_nobody_out():
    found = Gap("accuracy_gap", 0.5, np.array([0.5]), "a", "b", (), "")
    assert found.notes() == []
    assert notes_of([found]) == []
    assert float(found) == 0.5


def test_several_gaps_of_one_attribute_have_the_notes_of_all():
    counts = GroupCounts.from_predictions(
        [1, 1, 0, 0, 1], [1, 0, 1, 0, 1], groups={"g": ["a", "a", "b", "b", None]}
    )
    alone = counts.equal_opportunity_difference()
    assert (
        notes_of([alone])
        == alone.notes()
        == [
            "b: 2 examples, 0 of them positives, not compared",
            "1 example without a group, not compared",
        ]
    )


@pytest.mark.parametrize(
    ("min_examples", "few"), [(0, "no"), (1, "no"), (2, "under 2"), (3, "under 3")]
)
def test_the_reason_says_how_few_examples_there_are(min_examples, few):
    # No group of two has positives.
    counts = GroupCounts.from_predictions(
        [0, 0, 0], [1, 0, 0], groups={"g": list("abb")}, num_classes=2
    )
    found = counts.equal_opportunity_difference(min_examples=min_examples)
    assert found.reason == (
        "needs at least two groups with a defined true_positive_rate; it has "
        f"{few} examples in its denominator for ['a', 'b']"
    )


def test_the_reason_of_several_classes_names_none():
    # Each class has positives in one group alone.
    counts = GroupCounts.from_predictions(
        [0, 1, 2], [0, 0, 0], groups={"g": list("abb")}
    )
    found = counts.equal_opportunity_difference()
    assert np.isnan(found.value)
    assert found.reason == (
        "no class has two groups with defined rates (no examples in a denominator)"
    )


def test_undefined_rates_have_their_class():
    # Class 0 has positives in a alone, 1 in b alone, 2 in both.
    counts = GroupCounts.from_predictions(
        [0, 2, 1, 2], [0, 0, 0, 2], groups={"g": list("aabb")}
    )
    found = counts.equal_opportunity_difference()
    assert found.undefined == (
        ("true_positive_rate", 0, ("b",)),
        ("true_positive_rate", 1, ("a",)),
    )
    np.testing.assert_array_equal(found.by_class, [np.nan, np.nan, 1])
    assert found.value == 1


@pytest.mark.parametrize("name", GAPS)
def test_classes_in_blocks_give_the_gaps_of_all(name, monkeypatch):
    counts = four_classes(*examples_of(5))
    draws = np.random.default_rng(0).poisson(counts.counts, (3, len(counts.counts)))
    replicates = dataclasses.replace(counts, counts=draws)
    expected, value = gap_values(replicates, name), gap_values(counts, name)
    assert value == pytest.approx(gap(counts, name).value, nan_ok=True)
    monkeypatch.setattr(confusion, "BLOCK_ELEMENTS", 18)  # Two classes in each.
    np.testing.assert_allclose(gap_values(replicates, name), expected, atol=1e-12)
    monkeypatch.setattr(confusion, "BLOCK_ELEMENTS", 6)
    np.testing.assert_allclose(gap_values(counts, name), value, atol=1e-12)


def test_another_name_is_refused():
    with pytest.raises(ValueError, match=r"`name` must be one of .*: 'tpr_gap'"):
        gap(one_of_each(), "tpr_gap")
