"""Intervals and changes of gaps: their options, their ends and what is undefined."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import (
    GAPS,
    GapDefinition,
    GroupCounts,
    PairedCounts,
    bootstrap_interval,
    gap_values,
)
from kd_keras.fairness.gap_intervals import IntervalOptions, _p_value

DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"


def pair_of_models(seed=0, size=120):
    """Two attributes; the first group of one of them has eleven of each label."""
    rng = np.random.default_rng(seed)
    label, a = rng.integers(0, 2, (2, size))
    label[:22] = [1, 0] * 11
    b = np.where(rng.random(size) < 0.6, a, label)
    g = np.array(["p"] * 22 + ["q", "r", "s"] * size)[:size]
    return PairedCounts.from_predictions(
        label, a, b, groups={"g": g, "h": rng.choice(["x", "y"], size)},
        sample_weight=rng.choice([1.0, 2.0], size),
    )  # fmt: skip


PAIR = pair_of_models()
OF_GAP = {"method": "to_overall", "agg": "mean", "min_examples": 12}
OF_BOOTSTRAP = {
    "kind": "percentile", "level": 0.8, "replicates": 60, "stratify_by": "h", "seed": 3
}  # fmt: skip


def bootstrapped(counts, statistic):
    return bootstrap_interval(counts, statistic, **OF_BOOTSTRAP)[0]


def test_every_option_may_be_left_out():
    assert not IntervalOptions.__required_keys__


@pytest.mark.parametrize("name", [EOD, "equalized_odds_ratio"])
def test_an_interval_has_all_options_of_its_gap_and_of_its_bootstrap(name):
    options = OF_GAP | OF_BOOTSTRAP
    found = PAIR.b.gap_interval(name, "g", **options)
    expected = bootstrapped(
        PAIR.b, lambda c: gap_values(c, name, attribute="g", observed=PAIR.b, **OF_GAP)
    )
    assert found == expected
    for left_out in options:
        others = {key: options[key] for key in options if key != left_out}
        assert PAIR.b.gap_interval(name, "g", **others) != found, left_out
    with pytest.raises(ValueError, match="`attribute` must be one of"):
        PAIR.b.gap_interval(name, **options)


@pytest.mark.parametrize("name", [EOD, "equalized_odds_ratio"])
def test_a_change_has_all_options_of_its_gap_and_of_its_bootstrap(name):
    options = OF_GAP | OF_BOOTSTRAP
    found = PAIR.gap_change(name, "g", **options)
    a, b = (
        gap_values(model, name, attribute="g", **OF_GAP) for model in (PAIR.a, PAIR.b)
    )
    assert (found.name, found.a, found.b) == (name, a, b)

    def value(model, observed):
        return gap_values(model, name, attribute="g", observed=observed, **OF_GAP)

    expected = bootstrapped(PAIR, lambda c: value(c.b, PAIR.b) - value(c.a, PAIR.a))
    assert found.interval == expected
    for left_out in options:
        others = {key: options[key] for key in options if key != left_out}
        assert PAIR.gap_change(name, "g", **others) != found, left_out
    with pytest.raises(ValueError, match="`attribute` must be one of"):
        PAIR.gap_change(name, **options)


@pytest.mark.parametrize("agg", ["worst_case", "mean"])
def test_a_bounded_interval_has_the_options_of_its_gap(agg):
    options = {"agg": agg, "min_examples": 4}
    found = PAIR.b.gap_interval(EOD, "g", **options)
    change = PAIR.gap_change(EOD, "g", **options)
    a, b = (getattr(model, EOD)("g", **options).value for model in (PAIR.a, PAIR.b))
    assert (change.a, change.b, found.value) == (a, b, b)
    assert change.interval.value == b - a
    for interval in (found, change.interval):
        assert interval.low < interval.value < interval.high
        assert interval.level == 0.95
    other = {"agg": "mean" if agg == "worst_case" else "worst_case"}
    for changed in (other, {"min_examples": 12}):
        assert PAIR.b.gap_interval(EOD, "g", **options | changed) != found
        assert PAIR.gap_change(EOD, "g", **options | changed) != change


def test_a_bootstrap_has_a_thousand_replicates_of_seed_0_at_95_percent():
    counts = pair_of_models(size=60).only("h")
    given = {"replicates": 1000, "seed": 0, "level": 0.95, "stratify_by": None}
    for of in (counts.b.gap_interval, lambda *n, **o: counts.gap_change(*n, **o)):
        found = of(DPD, kind="percentile")
        assert found == of(DPD, kind="percentile", **given)
    _, values = bootstrap_interval(counts.b, lambda c: gap_values(c, DPD))
    found = counts.b.gap_interval(DPD, kind="percentile")
    ends = np.quantile(values, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(ends), rel=1e-12)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_the_difference_of_two_groups_has_the_level_asked_for(level):
    # Selected: 24 of 30 and 18 of 40.
    p = [1] * 24 + [0] * 6 + [1] * 18 + [0] * 22
    counts = GroupCounts.from_predictions(p, p, groups={"g": [0] * 30 + [1] * 40})
    tail = (1 - level) / 2
    # Quantiles halfway between those of Jeffreys and of Clopper & Pearson.
    low_0 = scipy.stats.beta.ppf(tail, 24.25, 6.75)
    high_0 = scipy.stats.beta.ppf(1 - tail, 24.75, 6.25)
    low_1 = scipy.stats.beta.ppf(tail, 18.25, 22.75)
    high_1 = scipy.stats.beta.ppf(1 - tail, 18.75, 22.25)
    found = counts.gap_interval(DPD, level=level)
    assert found.value == pytest.approx(0.35)
    assert found.low == pytest.approx(0.35 - np.hypot(0.8 - low_0, high_1 - 0.45))
    assert found.high == pytest.approx(0.35 + np.hypot(high_0 - 0.8, 0.45 - low_1))
    assert found.level == level
    if level == 0.95:
        assert counts.gap_interval(DPD) == found


def test_a_change_of_a_lower_level_has_a_narrower_interval():
    wide, narrow = (
        PAIR.gap_change(DPD, "h", level=level).interval for level in (0.95, 0.8)
    )
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high
    assert (wide.level, narrow.level) == (0.95, 0.8)
    assert PAIR.gap_change(DPD, "h").interval == wide
    # About as the normal distribution's quantiles.
    ratio = (narrow.high - narrow.low) / (wide.high - wide.low)
    assert ratio == pytest.approx(1.2816 / 1.96, abs=0.06)


@pytest.mark.parametrize(("few", "value"), [(10, 0.9), (9, 0.1)])
def test_ten_examples_are_enough_unless_said_otherwise(few, value):
    # Right: 20 of 20, 18 of 20 and 1 of 10, or of 9 with nobody right.
    right = [1] * 20 + [1] * 18 + [0] * 2 + [1] * (few - 9) + [0] * 9
    groups = ["a"] * 20 + ["b"] * 20 + ["c"] * few
    one = GroupCounts.from_predictions(np.ones(len(right)), right, groups={"g": groups})
    pair = PairedCounts.from_predictions(
        np.ones(len(right)), right, np.ones(len(right)), groups={"g": groups}
    )
    assert one.gap_interval("accuracy_gap").value == pytest.approx(value)
    assert pair.gap_change("accuracy_gap").interval.value == pytest.approx(-value)


@pytest.mark.parametrize("kind", ["mover", "percentile"])
def test_an_undefined_gap_says_why(kind):
    counts = GroupCounts.from_predictions([1, 0], [1, 0], groups={"g": ["a", "a"]})
    found = counts.gap_interval(DPD, kind=kind, level=0.9, replicates=9)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.reason == "needs at least two groups, has 1: ['a']"
    assert found.level == 0.9


@pytest.mark.parametrize("kind", ["mover", "percentile"])
@pytest.mark.parametrize("model", ["a", "b"])
def test_a_change_of_one_undefined_gap_says_why(kind, model):
    # One of the two models selects nobody.
    label, nobody = [1] * 24, [0] * 24
    predictions = [nobody, [1, 0] * 12][:: 1 if model == "a" else -1]
    pair = PairedCounts.from_predictions(
        label, *predictions, groups={"g": ["u"] * 12 + ["v"] * 12}
    )
    found = pair.gap_change(
        "demographic_parity_ratio", kind=kind, level=0.9, replicates=9
    )
    assert (math.isnan(found.a), math.isnan(found.b)) == (model == "a", model == "b")
    interval = found.interval
    assert np.isnan([interval.value, interval.low, interval.high]).all()
    assert interval.level == 0.9
    assert math.isnan(found.p_value)
    if kind == "mover":
        assert interval.reason == "every group's rate is 0, and 0 / 0 is undefined"


def test_a_change_shows_its_numbers():
    found = PAIR.gap_change("accuracy_gap", "h")
    assert repr(found) == (
        f"Change(name='accuracy_gap', a={found.a!r}, b={found.b!r}, "
        f"interval={found.interval!r}, p_value={found.p_value!r})"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.a = 0
    for cell in ("accuracy_gap", "p value", "interval"):
        assert f">{cell}</t" in found._repr_html_()
    assert ">test</t" not in found._repr_html_()


def test_other_kinds_and_levels_are_refused():
    for of in (PAIR.gap_change, PAIR.b.gap_interval):
        with pytest.raises(
            ValueError, match=r"one of \['mover', 'percentile'.*'normal'"
        ):
            of(DPD, "g", kind="normal")
        with pytest.raises(ValueError, match="`level` must lie between 0 and 1"):
            of(DPD, "g", level=95)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Of six, five are at most 0 and two at least 0: 2 (2 + 1) / (6 + 1).
        ([-0.4, -0.3, -0.2, -0.1, 0.0, 0.3, np.nan], 6 / 7),
        ([-0.4, -0.3, -0.2, -0.1], 2 / 5),
        # Of five, four and three: 2 (3 + 1) / 6 is over 1.
        ([-0.2, -0.1, 0.0, 0.0, 0.3], 1),
        ([0.2, 2.0, 3.0, 0.5, -0.5, 1.0, 0.7], 4 / 8),
        ([np.nan, np.inf], np.nan),
    ],
)
def test_the_p_value_of_replicates(changes, expected, sign):
    found = _p_value(sign * np.array(changes))
    assert found == pytest.approx(expected, nan_ok=True)


def test_the_change_of_a_rate_that_divides_by_predictions_is_bootstrapped(
    monkeypatch,
):
    row = GapDefinition(
        ("precision",), GAPS["accuracy_gap"].compare, "", contrast="difference"
    )
    monkeypatch.setitem(GAPS, "ppd", row)
    # Of those whom a selects 10 of 20 are right, and 24 of 30; b: 12 of 16, 20 of 40.
    label = [1] * 12 + [0] * 18 + [1] * 24 + [0] * 26
    a = [1] * 10 + [0] * 2 + [1] * 10 + [0] * 8 + [1] * 30 + [0] * 20
    b = [1] * 12 + [1] * 4 + [0] * 14 + [1] * 20 + [0] * 4 + [1] * 20 + [0] * 6
    groups = {"g": ["u"] * 30 + ["v"] * 50}
    pair = PairedCounts.from_predictions(label, a, b, groups=groups)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pair.gap_change("ppd")
    assert (found.a, found.b) == pytest.approx((0.3, 0.25))
    assert found.interval.value == pytest.approx(-0.05)
    expected, changes = bootstrap_interval(
        pair, lambda c: gap_values(c.b, "ppd") - gap_values(c.a, "ppd"), kind="centred"
    )
    assert found.interval == expected
    assert expected.low < -0.05 < expected.high
    assert found.p_value == _p_value(changes) < 1
    # One model alone has its bounds; kinds are known as ever.
    assert pair.a.gap_interval("ppd") != pair.a.gap_interval("ppd", kind="centred")
    with pytest.raises(ValueError, match="`kind` must be one of"):
        pair.gap_change("ppd", kind="normal")


def test_intervals_end_where_the_domain_ends(monkeypatch):
    """A gap of 1 in every replicate, cut at 1/2 and its change at 3/4."""
    y, p = [1, 1, 0, 0], [1, 1, 0, 0]
    groups = {"g": list("aabb")}
    row = GapDefinition(
        ("selection_rate",), GAPS["accuracy_gap"].compare, "", domain=(-0.25, 0.5)
    )
    monkeypatch.setitem(GAPS, "cut", row)
    options = {"replicates": 50, "stratify_by": "g", "min_examples": 1}
    counts = GroupCounts.from_predictions(y, p, groups=groups)
    interval = counts.gap_interval("cut", **options)
    assert (interval.value, interval.low, interval.high) == (1, 0.5, 0.5)
    pair = PairedCounts.from_predictions(y, [0, 0, 0, 0], p, groups=groups)
    change = pair.gap_change("cut", **options).interval
    assert (change.value, change.low, change.high) == (1, 0.75, 0.75)
