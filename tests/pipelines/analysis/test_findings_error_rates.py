"""How often verdicts are wrong, and how often they are found, in made-up studies."""

import numpy as np
import pytest
import scipy.stats

from pipelines.analysis.findings_tests import (
    CONFIRMED,
    REFUTED,
    detectable,
    equivalence_p,
    holm,
    seed_test,
    verdicts,
)
from pipelines.analysis.findings_trends import alignment, rank_test, slope

STUDIES, SEEDS, CLAIMS = 4000, 5, 12


def rate_is(found, expected):
    """The share of `found` is `expected`, within 3.3 binomial standard errors."""
    error = np.sqrt(expected * (1 - expected) / len(found))
    return abs(np.mean(found) - expected) < 3.3 * error


def judged(values, margin=np.nan):
    """Verdicts `[claims, studies]` of `[seeds, claims, studies]`, sign 1."""
    found = seed_test(values)
    same = holm(np.broadcast_to(equivalence_p(values, margin), found.p.shape))
    return verdicts(1, found.mean, holm(found.p), same)


def noise(claims, seeds=SEEDS):
    return np.random.default_rng(1).normal(size=(seeds, claims, STUDIES))


def test_one_claim_without_an_effect_is_decided_in_five_percent():
    (verdict,) = judged(noise(1))
    assert rate_is(verdict == CONFIRMED, 0.025)
    assert rate_is(verdict == REFUTED, 0.025)


def test_twelve_claims_without_an_effect_have_a_wrong_verdict_in_five_percent():
    verdict = judged(noise(CLAIMS))
    wrong = (verdict == CONFIRMED) | (verdict == REFUTED)
    # Holm decides something where the smallest of 12 p-values is below .05 / 12.
    assert rate_is(wrong.any(axis=0), 1 - (1 - 0.05 / CLAIMS) ** CLAIMS)


@pytest.mark.parametrize("seeds", [3, SEEDS, 30])
def test_the_detectable_effect_is_confirmed_in_eighty_percent(seeds):
    effect = detectable(1.0, seeds, 0.05)
    (verdict,) = judged(noise(1, seeds) + effect)
    assert rate_is(verdict == CONFIRMED, 0.8)


def test_among_twelve_claims_the_detectable_effect_is_that_of_holms_first_step():
    values = noise(CLAIMS)
    values[:, 0] += detectable(1.0, SEEDS, 0.05 / CLAIMS)
    verdict = judged(values)
    found = verdict[0] == CONFIRMED
    # A later step of Holm adds what the others' chance finds open: at most 5 %.
    assert 0.8 - 3.3 * 0.0063 < np.mean(found) < 0.8 + 0.05 * 0.2 + 3.3 * 0.0063


def test_an_effect_at_the_margin_is_called_smaller_in_two_and_a_half_percent():
    # Twice the larger one-sided p: the 95 % interval lies inside.
    values = 0.1 * noise(1) + 1.0
    assert rate_is(equivalence_p(values, 1.0)[0] <= 0.05, 0.025)


def test_no_effect_inside_a_wide_margin_is_refuted():
    values = 0.1 * noise(1)
    (verdict,) = judged(values, margin=1.0)
    assert np.mean(verdict == REFUTED) > 0.99


def test_counts_without_an_effect_of_t_rise_clearly_in_five_percent():
    rng = np.random.default_rng(2)
    p = []
    for _ in range(150):
        base = 1 + 0.02 * rng.normal(size=(SEEDS, 20))
        # Students differ from nds, and not from each other.
        students = 1 + 0.02 * rng.normal(size=(5, SEEDS, 20)) + np.linspace(0, 0.05, 20)
        p.append(rank_test(base, students, permutations=99).p)
    # Exact tests of tied counts decide more rarely than they may.
    assert scipy.stats.binom.sf((np.array(p) <= 0.05).sum() - 1, len(p), 0.05) > 0.001


def test_alignment_without_an_effect_of_t_has_a_trend_in_five_percent():
    rng = np.random.default_rng(3)
    studies, temperatures, classes = 2000, [1, 2, 4, 7, 10], 10
    way = np.linspace(-0.1, 0.1, classes)
    nds = 0.02 * rng.normal(size=(studies, SEEDS, classes))
    teacher = way + 0.02 * rng.normal(size=(studies, SEEDS, classes))
    students = 0.3 * way + 0.02 * rng.normal(size=(5, studies, SEEDS, classes))
    found = alignment(students, nds, teacher)
    trend = slope(np.moveaxis(found, 0, -1), temperatures)
    assert rate_is(seed_test(trend.T).p <= 0.05, 0.05)
    assert found.mean() == pytest.approx(0.3, abs=0.01)
