"""Statistics where weights, groups and sizes are not equal: numbers by hand."""

import numpy as np
import pytest

from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
    bootstrap_interval,
    calibration,
    individual_fairness,
)
from kd_keras.fairness.error_transfer import error_transfer

# Probability of class 1, label, group.
PROBABILITIES = np.array([0.9, 0.9, 0.6, 0.8, 0.3])
LABELS = np.array([1, 0, 1, 0, 1])
GROUPS = np.array(["a", "b", "a", "b", "a"])
WEIGHTS = np.array([3, 1, 2, 4, 1])


def test_calibration_with_weights_by_hand():
    overall, by_group = calibration(
        LABELS, PROBABILITIES, groups=GROUPS, sample_weight=WEIGHTS, num_bins=10
    )
    # Confidences .9 (right 3, wrong 1), .6 (right 2), .8 (wrong 4), .7 (wrong 1),
    # each in a bin of its own: |3 - .9 * 4| + |2 - .6 * 2| + .8 * 4 + .7 of 11.
    assert overall.ece == pytest.approx((0.6 + 0.8 + 3.2 + 0.7) / 11)
    assert by_group["a"].ece == pytest.approx((0.3 + 0.8 + 0.7) / 6)
    assert by_group["b"].ece == pytest.approx((0.9 + 3.2) / 5)
    squares = 3 * 0.01 + 0.81 + 2 * 0.16 + 4 * 0.64 + 0.49
    assert overall.brier == pytest.approx(squares / 11)
    assert by_group["b"].brier == pytest.approx((0.81 + 4 * 0.64) / 5)
    surprise = -np.log([0.9, 0.1, 0.6, 0.2, 0.3])
    assert overall.nll == pytest.approx((WEIGHTS * surprise).sum() / 11)


def test_calibration_weights_repeat_examples():
    weighted, by_group = calibration(
        LABELS, PROBABILITIES, groups=GROUPS, sample_weight=WEIGHTS
    )
    repeated, repeated_by_group = calibration(
        LABELS.repeat(WEIGHTS),
        PROBABILITIES.repeat(WEIGHTS),
        groups=GROUPS.repeat(WEIGHTS),
    )
    np.testing.assert_allclose(weighted[:3], repeated[:3])
    for group in "ab":
        np.testing.assert_allclose(by_group[group][:3], repeated_by_group[group][:3])


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


def paired_of(cells):
    """(group, a right, b right) -> count; positives only."""
    rows = [key for key, count in cells.items() for _ in range(count)]
    groups, a, b = zip(*rows, strict=True)
    ones = np.ones(len(rows), int)
    return PairedCounts.from_predictions(
        ones, a, b, groups={"g": groups}, num_classes=2
    )


def test_a_change_that_every_replicate_shows_has_the_smallest_p_value():
    # Model a is always right; model b is wrong for all of y.
    counts = paired_of({("x", 1, 1): 40, ("y", 1, 0): 40})
    for replicates in (99, 999):
        change = counts.gap_change(
            "equal_opportunity_difference",
            "g",
            replicates=replicates,
            kind="percentile",
        )
        # One is added to both counts (Davison & Hinkley 1997, section 4.4).
        assert change.p_value == pytest.approx(2 / (replicates + 1))
        assert (change.a, change.b, change.interval.value) == (0, 1, 1)


def test_no_change_has_p_value_1():
    counts = paired_of({("x", 1, 1): 30, ("x", 0, 0): 10, ("y", 1, 1): 10})
    change = counts.gap_change("equal_opportunity_difference", "g", replicates=99)
    assert (change.interval.value, change.p_value) == (0, 1)


def test_transferred_and_created_by_hand():
    # x: both wrong 3, only b 1, only a 2, of 10; y: 2, 4 and 1 of 20.
    counts = paired_of(
        {
            ("x", 0, 0): 3,
            ("x", 1, 0): 1,
            ("x", 0, 1): 2,
            ("x", 1, 1): 4,
            ("y", 0, 0): 2,
            ("y", 1, 0): 4,
            ("y", 0, 1): 1,
            ("y", 1, 1): 13,
        }
    )
    transfer = error_transfer(counts, "g")
    x, y = (transfer.by_group[group] for group in "xy")
    assert (x.shared, x.introduced, x.repaired) == pytest.approx((0.3, 0.1, 0.2))
    assert (y.shared, y.introduced, y.repaired) == pytest.approx((0.1, 0.2, 0.05))
    # b is right in 6 of 10 and 14 of 20: y is the best group, x the worst.
    assert transfer.transferred == pytest.approx(0.2)
    assert transfer.created == pytest.approx(-0.1)


def test_random_pairs_are_of_different_examples():
    # A pair of an example with itself would count as identical.
    found = individual_fairness([0.1, 0.9], np.eye(2), pairs=200)
    assert (found.num_pairs, found.num_identical) == (200, 0)
    # |.1 - .9| over the cosine distance 1 of orthogonal vectors.
    assert found.mean == pytest.approx(0.8)


def test_seeds_draw_different_pairs():
    rng = np.random.default_rng(0)
    outputs, embeddings = rng.uniform(size=50), rng.normal(size=(50, 4))

    def mean(**options):
        return individual_fairness(outputs, embeddings, pairs=100, **options).mean

    assert mean(seed=1) == mean(seed=1)
    assert len({mean(), mean(seed=1), mean(seed=2)}) == 3
    assert mean() == mean(seed=0)


def test_agreement_is_a_share_of_the_weights():
    pair = PairedCounts.from_predictions(
        [1, 1, 0, 0],
        [1, 0, 0, 1],
        [1, 1, 0, 1],
        groups={"g": list("xxyy")},
        sample_weight=[1, 3, 2, 4],
    )
    # All but the second example, of weight 3 of 10.
    assert pair.agreement() == pytest.approx(0.7)
