"""Bounds of proportions, of two groups and of gaps, against published numbers."""

import warnings

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import GroupCounts, PairedCounts, wilson
from kd_keras.fairness.contrast_changes import PairedRates
from kd_keras.fairness.contrasts import (
    Bounds,
    Family,
    Pairs,
    all_pairs,
    difference,
    family,
    largest,
    may_be_largest,
    ratio,
    sidak,
)
from kd_keras.fairness.gap_bounds import p_value
from kd_keras.fairness.proportions import Proportion, deviations, paired_deviations

Z = scipy.stats.norm.ppf(0.975)


def counts_of(*groups):
    """Predictions of 1 and examples of each group; every label is 1."""
    predictions = [p for ones, n in groups for p in [1] * ones + [0] * (n - ones)]
    names = [i for i, (_, n) in enumerate(groups) for _ in range(n)]
    labels = np.ones(len(names), int)
    return GroupCounts.from_predictions(labels, predictions, groups={"g": names})


def test_difference_is_that_of_newcombe():
    # Newcombe 1998, table II: 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    p, q = np.array(56 / 70), np.array(48 / 80)
    low_p, high_p = wilson(56, 70)
    low_q, high_q = wilson(48, 80)
    found = difference(p, q, p - low_p, high_p - p, q - low_q, high_q - q)
    np.testing.assert_allclose((found.low, found.high), (0.0524, 0.3339), atol=5e-5)


def test_ratio_is_the_difference_of_multiples():
    # MOVER-R solves p - R q = 0: at either end the interval of p - R q has an end 0.
    p, q = np.array(0.3), np.array(0.5)
    found = ratio(p, q, 0.1, 0.12, 0.08, 0.09)
    low = p - found.low * q - np.hypot(0.1, found.low * 0.09)
    high = p - found.high * q + np.hypot(0.12, found.high * 0.08)
    np.testing.assert_allclose((low, high), 0, atol=1e-12)
    assert ratio(p, np.array(0.1), 0.1, 0.1, 0.1, 0.1).high == np.inf


def test_limits_lie_between_those_of_jeffreys_and_clopper_and_pearson():
    below, above = deviations(Proportion(np.array([0.3]), np.array([10.0])), Z)
    exact = scipy.stats.binomtest(3, 10).proportion_ci(method="exact")
    jeffreys = scipy.stats.beta.ppf([0.025, 0.975], 3.5, 7.5)
    assert exact.low < 0.3 - below[0] < jeffreys[0]
    assert jeffreys[1] < 0.3 + above[0] < exact.high


def test_limits_at_none_and_all():
    rates = Proportion(np.array([0.0, 1.0, np.nan]), np.array([7.0, 7.0, 0.0]))
    below, above = deviations(rates, Z)
    # The upper end of 0 of 7 is a quantile of Beta(3/4, 7 + 1/4).
    end = scipy.stats.beta.ppf(0.975, 0.75, 7.25)
    np.testing.assert_allclose(below, [0, end, np.nan])
    np.testing.assert_allclose(above, [end, 0, np.nan])


def test_paired_difference_is_that_of_bonett_and_price():
    # Of 20 examples 5 are gained and 1 is lost: rates 6/22 and 2/22, and 4/20.
    more, less = 6 / 22, 2 / 22
    half = 1.96 * np.sqrt((more + less - (more - less) ** 2) / 22)
    below, above = paired_deviations(np.array(0.25), np.array(0.05), 20, 1.96)
    np.testing.assert_allclose(0.2 - below, more - less - half)
    np.testing.assert_allclose(0.2 + above, more - less + half)


def test_correlation_of_two_models_is_phi():
    # Outcomes of ten examples; of the second group, model b has all.
    a = np.repeat([[1, 0], [1, 0]], [7, 3], axis=1)
    b = np.array([[1, 1, 0, 1, 1, 0, 1, 1, 0, 0], [1] * 10])
    trials = np.full(2, 10.0)
    rates = PairedRates(
        Proportion(a.mean(1), trials), Proportion(b.mean(1), trials), (a & b).mean(1)
    )
    expected = scipy.stats.pearsonr(a[0], b[0]).statistic
    np.testing.assert_allclose(rates.correlation(), [expected, 0])


def test_sidak_holds_for_all():
    # The 0.975 quantile of the largest of 10 independent normal variables.
    assert scipy.stats.norm.cdf(sidak(0.05, 10)) ** 10 == pytest.approx(0.975)


def test_p_value_is_the_level_at_which_an_interval_leaves_0_out():
    def interval(alpha: float) -> tuple[float, float]:
        half = scipy.stats.norm.isf(alpha / 2)
        return 1.5 - half, 1.5 + half

    # Of an estimate 1.5 standard errors from 0, by the normal distribution.
    expected = 2 * scipy.stats.norm.sf(1.5)
    assert p_value(interval) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", ["demographic_parity_difference", "accuracy_gap"])
def test_the_p_value_of_a_change_is_the_level_of_its_interval(name):
    right = {"a": (40, 30), "b": (25, 34)}  # Of 50 each, of model a and of model b.
    before, after = (
        np.concatenate([np.arange(50) < ones[model] for ones in right.values()])
        for model in (0, 1)
    )
    pair = PairedCounts.from_predictions(
        np.ones(100, int), before, after, groups={"g": np.repeat(["a", "b"], 50)}
    )
    change = pair.gap_change(name)
    assert change.interval.value == pytest.approx(4 / 50 - 15 / 50)
    assert "p_value" not in vars(change)  # Nobody asked for it.
    assert f"p_value={change.p_value!r}" in repr(change)
    assert 1e-4 < change.p_value < 0.9
    wider = pair.gap_change(name, level=1 - 0.97 * change.p_value).interval
    narrower = pair.gap_change(name, level=1 - 1.03 * change.p_value).interval
    assert wider.low < 0 < wider.high
    assert narrower.high < 0


def test_two_groups_have_the_interval_of_their_difference():
    interval = counts_of((56, 70), (48, 80)).gap_interval(
        "demographic_parity_difference"
    )
    # Newcombe's, with limits that are a little wider than Wilson's.
    assert interval.low == pytest.approx(0.0524, abs=0.01)
    assert interval.high == pytest.approx(0.3339, abs=0.01)
    assert interval.low < 0.0524


def test_groups_of_one_rate_have_an_interval_that_begins_at_0():
    for rate in (0, 3, 10):
        counts = counts_of(*[(rate, 10)] * 5)
        interval = counts.gap_interval("demographic_parity_difference")
        assert (interval.value, interval.low) == (0, 0)
        assert interval.high > 0.25
    assert counts.gap_interval("worst_group_accuracy").high == 1


def test_names_and_order_of_groups_change_nothing():
    sizes = [(3, 12), (500, 900), (20, 30)]
    first, *others = [
        counts_of(*[sizes[i] for i in order]).gap_interval(name)
        for name in ("demographic_parity_difference",)
        for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0))
    ]
    for other in others:
        np.testing.assert_allclose(other.low, first.low)
        np.testing.assert_allclose(other.high, first.high)


def test_weights_count_as_effective_examples():
    # Weights of 1 and 3 in each group: (10 + 30)^2 / (10 + 90) = 16 of 20 examples.
    weights = np.tile([1.0, 3.0], 20)
    names = np.repeat([0, 1], 20)
    right = np.tile([1, 1, 0, 0], 10)
    weighted = GroupCounts.from_predictions(
        np.ones(40, int), right, groups={"g": names}, sample_weight=weights
    ).gap_interval("demographic_parity_difference")
    plain = counts_of((8, 16), (8, 16)).gap_interval("demographic_parity_difference")
    assert weighted.value == plain.value == 0
    assert weighted.high == pytest.approx(plain.high)


def test_many_groups_are_compared_by_their_extremes():
    counts = counts_of(*[(50 + i % 2, 100) for i in range(300)], (5, 100))
    interval = counts.gap_interval("demographic_parity_difference")
    assert interval.value == pytest.approx(0.46)
    assert 0.2 < interval.low < 0.46 < interval.high < 0.6


def test_groups_without_a_rate_are_no_extremes():
    rates = np.repeat([[np.nan, 0.0]], [25, 20], axis=1)
    pairs = all_pairs("difference", [Proportion(rates, np.full((1, 45), 30.0))])
    # 20 of 45 are at the top and 20 at the bottom: those that have a rate.
    assert set(pairs.first) == set(pairs.second) == set(range(25, 45))


@pytest.mark.parametrize("contrast", ["difference", "ratio", "lowest"])
def test_each_row_has_its_own_largest_contrast(contrast):
    rows = [
        Proportion(np.array([rates]), np.array([[40.0, 90.0, 25.0]]))
        for rates in ([0.2, 0.5, 0.4], [0.9, 0.6, 0.3], [0.55, 0.5, 0.6])
    ]
    pairs = all_pairs(contrast, rows[:1])
    stacked = Proportion(*(np.concatenate(part) for part in zip(*rows, strict=True)))
    indices = [np.broadcast_to(x, (3, x.shape[-1])) for x in pairs[:2]]
    together = largest(
        family(contrast, stacked, pairs._replace(first=indices[0], second=indices[1])),
        0.1,
    )
    alone = [
        largest(family(contrast, Proportion(*(part[0] for part in row)), pairs), 0.1)
        for row in rows
    ]
    np.testing.assert_allclose(np.transpose(together), alone)


def test_a_mean_of_two_gaps_errs_as_that_of_independent_ones():
    # Group -> (selected, all) of the positives, and of the negatives.
    cells = {"a": ((30, 40), (30, 60)), "b": ((8, 20), (5, 50))}
    rows = [
        (group, label, int(i < selected))
        for group, parts in cells.items()
        for label, (selected, n) in zip((1, 0), parts, strict=True)
        for i in range(n)
    ]
    groups, labels, predicted = zip(*rows, strict=True)
    counts = GroupCounts.from_predictions(labels, predicted, groups={"g": groups})
    found = counts.gap_interval("equalized_odds_difference", agg="mean", level=0.9)

    def end_of(share, right, n):
        more = 0.75 if share > 0.5 else 0.25
        return scipy.stats.beta.ppf(share, right + more, n - right + 1 - more)

    squares, values = [], []
    for (right_a, n_a), (right_b, n_b) in zip(*cells.values(), strict=True):
        above = end_of(0.95, right_a, n_a) - right_a / n_a
        below = right_b / n_b - end_of(0.05, right_b, n_b)
        squares.append(above**2 + below**2)
        values.append(right_a / n_a - right_b / n_b)
    assert found.value == pytest.approx(np.mean(values))
    # Zou & Donner 2008: the squares of the distances add up.
    assert found.high == pytest.approx(np.mean(values) + np.sqrt(sum(squares)) / 2)


@pytest.mark.parametrize("size", [5, 7, 16, 30])
def test_a_small_group_beside_a_large_one_is_covered(size):
    """Summed over all outcomes with their binomial probabilities: no chance in it."""
    large = 300
    ones = np.stack(np.meshgrid(np.arange(size + 1), np.arange(large + 1)), -1)
    trials = np.array([size, large])
    rates = (ones / trials).reshape(-1, 2)
    seen = Proportion(rates, np.ones(rates.shape) * trials)
    pairs = all_pairs("difference", [Proportion(*(x[:, np.newaxis] for x in seen))])
    found = largest(family("difference", seen, pairs), 0.05)
    for truths in ((0.1, 0.6), (0.2, 0.6), (0.05, 0.6), (0.1, 0.1), (0.5, 0.02)):
        binomial = scipy.stats.binom.pmf(ones, trials, truths).prod(axis=-1).reshape(-1)
        truth = abs(truths[0] - truths[1])
        holds = (found.low <= truth + 1e-12) & (truth <= found.high + 1e-12)
        assert binomial.sum() == pytest.approx(1)
        assert binomial[holds].sum() >= 0.93


def family_of(values, errors, balance=0.0, size=3):
    """Contrasts with bounds of so many standard errors on either side."""
    v, e = np.array(values), np.array(errors)
    return Family(lambda z: Bounds(v - z * e, v, v + z * e), size, balance)


@pytest.mark.parametrize(
    ("values", "errors", "active", "number"),
    [
        # z = 2.388 of three: .5 - .239 = .261, below .3 + .239, above -.2 + .239.
        ([0.5, 0.3, -0.2, -np.inf], [0.1] * 4, [1, 1, 0, 0], 2),
        # On the balance two contrasts are one pair; below it none is, but one counts.
        ([0.0, 0.0, 0.2], [0.1] * 3, [1, 1, 1], 2),
        ([-0.05, -0.05], [0.1] * 2, [1, 1], 1),
        ([0.0, -0.05], [0.1] * 2, [1, 1], 1),
        # No more than there are pairs.
        ([0.5, 0.5, 0.5, 0.5], [0.1] * 4, [1, 1, 1, 1], 3),
        # What reaches the highest lower end and no further.
        ([0.5, 0.5, 0.25], [0.0, 0.0, 0.0], [1, 1, 0], 2),
    ],
)
def test_contrasts_that_may_be_the_largest(values, errors, active, number):
    found, of = may_be_largest(family_of(values, errors), 0.05)
    np.testing.assert_array_equal(found, np.array(active, bool))
    assert of.shape == (1,)
    assert of == number


def test_the_largest_contrast_by_hand():
    found = largest(family_of([0.5, 0.45, -0.9], [0.1, 0.2, 0.1]), 0.05)
    # Two may be it: each at a level that holds for both.
    z = scipy.stats.norm.isf(1 - 0.975**0.5)
    assert found.low == pytest.approx(max(0.5 - 0.1 * z, 0.45 - 0.2 * z))
    assert found.value == 0.5
    assert found.high == pytest.approx(0.45 + 0.2 * Z)
    assert found.noise == pytest.approx(0.1 * Z)
    # Each with a half over two above it.
    z = scipy.stats.norm.isf(0.5 / 2)
    assert found.excess == pytest.approx(0.5 - max(0.5 - 0.1 * z, 0.45 - 0.2 * z))


def test_each_of_several_rows_has_contrasts_of_its_own():
    values = np.array([[0.5, 0.3, -0.4], [0.1, 0.1, 0.0]])
    errors = np.array([[0.1, 0.1, 0.1], [0.05, 0.1, 0.3]])
    stacked = [np.stack([x, x[::-1]]) for x in (values, errors)]
    active, number = may_be_largest(family_of(*stacked), 0.05)
    together = largest(family_of(*stacked), 0.05)
    for index in np.ndindex(2, 2):
        one = family_of(*(x[index] for x in stacked))
        np.testing.assert_array_equal(active[index], may_be_largest(one, 0.05)[0])
        np.testing.assert_array_equal(number[index], may_be_largest(one, 0.05)[1])
        np.testing.assert_allclose([x[index] for x in together], largest(one, 0.05))


@pytest.mark.parametrize(
    ("contrast", "number"), [("difference", 5), ("ratio", 5), ("lowest", 3)]
)
def test_a_pair_that_may_be_the_largest_either_way_counts_once(contrast, number):
    # a and b do not differ; c, of whom five are known, may be far above and below.
    # Of all four, a, b and c may be the lowest.
    rates = Proportion(
        np.array([0.5, 0.5, 0.4, 0.6]), np.array([10_000, 10_000, 5, 10_000])
    )
    pairs = all_pairs(contrast, [Proportion(*(x[np.newaxis] for x in rates))])
    _, found = may_be_largest(family(contrast, rates, pairs), 0.05)
    assert found == number


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 3), (1, 1, 2, 3)])
def test_pairs_of_two_rates_of_three_groups(shape):
    rates = Proportion(np.full(shape, 0.5), np.full(shape, 10.0))
    pairs = all_pairs("difference", [rates])
    first = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    second = [1, 2, 0, 2, 0, 1, 4, 5, 3, 5, 3, 4]
    assert pairs.size == 6
    for index, expected in ((pairs.first, first), (pairs.second, second)):
        np.testing.assert_array_equal(
            index, np.broadcast_to(expected, (*shape[:-2], 12))
        )
    alone = all_pairs("lowest", [rates])
    assert alone.size == 6
    for index in alone[:2]:
        np.testing.assert_array_equal(
            index, np.broadcast_to(range(6), (*shape[:-2], 6))
        )


def test_of_more_than_forty_groups_only_the_extreme_ones_are_compared():
    def first_of(groups):
        rates = Proportion(
            np.linspace(0, 1, groups)[np.newaxis], np.full((1, groups), 9.0)
        )
        return all_pairs("difference", [rates]).first

    assert first_of(40).shape == (40 * 39,)
    # Twenty by either limit, beside as many.
    assert first_of(41).shape == (40 * 40,)


def test_the_extreme_groups_have_the_most_extreme_limits():
    rng = np.random.default_rng(0)
    rates, trials = rng.random((2, 60)).round(1), rng.integers(2, 400, (2, 60))
    parts = [
        Proportion(rate[np.newaxis], n[np.newaxis].astype(float))
        for rate, n in zip(rates, trials, strict=True)
    ]
    pairs = all_pairs("difference", parts)
    tops, bottoms = set(), set()
    for rate, n in zip(rates, trials, strict=True):
        s = rate * n
        low = scipy.stats.beta.ppf(0.001, s + 0.25, n - s + 0.75)
        high = scipy.stats.beta.ppf(0.999, s + 0.75, n - s + 0.25)
        for end in (np.where(s > 0, low, 0), np.where(s < n, high, 1)):
            # Ten by either limit of each model; ties may be taken in any order.
            assert len(np.unique(end)) > 50
            tops |= set(np.argsort(-end)[:10])
            bottoms |= set(np.argsort(end)[:10])
    assert set(pairs.first) == tops
    assert set(pairs.second) == bottoms


def test_the_quantile_of_one_bound_is_that_of_an_interval():
    assert sidak(0.05, 1) == pytest.approx(Z)
    assert sidak(0.05, 0) == sidak(0.05, 1)


@pytest.mark.parametrize(
    ("p", "q", "low", "value", "high"),
    [
        (0.3, 0.0, None, np.inf, np.inf),
        (0.0, 0.0, 0, np.nan, np.inf),
        (np.nan, 0.0, None, np.nan, np.inf),
        (0.3, np.nan, None, np.nan, np.inf),
        (0.0, 0.5, 0, 0, None),
        (0.5, 0.2, None, 2.5, np.inf),
    ],
)
def test_ratios_to_none_and_of_none(p, q, low, value, high):
    # The limits of p and q lie .2 away, and not below 0.
    p, q = np.array(p), np.array(q)
    with warnings.catch_warnings(action="error"):
        found = ratio(p, q, np.minimum(p, 0.2), 0.2, np.minimum(q, 0.2), 0.2)
    np.testing.assert_array_equal(found.value, value)
    if low is not None:
        assert found.low == low
    if high is not None:
        assert found.high == high


def test_where_a_ratio_has_no_lower_end_it_is_0():
    # The upper limit of q is 2 q, where the quadratic equation has no square.
    assert ratio(np.array(0.3), np.array(0.25), 0.1, 0.1, 0.1, 0.25).low == 0


@pytest.mark.parametrize("contrast", ["difference", "ratio", "lowest"])
def test_a_group_without_a_rate_is_in_no_contrast(contrast):
    rates = Proportion(np.array([0.2, np.nan, 0.5]), np.array([20.0, 30.0, 40.0]))
    pairs = all_pairs(contrast, [Proportion(*(x[np.newaxis] for x in rates))])
    with warnings.catch_warnings(action="error"):
        found = family(contrast, rates, pairs).bounds(np.array([1.0]))
    absent = (pairs.first == 1) | (pairs.second == 1)
    for ends in found:
        np.testing.assert_array_equal(ends[absent], -np.inf)
        assert np.isfinite(ends[~absent]).all()


def test_a_group_is_not_compared_with_itself():
    rates = Proportion(np.array([0.2, 0.5]), np.array([20.0, 40.0]))
    index = np.array([0, 0, 1, 1])
    pairs = Pairs(index, np.array([0, 1, 0, 1]), 1)
    for contrast in ("difference", "ratio"):
        value = family(contrast, rates, pairs).value
        np.testing.assert_array_equal(np.isfinite(value), [False, True, True, False])
    np.testing.assert_allclose(family("lowest", rates, pairs).value, -rates.rate[index])
