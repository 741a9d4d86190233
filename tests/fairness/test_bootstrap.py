"""The bootstrap of counts against the bootstrap of examples, SciPy, and coverage."""

import math
import warnings

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
    bootstrap,
    bootstrap_interval,
    bootstrap_values,
    gap_values,
)
from kd_keras.fairness.bootstrap import BootstrapOptions, resample


def simulate(rng, size, rates=(0.3, 0.5, 0.7), weights=(1.0,)):
    """Groups with P(prediction = 1) = rates; labels are independent."""
    g = rng.integers(0, len(rates), size)
    p = (rng.random(size) < np.take(rates, g)).astype(int)
    y = rng.integers(0, 2, size)
    return y, p, g, rng.choice(weights, size)


def dpd(counts):
    return gap_values(counts, "demographic_parity_difference")


@pytest.mark.parametrize("weights", [(1.0,), (0.5, 1.0, 4.0)], ids=["plain", "weights"])
def test_replicates_are_distributed_as_those_of_examples(weights):
    rng = np.random.default_rng(0)
    y, p, g, w = simulate(rng, 150, weights=weights)
    counts = GroupCounts.from_predictions(y, p, groups={"g": g}, sample_weight=w)
    ours = bootstrap_values(counts, dpd, replicates=4000)
    theirs = []
    for _ in range(4000):
        drawn = rng.integers(0, 150, 150)
        rates = [
            np.average(p[drawn][g[drawn] == k], weights=w[drawn][g[drawn] == k])
            for k in range(3)
        ]
        theirs.append(max(rates) - min(rates))
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 0.01


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_interval_agrees_with_scipy(kind):
    p = np.repeat([1, 0], [13, 47])
    counts = GroupCounts.from_predictions(p, p, groups={"g": np.zeros(60, int)})

    def share(replicates):
        return (replicates.mass * replicates.prediction).sum(-1) / 60

    ours, _ = bootstrap_interval(counts, share, replicates=20_000, kind=kind)
    theirs = scipy.stats.bootstrap(
        (p,),
        np.mean,
        n_resamples=20_000,
        method={"bca": "BCa"}.get(kind, kind),
        random_state=np.random.default_rng(0),
    ).confidence_interval
    # The mean of 60 examples moves in steps of 1 / 60.
    assert ours.value == 13 / 60
    assert ours.low == pytest.approx(theirs.low, abs=1 / 60 + 1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1 / 60 + 1e-9)


def test_bca_acceleration_of_a_skewed_statistic():
    """The mean of weights 1, 2, 3 and 30 has a jackknife known in closed form."""
    data = np.repeat([1.0, 2, 3, 30], [40, 30, 20, 6])
    counts = GroupCounts.from_predictions(
        np.zeros(96), np.zeros(96), groups={"g": np.zeros(96, int)}, sample_weight=data
    )

    def mean(replicates):
        return replicates.mass.sum(-1) / replicates.counts.sum(-1)

    ours, _ = bootstrap_interval(counts, mean, replicates=40_000, kind="bca")
    theirs = scipy.stats.bootstrap(
        (data,),
        np.mean,
        n_resamples=40_000,
        method="BCa",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    percentile, _ = bootstrap_interval(counts, mean, replicates=40_000)
    assert ours.low == pytest.approx(theirs.low, abs=0.08)
    assert ours.high == pytest.approx(theirs.high, abs=0.08)
    assert ours.high > percentile.high + 0.2


def test_bca_of_strata_is_its_formula():
    """Efron 1987, with a jackknife of each stratum for itself."""
    data = np.repeat([1.0, 2, 9, 1, 3.5], [5, 2, 1, 30, 10])
    group = np.repeat([0, 1], [8, 40])
    counts = GroupCounts.from_predictions(
        np.zeros(48), np.zeros(48), groups={"g": group}, sample_weight=data
    )

    def mean(replicates):
        return replicates.mass.sum(-1) / replicates.counts.sum(-1)

    ours, values = bootstrap_interval(
        counts, mean, replicates=999, kind="bca", stratify_by="g"
    )
    without_one = (data.sum() - data) / 47
    influence = np.concatenate(
        [(n - 1) / n * (part.mean() - part)
         for part, n in ((without_one[:8], 8), (without_one[8:], 40))]
    )  # fmt: skip
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    below = (np.mean(values < data.mean()) + np.mean(values <= data.mean())) / 2
    bias = scipy.stats.norm.ppf(below)
    z = bias + scipy.stats.norm.ppf([0.025, 0.975])
    tails = scipy.stats.norm.cdf(bias + z / (1 - acceleration * z))
    assert acceleration > 0.01
    np.testing.assert_allclose((ours.low, ours.high), np.quantile(values, tails))


@pytest.mark.parametrize("kind", ["percentile", "bca", "centred", "mover"])
def test_coverage_is_about_95_percent(kind):
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(400):
        y, p, g, _ = simulate(rng, 600)
        counts = GroupCounts.from_predictions(y, p, groups={"g": g})
        interval = counts.gap_interval(
            "demographic_parity_difference", kind=kind, replicates=500, seed=trial
        )
        covered += interval.low <= 0.4 <= interval.high
    # Four standard errors of a binomial share: 4 sqrt(.95 x .05 / 400) = .044.
    assert abs(covered / 400 - 0.95) < 0.044


def test_stratified_replicates_keep_group_sizes():
    y, p, g, _ = simulate(np.random.default_rng(0), 200)
    counts = GroupCounts.from_predictions(
        y, p, groups={"g": [None if k == 2 else int(k) for k in g]}
    )

    def size_of_group_0(replicates):
        _, index = replicates.attribute_index("g")
        return replicates.counts[:, index == 0].sum(-1)

    kept = bootstrap_values(counts, size_of_group_0, stratify_by="g", replicates=50)
    free = bootstrap_values(counts, size_of_group_0, replicates=50)
    assert set(kept) == {(g == 0).sum()}
    assert len(set(free)) > 1


def test_intervals_stay_in_range():
    p = np.r_[np.ones(10, int), np.zeros(10, int)]
    counts = GroupCounts.from_predictions(p, p, groups={"g": p})
    for kind in ("percentile", "bca"):
        interval = counts.gap_interval("demographic_parity_difference", kind=kind)
        assert (interval.low, interval.value, interval.high) == (1, 1, 1)


def test_undefined_replicates_are_counted():
    # Group b has one positive, which a replicate lacks with probability (7/8)^8 = .34.
    counts = GroupCounts.from_predictions(
        [1, 1, 0, 0, 1, 0, 0, 0],
        [1, 0, 1, 0, 1, 0, 1, 0],
        groups={"g": list("aaaabbbb")},
    )
    interval = counts.gap_interval(
        "equal_opportunity_difference",
        min_examples=1,
        kind="percentile",
        replicates=2000,
    )
    # Group a lacks its two with probability (6/8)^8 = .10, both .03 ((5/8)^8 = .02).
    expected = 0.875**8 + 0.75**8 - 0.625**8
    assert interval.undefined_replicates / 2000 == pytest.approx(expected, abs=0.04)
    assert 0 <= interval.low <= interval.high <= 1


def test_undefined_gap_has_an_undefined_interval_with_the_reason():
    counts = GroupCounts.from_predictions([1, 0], [1, 0], groups={"g": ["a", "a"]})
    interval = counts.gap_interval("demographic_parity_difference")
    assert math.isnan(interval.low)
    assert interval.reason == "needs at least two groups, has 1: ['a']"


def test_equal_seeds_give_equal_replicates():
    y, p, g, _ = simulate(np.random.default_rng(0), 100)
    counts = GroupCounts.from_predictions(y, p, groups={"g": g})
    first = bootstrap_values(counts, dpd, seed=3, replicates=20)
    np.testing.assert_array_equal(
        first, bootstrap_values(counts, dpd, seed=3, replicates=20)
    )
    assert (first != bootstrap_values(counts, dpd, seed=4, replicates=20)).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 95}, "`level` must lie between 0 and 1"),
        ({"kind": "normal"}, "`kind` must be one of"),
        ({"kind": "bca", "replicates": 1}, "`replicates` must be at least 2"),
    ],
    ids=["level", "kind", "replicates"],
)
def test_bad_options(options, message):
    counts = GroupCounts.from_predictions([1, 0], [1, 0], groups={"g": ["a", "b"]})
    with pytest.raises(ValueError, match=message):
        counts.gap_interval("accuracy_gap", **options)


def paired_counts(rng, size, rates_a, rates_b):
    y, p_a, g, _ = simulate(rng, size, rates_a)
    # The models agree as far as their rates allow, as a student and a teacher do.
    uniform = rng.random(size)
    p_a = (uniform < np.take(rates_a, g)).astype(int)
    p_b = (uniform < np.take(rates_b, g)).astype(int)
    swap = rng.random(size) < 0.1
    p_b[swap] = (rng.random(swap.sum()) < np.take(rates_b, g[swap])).astype(int)
    return PairedCounts.from_predictions(y, p_a, p_b, groups={"g": g})


def test_change_of_a_gap_has_coverage_and_size():
    """Under equal gaps of 0.4 the test rejects in about 5 % of the trials."""
    rng = np.random.default_rng(0)
    covered, rejected = 0, 0
    for trial in range(300):
        counts = paired_counts(rng, 600, (0.3, 0.5, 0.7), (0.2, 0.4, 0.6))
        change = counts.gap_change(
            "demographic_parity_difference",
            kind="percentile",
            replicates=500,
            seed=trial,
        )
        covered += change.interval.low <= 0 <= change.interval.high
        rejected += change.p_value < 0.05
    # Four standard errors: 4 sqrt(.95 x .05 / 300) = .050.
    assert abs(covered / 300 - 0.95) < 0.05
    assert abs(rejected / 300 - 0.05) < 0.05


def test_change_is_found_and_uses_the_pairs():
    counts = paired_counts(
        np.random.default_rng(0), 2000, (0.3, 0.5, 0.7), (0.4, 0.5, 0.6)
    )
    change = counts.gap_change("demographic_parity_difference")
    assert change.p_value < 0.01
    assert change.interval.value == pytest.approx(change.b - change.a, abs=1e-12)
    assert change.interval.high < 0
    # Unpaired, the variances of both gaps would add up.
    width = change.interval.high - change.interval.low
    widths = [
        interval.high - interval.low
        for interval in (
            counts.a.gap_interval("demographic_parity_difference"),
            counts.b.gap_interval("demographic_parity_difference"),
        )
    ]
    assert width < 0.8 * math.hypot(*widths)


def many_cells(strata=3):
    """Sixty cells of one to four examples each: two classes, ten weights, groups."""
    y, w, g = (x.ravel() for x in np.meshgrid([0, 1], np.arange(1, 11), range(strata)))
    repeated = 1 + np.arange(len(y)) % 4
    y, w, g = (x.repeat(repeated) for x in (y, w, g))
    # By the attribute that comes first, cells of one group of g lie apart.
    groups = {"age": w, "g": g}
    return GroupCounts.from_predictions(y, y, groups=groups, sample_weight=w)


def weight_of(counts):
    return counts.mass.sum(-1) / 100


def test_every_option_may_be_left_out():
    assert not BootstrapOptions.__required_keys__


@pytest.mark.parametrize("stratify_by", [None, "g"])
def test_replicates_are_multinomial_draws_of_cells_in_their_order(stratify_by):
    counts = many_cells()
    group = counts.cells[:, 1]
    strata = [group == g for g in range(3)] if stratify_by else [group >= 0]
    rng = np.random.default_rng(7)
    expected = np.zeros((5, len(group)), int)
    for members in strata:
        observed = counts.counts[members]
        drawn = rng.multinomial(observed.sum(), observed / observed.sum(), 5)
        expected[:, members] = drawn
    (found,) = resample(counts, 5, seed=7, stratify_by=stratify_by)
    np.testing.assert_array_equal(found.counts, expected)


def test_a_thousand_replicates_of_seed_0_are_drawn():
    counts = many_cells(1)
    expected = bootstrap_values(counts, weight_of, replicates=1000, seed=0)
    _, values = bootstrap_interval(counts, weight_of)
    for found in (
        np.concatenate([weight_of(block) for block in resample(counts, 1000)]),
        bootstrap_values(counts, weight_of),
        values,
    ):
        np.testing.assert_array_equal(found, expected)


def test_two_replicates_are_enough():
    _, values = bootstrap_interval(many_cells(1), weight_of, replicates=2)
    assert len(values) == 2


@pytest.mark.parametrize(
    ("groups", "num_classes", "sizes"),
    [
        # 24 elements: 3 cells; 3 groups of 2 classes; 6 classes without a group.
        ({"g": [0, 0, 0]}, 2, [8, 2]),
        ({"g": [0, 1, 2], "h": [0, 0, 0]}, 2, [4, 4, 2]),
        ({}, 6, [4, 4, 2]),
        ({}, 30, [1] * 10),
    ],
)
def test_a_block_has_as_many_replicates_as_its_elements_allow(
    groups, num_classes, sizes, monkeypatch
):
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 24)
    counts = GroupCounts.from_predictions(
        [0, 0, 1], [0, 1, 0], groups=groups, num_classes=num_classes
    )
    blocks = [block.counts for block in resample(counts, 10)]
    assert [len(block) for block in blocks] == sizes
    assert {int(n) for block in blocks for n in block.sum(axis=1)} == {3}


def test_counts_of_nobody_have_replicates_of_nobody(monkeypatch):
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 24)
    counts = GroupCounts.from_predictions([], [], groups={"g": []})
    shapes = [block.counts.shape for block in resample(counts, 30, stratify_by="g")]
    assert shapes == [(24, 0), (6, 0)]


def test_the_jackknife_leaves_out_as_many_cells_as_its_elements_allow(monkeypatch):
    counts = GroupCounts.from_predictions(
        [0] * 20,
        [0] * 20,
        groups={"g": [0] * 20},
        sample_weight=np.arange(1, 11).repeat(2),
    )
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 30)
    seen = []

    def statistic(draws):
        seen.append(draws.counts)
        return weight_of(draws)

    bootstrap_interval(counts, statistic, kind="bca", replicates=2)
    jackknife = seen[-4:]
    assert [len(block) for block in jackknife] == [3, 3, 3, 1]
    # One example less in each cell in turn.
    np.testing.assert_array_equal(np.concatenate(jackknife), 2 - np.eye(10))
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 1)
    seen.clear()
    bootstrap_interval(counts, statistic, kind="bca", replicates=2)
    assert [len(block) for block in seen[-10:]] == [1] * 10


def test_bca_counts_replicates_equal_to_the_estimate_half():
    p = np.repeat([1, 0], [13, 47])
    counts = GroupCounts.from_predictions(p, p, groups={"g": np.zeros(60, int)})

    def share(draws):
        return (draws.counts * draws.prediction).sum(-1) / 60

    ours, values = bootstrap_interval(counts, share, replicates=999, kind="bca")
    below, equal = (values < 13 / 60).mean(), (values == 13 / 60).mean()
    assert equal > 0.05
    bias = scipy.stats.norm.ppf(below + equal / 2)
    # Efron 1987: the skewness of p - mean over six times its root of the number.
    rate = 13 / 60
    acceleration = (1 - 2 * rate) / np.sqrt(rate * (1 - rate) * 60) / 6
    z = bias + scipy.stats.norm.ppf([0.025, 0.975])
    tails = scipy.stats.norm.cdf(bias + z / (1 - acceleration * z))
    np.testing.assert_allclose((ours.low, ours.high), np.quantile(values, tails))


@pytest.mark.parametrize("sign", [1, -1])
def test_an_estimate_beyond_all_replicates_has_the_bias_of_half_a_replicate(sign):
    # Of 32 cells of one example each no replicate has all; whoever is left out, 31.
    counts = GroupCounts.from_predictions(
        [0] * 32, [0] * 32, groups={"g": range(32)}, num_classes=2
    )

    def cells_drawn(draws):
        return sign * (draws.counts > 0).sum(-1) / 32

    with warnings.catch_warnings(action="error"):
        ours, values = bootstrap_interval(
            counts, cells_drawn, replicates=50, kind="bca", level=0.6
        )
    assert (sign * values).max() < 1
    # Equal influences have no acceleration.
    bias = scipy.stats.norm.ppf(1 - 0.5 / 50) * sign
    tails = scipy.stats.norm.cdf(2 * bias + scipy.stats.norm.ppf([0.2, 0.8]))
    np.testing.assert_allclose((ours.low, ours.high), np.quantile(values, tails))


def test_a_stratum_that_nobody_may_leave_has_no_part_in_the_acceleration():
    # Without the one example of b there is no difference.
    p = [1] * 3 + [0] * 17 + [0]
    counts = GroupCounts.from_predictions(
        p, p, groups={"g": ["a"] * 20 + ["b"]}, num_classes=2
    )
    with warnings.catch_warnings(action="error"):
        ours, values = bootstrap_interval(
            counts, dpd, replicates=200, kind="bca", stratify_by="g"
        )
    bias = scipy.stats.norm.ppf((values < 0.15).mean() + (values == 0.15).mean() / 2)
    acceleration = (1 - 2 * 0.15) / np.sqrt(0.15 * 0.85 * 20) / 6
    z = bias + scipy.stats.norm.ppf([0.025, 0.975])
    tails = scipy.stats.norm.cdf(bias + z / (1 - acceleration * z))
    np.testing.assert_allclose((ours.low, ours.high), np.quantile(values, tails))


@pytest.mark.parametrize(
    ("of_counts", "of_draws", "reason"),
    [
        (math.nan, 0.5, "the statistic is undefined on the counts themselves"),
        (0.5, math.nan, ""),
    ],
)
def test_no_interval_without_an_estimate_or_a_replicate(of_counts, of_draws, reason):
    def statistic(draws):
        return np.full(
            len(draws.counts), of_draws if len(draws.counts) > 1 else of_counts
        )

    found, values = bootstrap_interval(many_cells(1), statistic, replicates=9)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.value == pytest.approx(of_counts, nan_ok=True)
    assert found.undefined_replicates == np.isnan(values).sum()
    assert found.reason == reason
