"""Intervals and changes of gaps between groups of unequal size."""

import numpy as np
import pytest

from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
    bootstrap_interval,
    gap_values,
)

TPR = "equal_opportunity_difference"
ENDS = (0.025, 0.975)


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


def paired_of(cells):
    """(group, a right, b right) -> count; positives only."""
    rows = [key for key, count in cells.items() for _ in range(count)]
    groups, a, b = zip(*rows, strict=True)
    ones = np.ones(len(rows), int)
    return PairedCounts.from_predictions(
        ones, a, b, groups={"g": groups}, num_classes=2
    )


def test_stratified_intervals_keep_the_sizes_of_groups():
    counts = counts_of({"a": (5, 15), "b": (30, 10)})

    def share_of_a(replicates):
        _, index = replicates.attribute_index("g")
        return replicates.counts[..., index == 0].sum(-1) / 60

    stratified, _ = bootstrap_interval(counts, share_of_a, stratify_by="g")
    assert (stratified.low, stratified.high) == (20 / 60, 20 / 60)
    drawn, _ = bootstrap_interval(counts, share_of_a)
    # Normal approximation of the binomial share: 1/3 +- 1.96 * sqrt(2/9 / 60).
    assert drawn.low == pytest.approx(1 / 3 - 0.119, abs=0.02)
    assert drawn.high == pytest.approx(1 / 3 + 0.119, abs=0.02)


def test_a_change_that_every_replicate_shows_has_the_smallest_p_value():
    # Model a is always right; model b is wrong for all of y.
    counts = paired_of({("x", 1, 1): 40, ("y", 1, 0): 40})
    for replicates in (99, 999):
        change = counts.gap_change(
            "equal_opportunity_difference",
            "g",
            kind="percentile",
            replicates=replicates,
        )
        # One is added to both counts (Davison & Hinkley 1997, section 4.4).
        assert change.p_value == pytest.approx(2 / (replicates + 1))
        assert (change.a, change.b, change.interval.value) == (0, 1, 1)


@pytest.mark.parametrize("kind", ["mover", "percentile"])
def test_no_change_has_p_value_1(kind):
    counts = paired_of({("x", 1, 1): 30, ("x", 0, 0): 10, ("y", 1, 1): 10})
    change = counts.gap_change(TPR, "g", replicates=99, kind=kind)
    assert (change.interval.value, change.p_value) == (0, 1)


@pytest.mark.parametrize("kind", ["mover", "percentile"])
def test_a_change_computed_twice_is_the_same_one(kind):
    counts = paired_of({("x", 1, 1): 30, ("x", 1, 0): 10, ("y", 1, 1): 10})
    first, again = (
        counts.gap_change(TPR, "g", kind=kind, replicates=9) for _ in range(2)
    )
    assert first == again
    assert first != counts.gap_change(TPR, "g", kind=kind, replicates=9, level=0.9)


def test_a_gap_without_bounds_has_replicates_moved_to_its_estimate():
    counts = counts_of({"a": (5, 15), "b": (30, 10), "c": (6, 6)})

    def interval(**options):
        found = counts.gap_interval(
            TPR, "g", method="to_overall", replicates=300, **options
        )
        return np.array([found.low, found.high])

    _, values = bootstrap_interval(
        counts,
        lambda draws: gap_values(draws, TPR, attribute="g", method="to_overall"),
        replicates=300,
    )
    # TPRs .25, .75 and .5 of 41 / 72 in all.
    move = 41 / 72 - 0.25 - values.mean()
    np.testing.assert_allclose(interval(kind="percentile"), np.quantile(values, ENDS))
    np.testing.assert_allclose(interval(), np.quantile(values, ENDS) + move)
    assert abs(move) > 0.001


def test_a_change_of_a_gap_without_bounds_is_moved_to_its_estimate():
    counts = paired_of(
        {("x", 1, 1): 20, ("x", 1, 0): 3, ("x", 0, 1): 1, ("y", 1, 1): 9,
         ("y", 1, 0): 6, ("y", 0, 0): 5, ("z", 1, 1): 8, ("z", 0, 1): 2}
    )  # fmt: skip
    options = {"method": "to_overall", "replicates": 300}
    centred, percentile = (
        counts.gap_change(TPR, "g", **options, **kind).interval
        for kind in ({}, {"kind": "percentile"})
    )
    move = centred.low - percentile.low
    assert centred.high - percentile.high == pytest.approx(move)
    assert abs(move) > 0.001


@pytest.mark.parametrize("label", [1, 0])
def test_changes_of_one_label_alone_are_those_of_its_rate(label):
    """Accuracy is the TPR where all are positives, and 1 - FPR where none is."""
    cells = {("x", 1, 1): 20, ("x", 1, 0): 3, ("x", 0, 1): 1, ("y", 1, 1): 19,
             ("y", 1, 0): 6, ("y", 0, 0): 5, ("y", 0, 1): 4}  # fmt: skip
    rows = [key for key, count in cells.items() for _ in range(count)]
    groups, a, b = (np.array(column) for column in zip(*rows, strict=True))
    labels = np.full(len(rows), label)
    pair = PairedCounts.from_predictions(
        labels, a == label, b == label, groups={"g": groups}, num_classes=2
    )
    rate = TPR if label else "false_positive_rate_difference"
    of_accuracy, of_rate, of_selection = (
        pair.gap_change(name, "g")
        for name in ("accuracy_gap", rate, "demographic_parity_difference")
    )
    # Right: 23 of 24 and 25 of 34, then 21 and 23.
    value = (21 / 24 - 23 / 34) - (23 / 24 - 25 / 34)
    for change in (of_accuracy, of_rate, of_selection):
        ends = (change.interval.low, change.interval.high)
        assert change.interval.value == pytest.approx(value)
        assert ends == pytest.approx(
            (of_accuracy.interval.low, of_accuracy.interval.high), abs=1e-9
        )
