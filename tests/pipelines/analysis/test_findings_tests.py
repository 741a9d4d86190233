"""Tests over seeds, held against hand calculation, SciPy and printed tables."""

import numpy as np
import pytest
import scipy.stats

from pipelines.analysis.findings_tests import (
    CONFIRMED,
    NOT_DECIDED,
    REFUTED,
    detectable,
    equivalence_p,
    holm,
    power,
    seed_test,
    verdicts,
)


def test_students_interval_by_hand():
    found = seed_test(np.array([1.0, 2.0, 3.0]))
    # sd 1, standard error 1 / sqrt(3); t(0.975, 2) = 4.302653, printed.
    width = 4.302653 / np.sqrt(3)
    assert (found.mean, found.sd) == (2, 1)
    assert (found.low, found.high) == pytest.approx((2 - width, 2 + width), abs=1e-6)
    expected = scipy.stats.ttest_1samp([1.0, 2.0, 3.0], 0).pvalue
    assert found.p == pytest.approx(expected, rel=1e-12)


def test_each_column_is_a_test_of_its_own():
    values = np.random.default_rng(0).normal(size=(7, 2, 3))
    found = seed_test(values)
    assert found.p == pytest.approx(scipy.stats.ttest_1samp(values, 0).pvalue)
    alone = seed_test(values[:, 1, 2])
    assert [float(part) for part in alone] == pytest.approx(
        [float(part[1, 2]) for part in found]
    )


@pytest.mark.parametrize("values", [[0.5], [0.1 + 0.2, 0.3], [0.0, 0.0, 0.0]])
def test_without_spread_there_is_no_p_value(values):
    found = seed_test(np.array(values))
    assert found.mean == pytest.approx(values[0])
    assert np.isnan([found.p, found.low, found.high]).all()


def test_undefined_values_stay_undefined():
    found = seed_test(np.array([np.nan, 1.0, 2.0]))
    assert np.isnan([float(part) for part in found]).all()


def test_equivalence_is_two_one_sided_tests():
    values = np.array([0.1, -0.2, 0.3, 0.05])
    below = scipy.stats.ttest_1samp(values, 0.6, alternative="less").pvalue
    above = scipy.stats.ttest_1samp(values, -0.6, alternative="greater").pvalue
    expected = min(1, 2 * max(below, above))
    assert equivalence_p(values, 0.6) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(equivalence_p(values, np.nan))
    assert np.isnan(equivalence_p(values[:1], 0.6))


@pytest.mark.parametrize("more", [0.999, 1.001])
def test_equivalence_is_an_interval_inside_the_margin(more):
    values = np.array([0.1, -0.2, 0.3, 0.05])
    found = seed_test(values)
    margin = more * max(-found.low, found.high)
    assert (equivalence_p(values, margin) <= 0.05) == (more > 1)


def test_holm_by_hand():
    # Rising: 4 x .005, 3 x .01, 2 x .03, and .04, which is below .06 before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([]).size == 0


def test_a_claim_without_p_value_counts_among_the_claims():
    assert holm([0.01, np.nan, 0.02]) == pytest.approx(
        [0.03, np.nan, 0.04], nan_ok=True
    )


def test_holm_corrects_each_column_alone():
    p = np.array([[0.01, 0.5], [0.04, 0.02]])
    assert holm(p) == pytest.approx(np.array([[0.02, 0.5], [0.04, 0.04]]))
    # 3 x .01, 2 x .02, and .03 below it; 3 x .2, 2 x .5, and .6 below it.
    p = np.array([[0.01, 0.5], [0.03, 0.2], [0.02, 0.6]])
    assert holm(p) == pytest.approx(np.array([[0.03, 1], [0.04, 0.6], [0.04, 1]]))


@pytest.mark.parametrize(
    ("effect", "seeds", "alpha"), [(0.9, 5, 0.05), (0.4, 30, 0.05 / 12), (2.0, 3, 0.05)]
)
def test_power_is_that_of_scipys_noncentral_t(effect, seeds, alpha):
    critical = scipy.stats.t.isf(alpha / 2, seeds - 1)
    away = effect / 2 * np.sqrt(seeds)
    beyond = scipy.stats.nct(seeds - 1, away)
    expected = beyond.sf(critical) + beyond.cdf(-critical)
    assert power(effect, 2.0, seeds, alpha) == pytest.approx(expected, abs=1e-5)


def test_without_an_effect_the_power_is_alpha():
    assert power(0.0, 1.0, 4, 0.03) == pytest.approx(0.03, abs=1e-5)


@pytest.mark.parametrize(("effect", "seeds"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_detectable_effects_of_printed_sample_sizes(effect, seeds):
    # Seeds for 80 % power at 5 %, as in Cohen's and G*Power's tables; one is too few.
    assert detectable(1.0, seeds, 0.05) < effect < detectable(1.0, seeds - 1, 0.05)


def test_detectable_effects_have_the_unit_of_their_sd():
    found = detectable(0.36, 30, 0.05 / 12)
    assert power(found, 0.36, 30, 0.05 / 12) == pytest.approx(0.8, abs=1e-6)
    assert detectable(0.72, 30, 0.05 / 12) == pytest.approx(2 * found)
    assert power(detectable(1.0, 2, 0.001), 1.0, 2, 0.001) == pytest.approx(0.8)


@pytest.mark.parametrize(("sd", "seeds"), [(0.0, 5), (float("nan"), 5), (1.0, 1)])
def test_nothing_is_detectable_without_spread(sd, seeds):
    assert np.isnan(detectable(sd, seeds, 0.05))


@pytest.mark.parametrize(
    ("sign", "effect", "p", "same", "verdict"),
    [
        (1, 2.0, 0.01, np.nan, CONFIRMED),
        (-1, -2.0, 0.05, 0.9, CONFIRMED),
        (-1, 2.0, 0.01, np.nan, REFUTED),
        (1, -2.0, 0.01, np.nan, REFUTED),
        (1, 2.0, 0.06, np.nan, NOT_DECIDED),
        (1, 2.0, 0.06, 0.04, REFUTED),
        # Of the claimed sign for sure, and for sure below a quarter: too small.
        (1, 0.1, 0.01, 0.01, REFUTED),
        (1, 0.0, np.nan, np.nan, NOT_DECIDED),
    ],
)
def test_verdicts(sign, effect, p, same, verdict):
    assert verdicts(sign, effect, p, same) == verdict


def test_a_spread_of_rounding_alone_is_none():
    # Spreads of 2e-9 and of half of that.
    found = seed_test(np.array([[0.0, 0.0], [2e-9, 1e-9], [0.0, 0.0]]))
    assert found.sd[0] > 0
    assert found.sd[1] == 0
    assert np.isnan(found.p).tolist() == [False, True]


def test_two_seeds_have_an_interval():
    found = seed_test(np.array([1.0, 2.0]))
    # sd .7071, standard error .5; t(0.975, 1) = 12.7062, printed.
    assert found.sd == pytest.approx(np.sqrt(0.5))
    assert (found.low, found.high) == pytest.approx((1.5 - 6.3531, 1.5 + 6.3531))
    assert equivalence_p(np.array([1.0, 2.0]), 1.5 + 6.3530) > 0.05
    assert equivalence_p(np.array([1.0, 2.0]), 1.5 + 6.3532) <= 0.05


def test_equivalence_is_not_surer_than_1():
    values = np.array([0.1, -0.2, 0.3, 0.05])
    assert equivalence_p(values, 0.01) == 1
    assert np.isnan(equivalence_p(np.zeros(3), 1.0))  # No spread is known.


def test_no_p_is_as_clear_as_five_percent():
    assert verdicts(1, 2.0, 0.05, np.nan) == CONFIRMED
    assert verdicts(1, 0.1, 0.5, 0.05) == REFUTED
    # Nothing at all is not of the claimed sign.
    assert verdicts(1, 0.0, 0.01, np.nan) == REFUTED
    found = verdicts(
        np.array([1, -1]), np.array([1.0, 1.0]), np.array([0.01, 0.01]), np.nan
    )
    assert found.tolist() == [CONFIRMED, REFUTED]
