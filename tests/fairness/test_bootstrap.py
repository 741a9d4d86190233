"""The bootstrap of counts against the bootstrap of examples, SciPy, and coverage."""

import math

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
    bootstrap_interval,
    bootstrap_values,
    gap_values,
)


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
