"""Intervals of gaps and of their changes, one contrast after the other.

Three groups of unequal size and weight; limits of each rate are quantiles of SciPy.
"""

import dataclasses
import itertools
import warnings

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import GAPS, GroupCounts, PairedCounts
from kd_keras.fairness.gap_bounds import interval_of_gap, p_value, proportions

DPD, DPR = "demographic_parity_difference", "demographic_parity_ratio"
EOD, EOR = "equalized_odds_difference", "equalized_odds_ratio"
NAMES = [DPD, DPR, EOD, EOR, "accuracy_gap", "worst_group_accuracy"]


def examples(seed):
    """Labels, two models' predictions, groups and weights of 150 examples."""
    rng = np.random.default_rng(seed)
    label, group = rng.integers(0, 2, 150), rng.choice(3, 150, p=[0.6, 0.25, 0.15])
    chance = np.array([0.3, 0.6, 0.45])[group] + 0.2 * label
    a = (rng.random(150) < chance).astype(int)
    b = np.where(rng.random(150) < 0.7, a, rng.random(150) < 0.4)
    return label, a, b, group, rng.choice([0.5, 1.0, 2.5], 150)


def parts(name):
    """Each rate that a gap compares: whose examples, and which of them count."""
    if name in (EOD, EOR):
        return [lambda y, p, t=t: (y == t, p == 1) for t in (1, 0)]
    if name in (DPD, DPR):
        return [lambda y, p: (y >= 0, p == 1)]
    return [lambda y, p: (y >= 0, p == y)]


class Rate:
    """A weighted rate of one group, with its limits."""

    def __init__(self, chosen, counted, weights):
        w = weights[chosen]
        self.counted, self.weights = counted[chosen], w
        self.rate = np.average(self.counted, weights=w)
        self.trials = w.sum() ** 2 / (w**2).sum()
        self.limits = {}

    def reach(self, tail):
        """Distances of the limits below and above."""
        s, n = self.rate * self.trials, self.trials
        if tail not in self.limits:
            self.limits[tail] = (
                scipy.stats.beta.ppf(tail, s + 0.25, n - s + 0.75),
                scipy.stats.beta.ppf(1 - tail, s + 0.75, n - s + 0.25),
            )
        low, high = self.limits[tail]
        return self.rate - low, high - self.rate


def rates_of(name, label, predicted, group, weights):
    """Rate by its number and group."""
    found = {}
    for number, part in enumerate(parts(name)):
        chosen, counted = part(label, predicted)
        for g in np.unique(group).tolist():
            found[number, g] = Rate(chosen & (group == g), counted, weights)
    return found


def contrasts(name, groups=3):
    pairs = list(itertools.permutations(range(groups), 2))
    if name == "worst_group_accuracy":
        pairs = [(g, g) for g in range(groups)]
    return [(number, *pair) for number in range(len(parts(name))) for pair in pairs]


def bounds(name, rates, contrast, tail):
    """Lower end, value and upper end; of ratios and of a single rate the negatives."""
    number, i, j = contrast
    one, other = rates[number, i], rates[number, j]
    (below, above), (below_j, above_j) = one.reach(tail), other.reach(tail)
    p, q = one.rate, other.rate
    if name == "worst_group_accuracy":
        return -p - above, -p, -p + below
    if name not in (DPR, EOR):
        return p - q - np.hypot(below, above_j), p - q, p - q + np.hypot(above, below_j)

    def end(limit, limit_j, sign):  # Donner & Zou 2012.
        scale = limit_j * (2 * q - limit_j)
        root = (p * q) ** 2 - limit * (2 * p - limit) * scale
        return (p * q + sign * np.sqrt(root)) / scale

    low, high = end(p - below, q + above_j, -1), end(p + above, q - below_j, 1)
    return -high, -p / q, -max(low, 0)


def sidak(alpha, size):
    return 1 - (1 - alpha / 2) ** (1 / size)


def may_be_largest(name, rates, alpha):
    """The contrasts that may be the largest, and how many they count as."""
    every = contrasts(name, max(g for _, g in rates) + 1)
    size = len(every) if name == "worst_group_accuracy" else len(every) // 2
    wide = {c: bounds(name, rates, c, sidak(alpha, size)) for c in every}
    reached = max(low for low, _, _ in wide.values())
    active = [c for c, (_, _, high) in wide.items() if high >= reached]
    balance = {"worst_group_accuracy": -np.inf, DPR: -1, EOR: -1}.get(name, 0)
    return active, max(1, sum(wide[c][1] > balance for c in active))


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("name", NAMES)
def test_the_interval_of_a_gap(name, level):
    label, predicted, _, group, weights = examples(0)
    counts = GroupCounts.from_predictions(
        label, predicted, groups={"g": group}, sample_weight=weights
    )
    rates = rates_of(name, label, predicted, group, weights)
    active, number = may_be_largest(name, rates, 1 - level)
    tail = sidak(1 - level, number)
    low = max(bounds(name, rates, c, tail)[0] for c in active)
    of_all = [bounds(name, rates, c, (1 - level) / 2) for c in contrasts(name)]
    _, value, high = np.max(of_all, axis=0)
    expected = (low, value, high)
    if name in (DPR, EOR, "worst_group_accuracy"):
        expected = (-high, -value, -low)
    found = counts.gap_interval(name, level=level, min_examples=1)
    assert (found.low, found.value, found.high) == pytest.approx(
        np.clip(expected, 0, 1)
    )


@pytest.mark.parametrize("name", [EOD, EOR])
def test_the_interval_of_a_mean_of_gaps(name):
    label, predicted, _, group, weights = examples(0)
    counts = GroupCounts.from_predictions(
        label, predicted, groups={"g": group}, sample_weight=weights
    )
    both = rates_of(name, label, predicted, group, weights)
    one = DPD if name == EOD else DPR
    values, excess, noise, above = [], [], [], []
    for number in (0, 1):
        rates = {(0, g): both[number, g] for g in range(3)}
        active, size = may_be_largest(one, rates, 0.05)
        alone = {c: bounds(one, rates, c, 0.025) for c in contrasts(one)}
        value = max(v for _, v, _ in alone.values())
        middle = max(bounds(one, rates, c, 0.5 / size)[0] for c in active)
        values.append(value)
        noise.append(value - max(alone[c][0] for c in active))
        excess.append(value - middle)
        above.append(max(high for _, _, high in alone.values()) - value)
    low = np.mean(values) - np.mean(excess) - np.hypot(*noise) / 2
    ends = (low, np.mean(values) + np.hypot(*above) / 2)
    ends = ends if name == EOD else (-ends[1], -ends[0])
    found = counts.gap_interval(name, agg="mean", min_examples=1)
    assert abs(found.value) == pytest.approx(abs(np.mean(values)))
    assert (found.low, found.high) == pytest.approx(np.clip(ends, 0, 1))


def highest_change(name, rates_a, rates_b, alpha):
    """Upper bound of the largest contrast of b less that of a."""
    may_be, _ = may_be_largest(name, rates_b, alpha)
    active, number = may_be_largest(name, rates_a, alpha)
    tail = sidak(alpha, number)
    # The eight largest of a's contrasts, and the same one.
    active = sorted(active, key=lambda u: -bounds(name, rates_a, u, 0.5)[1])[:8]
    return max(
        min(_bound(name, rates_a, rates_b, v, u, tail) for u in {*active, v})
        for v in may_be
    )


def _bound(name, rates_a, rates_b, v, u, tail):
    _, value_b, high_b = bounds(name, rates_b, v, tail)
    low_a, value_a, _ = bounds(name, rates_a, u, tail)
    if name in (DPR, EOR):
        return value_b - value_a + np.hypot(high_b - value_b, value_a - low_a)
    (rate_v, i, j), (rate_u, k, m) = v, u
    of_b = [rates_b[rate_v, g].reach(tail) for g in (i, j)]
    of_a = [rates_a[rate_u, g].reach(tail) for g in (k, m)]

    def paired(g):
        """Distances of b's rate less a's of one group (Bonett & Price 2012)."""
        a, b = rates_a[rate_v, g], rates_b[rate_v, g]
        n = a.trials
        gained = np.average(b.counted & ~a.counted, weights=a.weights)
        lost = np.average(a.counted & ~b.counted, weights=a.weights)
        more, less = (gained * n + 1) / (n + 2), (lost * n + 1) / (n + 2)
        variance = (more + less - (more - less) ** 2) / (n + 2)
        half = scipy.stats.norm.isf(tail) * np.sqrt(variance)
        moved = (more - less) - (gained - lost)
        return half - moved, half + moved

    def phi(g):
        a, b = rates_a[rate_v, g], rates_b[rate_v, g]
        return np.cov(a.counted, b.counted, aweights=a.weights)[0, 1] / np.sqrt(
            np.cov(a.counted, aweights=a.weights)
            * np.cov(b.counted, aweights=b.weights)
        )

    same = rate_v == rate_u
    squares = (
        paired(j)[0] ** 2 if same and j == m else of_b[1][0] ** 2 + of_a[1][1] ** 2
    )
    if name == "worst_group_accuracy":  # A rate alone.
        return value_b - value_a + np.sqrt(squares)
    squares += (
        paired(i)[1] ** 2 if same and i == k else of_b[0][1] ** 2 + of_a[0][0] ** 2
    )
    if same and i == m:
        squares += 2 * phi(i) * of_b[0][1] * of_a[1][1]
    if same and j == k:
        squares += 2 * phi(j) * of_b[1][0] * of_a[0][0]
    return value_b - value_a + np.sqrt(max(squares, 0))


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("name", NAMES)
def test_the_interval_of_a_change(name, seed):
    label, a, b, group, weights = examples(seed)
    pair = PairedCounts.from_predictions(
        label, a, b, groups={"g": group}, sample_weight=weights
    )
    of_a, of_b = (rates_of(name, label, p, group, weights) for p in (a, b))
    high = highest_change(name, of_a, of_b, 0.1)
    low = -highest_change(name, of_b, of_a, 0.1)
    if name in (DPR, EOR, "worst_group_accuracy"):
        low, high = -high, -low
    found = pair.gap_change(name, level=0.9, min_examples=1).interval
    assert (found.low, found.high) == pytest.approx((max(low, -1), min(high, 1)))


@pytest.mark.parametrize("name", [EOD, EOR])
def test_the_interval_of_a_change_of_a_mean_of_gaps(name):
    label, a, b, group, weights = examples(2)
    pair = PairedCounts.from_predictions(
        label, a, b, groups={"g": group}, sample_weight=weights
    )
    of_a, of_b = (rates_of(name, label, p, group, weights) for p in (a, b))
    one = DPD if name == EOD else DPR
    values, above, below = [], [], []
    for number in (0, 1):
        alone_a, alone_b = (
            {(0, g): of[number, g] for g in range(3)} for of in (of_a, of_b)
        )
        largest_a, largest_b = (
            max(bounds(one, rates, c, 0.5)[1] for c in contrasts(one))
            for rates in (alone_a, alone_b)
        )
        values.append(largest_b - largest_a)
        above.append(highest_change(one, alone_a, alone_b, 0.1) - values[-1])
        below.append(highest_change(one, alone_b, alone_a, 0.1) + values[-1])
    ends = (
        np.mean(values) - np.hypot(*below) / 2,
        np.mean(values) + np.hypot(*above) / 2,
    )
    ends = ends if name == EOD else (-ends[1], -ends[0])
    assert abs(np.mean(values)) > 0.01
    found = pair.gap_change(name, agg="mean", level=0.9, min_examples=1).interval
    assert (found.low, found.high) == pytest.approx(ends)


@pytest.mark.parametrize("name", [DPD, DPR])
def test_the_interval_of_a_change_of_the_largest_of_many_contrasts(name):
    """Of five groups that hardly differ, any of over eight contrasts may be largest."""
    rng = np.random.default_rng(4)
    label, group = rng.integers(0, 2, 200), np.arange(200) % 5
    a = (rng.random(200) < 0.5 + 0.02 * group).astype(int)
    b = np.where(rng.random(200) < 0.6, a, rng.integers(0, 2, 200))
    weights = rng.choice([0.5, 1.0, 2.5], 200)
    pair = PairedCounts.from_predictions(
        label, a, b, groups={"g": group}, sample_weight=weights
    )
    of_a, of_b = (rates_of(name, label, p, group, weights) for p in (a, b))
    for rates in (of_a, of_b):
        assert len(may_be_largest(name, rates, 0.1)[0]) > 9
    high = highest_change(name, of_a, of_b, 0.1)
    low = -highest_change(name, of_b, of_a, 0.1)
    if name == DPR:
        low, high = -high, -low
    found = pair.gap_change(name, level=0.9, min_examples=1).interval
    assert (found.low, found.high) == pytest.approx((max(low, -1), min(high, 1)))


@pytest.mark.parametrize("name", NAMES)
def test_a_group_that_is_not_compared_changes_no_interval(name):
    label, a, b, group, weights = examples(2)
    chosen = group < 2
    few = np.nonzero(~chosen)[0][:3]
    kept = np.sort(np.concatenate([np.nonzero(chosen)[0], few]))

    def pair_of(rows):
        return PairedCounts.from_predictions(
            label[rows], a[rows], b[rows], groups={"g": group[rows]},
            sample_weight=weights[rows],
        )  # fmt: skip

    options = {"min_examples": 4}
    with warnings.catch_warnings(action="error"):
        found = pair_of(kept)
        change = found.gap_change(name, **options).interval
        interval = found.b.gap_interval(name, **options)
    expected = pair_of(chosen)
    assert change == expected.gap_change(name, **options).interval
    assert interval == expected.b.gap_interval(name, **options)
    assert change.low < change.value < change.high


def test_rates_do_not_exceed_1_by_rounding():
    # All are selected; (.1 + .2) + .3 is more than .1 + (.2 + .3).
    counts = GroupCounts.from_predictions(
        [0, 1, 2, 0, 1, 2], [2] * 6, groups={"g": list("aaabbb")},
        sample_weight=[0.1, 0.2, 0.3, 0.3, 0.2, 0.1],
    )  # fmt: skip
    rates = proportions(counts, GAPS[DPD], "g", 1).rate
    np.testing.assert_array_equal(rates, [[[0, 0]], [[0, 0]], [[1, 1]]])


def test_a_rate_needs_as_many_examples_as_are_asked_for():
    counts = GroupCounts.from_predictions(
        [1] * 7, [1] * 7, groups={"g": list("aaaabbb")}
    )
    rates = proportions(counts, GAPS[DPD], "g", 4).rate
    np.testing.assert_array_equal(rates, [[[1, np.nan]]])


def test_the_interval_of_a_change_with_three_classes_is_that_of_the_mean():
    """One-vs-rest gaps err as independent ones: the squares of their errors add up."""
    rng = np.random.default_rng(6)
    label, a, b = rng.integers(0, 3, (3, 200))
    b = np.where(rng.random(200) < 0.5, a, b)
    groups = {"g": rng.integers(0, 3, 200)}
    pair = PairedCounts.from_predictions(label, a, b, groups=groups)
    values, below, above = [], [], []
    for k in range(3):
        one = PairedCounts.from_predictions(
            label == k, a == k, b == k, groups=groups
        ).gap_change(EOD, min_examples=1)
        values.append(one.interval.value)
        below.append(one.interval.value - one.interval.low)
        above.append(one.interval.high - one.interval.value)
    found = pair.gap_change(EOD, min_examples=1).interval
    assert found.value == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(np.mean(values) - np.linalg.norm(below) / 3)
    assert found.high == pytest.approx(np.mean(values) + np.linalg.norm(above) / 3)


def test_a_gap_without_a_contrast_has_no_bounds(monkeypatch):
    monkeypatch.setitem(GAPS, "own", dataclasses.replace(GAPS[DPD], contrast=None))
    counts = GroupCounts.from_predictions([1, 0], [1, 0], groups={"g": ["a", "b"]})
    with pytest.raises(ValueError, match="without a contrast is bootstrapped"):
        interval_of_gap(
            counts, "own", np.ones(1), attribute="g", agg="mean", min_examples=1,
            alpha=0.05,
        )  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
def test_the_level_at_which_an_interval_leaves_0_out_is_found_in_18_steps(sign):
    asked = []

    def interval(alpha):
        asked.append(alpha)
        half = scipy.stats.norm.isf(alpha / 2)
        return tuple(sorted(sign * (0.02 + step * 0.01 * half) for step in (-1, 1)))

    assert p_value(interval) == pytest.approx(2 * scipy.stats.norm.sf(2), rel=1e-3)
    assert len(asked) == 18
    assert asked[0] == pytest.approx(1e-3)  # Halfway from 1e-6 to 1, by logarithm.


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 0.0), (0.0, 0.0)])
def test_an_interval_that_ends_at_0_does_not_leave_it_out(ends):
    assert p_value(lambda alpha: ends) == 1
