"""Gaps and what they leave out, where weights and sizes are unequal."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kd_keras.fairness import GAPS, GroupCounts, gap, gap_values


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
