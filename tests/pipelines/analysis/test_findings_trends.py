"""Slopes, rarefied counts, ranks and alignment."""

import itertools

import numpy as np
import pytest
import scipy.stats

from pipelines.analysis.findings_trends import (
    RankTest,
    _rank_p,
    alignment,
    fives,
    rank_test,
    rarefied_counts,
    slope,
)


def test_slopes_are_per_tenfold_temperature():
    # 0, 1, 5 at log10 T = 0, 1, 2: the middle one has no weight.
    assert slope(np.array([0.0, 1.0, 5.0]), [1, 10, 100]) == pytest.approx(2.5)
    temperatures = np.array([1, 2, 4, 7, 10])
    values = np.random.default_rng(0).normal(size=(3, 5))
    expected = [np.polyfit(np.log10(temperatures), row, 1)[0] for row in values]
    assert slope(values, temperatures) == pytest.approx(expected)


def test_fives_are_all_choices_or_random_ones():
    assert fives(3).tolist() == [[0, 1, 2]]
    assert fives(5).tolist() == [[0, 1, 2, 3, 4]]
    six = [list(c) for c in itertools.combinations(range(6), 5)]
    assert fives(6).tolist() == six
    many = fives(30)
    assert many.shape == (50, 5)
    assert all(len(set(row)) == 5 for row in many.tolist())
    assert set(many.ravel()) == set(range(30))
    assert np.array_equal(many, fives(30))


@pytest.mark.parametrize("seeds", [2, 5, 8])
def test_counts_are_those_of_welchs_test_on_each_five(seeds):
    rng = np.random.default_rng(4)
    base = 1 + 0.05 * rng.normal(size=(seeds, 30))
    shift = np.linspace(0, 0.2, 30)
    models = np.stack([base.mean() + s * shift for s in (0, 1)])[:, np.newaxis]
    models = models + 0.05 * rng.normal(size=(2, seeds, 30))
    chosen = fives(seeds)
    expected = [
        np.mean(
            [
                scipy.stats.ttest_ind(model[c], base[c], equal_var=False).pvalue < 0.05
                for c in chosen
            ],
            axis=0,
        ).sum()
        for model in models
    ]
    assert rarefied_counts(base, models, chosen) == pytest.approx(expected)
    assert expected[1] > expected[0]


def test_classes_without_spread_are_not_counted():
    base, model = np.ones((5, 2)), np.full((1, 5, 2), 0.5)
    base[:, 1] += [0, 0.01, 0, 0.01, 0]
    assert rarefied_counts(base, model, fives(5)) == [1]


def test_rank_correlation_and_its_p_by_hand():
    base = np.array([[0.0], [0.01]])
    students = np.array([[[0.0], [0.01]], [[1.0], [1.01]]])
    # T=1 is nds, T=2 is far from it: counts 0 and 1. Of four exchanges one leaves them,
    # one turns them round, and in two no class differs: 2 x 1 / 4.
    found = rank_test(base, students, permutations=2000)
    assert found.correlation == 1
    assert found.p == pytest.approx(0.5, abs=0.07)
    assert set(found.null) == {-1, 0, 1}
    assert np.isnan(found.critical(0.05))
    assert found.critical(0.6) == 1
    assert found.critical(1.0) == 0


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(5)
    base = 1 + 0.05 * rng.normal(size=(5, 40))
    amounts = np.array([0.0, 0.3, 0.1, 0.5, 0.8])[:, np.newaxis, np.newaxis]
    students = base.mean(axis=0) + 0.05 * rng.normal(size=(5, 5, 40))
    students = students + amounts * np.linspace(0, 0.3, 40)
    counts = rarefied_counts(base, students, fives(5))
    found = rank_test(base, students, permutations=199)
    expected = scipy.stats.spearmanr(np.arange(5), counts).statistic
    assert found.correlation == pytest.approx(expected)
    # 28 of the 120 orders of five have a correlation of .7 or more, or -.7 or less.
    assert expected == pytest.approx(0.7)
    assert found.p == pytest.approx(28 / 120, abs=0.08)
    turned = rank_test(base, students[::-1], permutations=199)
    assert turned.correlation == pytest.approx(-expected)


def test_equal_counts_have_no_trend():
    base = np.tile([[0.9], [1.1], [1.0]], (1, 4))
    found = rank_test(base, np.stack([base] * 4), permutations=50)
    assert (found.correlation, found.p) == (0, 1)


def test_alignment_by_hand():
    nds = np.tile([0.6, 0.6, 0.6], (2, 1))
    teacher = np.tile([0.9, 0.6, 0.3], (2, 1))
    student = np.tile([0.7, 0.6, 0.5], (2, 1))
    assert alignment(student, nds, teacher) == pytest.approx([1 / 3, 1 / 3])
    # What all classes gain is no unevenness.
    assert alignment(student + 0.1, nds, teacher - 0.2) == pytest.approx([1 / 3] * 2)
    assert alignment(nds, nds, teacher) == pytest.approx([0, 0])
    assert alignment(teacher, nds, teacher) == pytest.approx([1, 1])


def test_the_direction_is_that_of_the_other_seeds():
    nds = np.zeros((3, 2))
    teacher = np.array([[0.2, -0.2], [0.4, -0.4], [0.6, -0.6]])
    student = np.array([[0.1, -0.1], [0.0, 0.0], [0.0, 0.0]])
    # Others of seed 0: .5; of 1: .4; of 2: .3. Lengths 2 x (.1, .16, .18), mean .88/3.
    assert alignment(student, nds, teacher) == pytest.approx([0.1 / (0.88 / 3), 0, 0])


def test_the_noise_of_nds_is_no_alignment():
    rng = np.random.default_rng(6)
    nds = 0.03 * rng.normal(size=(4000, 5, 10))
    way = np.linspace(-0.3, 0.3, 10)
    teacher = way + 0.03 * rng.normal(size=(4000, 5, 10))
    student = 0.03 * rng.normal(size=(4000, 5, 10))
    # Without cross-fitting it would be .0009 x 9 / 5 of .37, or .0044.
    assert alignment(student, nds, teacher).mean() == pytest.approx(0, abs=0.003)


def test_no_way_from_nds_to_teacher_is_undefined():
    same = np.random.default_rng(7).random((3, 4))
    assert np.isnan(alignment(same, same, same)).all()


def test_a_small_spread_around_1_loses_no_digits():
    rng = np.random.default_rng(8)
    base, model = rng.normal(size=(5, 30)), rng.normal(size=(5, 30)) + 1
    p = scipy.stats.ttest_ind(model, base, equal_var=False).pvalue
    # A test of means does not depend on the unit; none is near 5 %.
    assert np.abs(p - 0.05).min() > 0.002
    counts = rarefied_counts(1 + 1e-7 * base, 1 + 1e-7 * model[None], fives(5))
    assert counts == [(p < 0.05).sum()]


def test_random_fives_are_those_of_numpys_seed_0():
    rng = np.random.default_rng(0)
    expected = [rng.choice(9, 5, replace=False) for _ in range(50)]
    assert fives(9).tolist() == np.array(expected).tolist()
    # Of 50 choices all are taken: 50 of one, and of two of eleven 55 are too many.
    assert fives(50, 1).ravel().tolist() == list(range(50))
    assert len(fives(10, 2)) == 45
    assert len(fives(11, 2)) == 50


def test_permutations_are_those_of_numpys_seed_0():
    base = np.array([[0.0], [0.01], [0.02]])
    steps = np.array([0, 1, 0])[:, np.newaxis, np.newaxis]
    students = base + steps
    found = rank_test(base, students, permutations=30)
    rng = np.random.default_rng(0)
    order = rng.permuted(np.tile(np.arange(3)[:, np.newaxis], (30, 1, 3)), axis=1)
    null = []
    for draw in order:
        moved = np.stack([[students[t, s] for s, t in enumerate(row)] for row in draw])
        counts = rarefied_counts(base, moved, fives(3))
        equal = np.ptp(counts) == 0
        null.append(0 if equal else scipy.stats.spearmanr(range(3), counts).statistic)
    np.testing.assert_allclose(found.null, np.sort(null), atol=1e-12)
    assert len(rank_test(base, students).null) == 1999


def test_p_counts_the_observed_correlation_among_the_permuted():
    null = np.array([-1.0, -0.5, 0.0, 0.5 - 1e-12, 1.0])
    for correlation, p in ((1.0, 4 / 6), (0.5, 1.0), (-1.0, 4 / 6), (0.0, 1.0)):
        assert _rank_p(correlation, null) == pytest.approx(p)
    # Two of 99 reach .5, bits aside: 2 x 3 / 100.
    null = np.append(np.zeros(97), [0.5 - 1e-12, 0.7])
    assert _rank_p(0.5, null) == pytest.approx(6 / 100)
    assert _rank_p(-0.5, -null) == pytest.approx(6 / 100)


def test_ways_that_share_no_direction_are_undefined():
    nds, student = np.zeros((2, 4)), np.tile([0.2, -0.2, 0.1, -0.1], (2, 1))
    apart = np.array([[0.1, -0.1, 0, 0], [0, 0, 0.1, -0.1]])
    opposite = np.array([[0.1, -0.1, 0, 0], [-0.1, 0.1, 0, 0]])
    for teacher in (apart, opposite):
        assert np.isnan(alignment(student, nds, teacher)).all()


def test_the_critical_correlation_is_the_smallest_that_decides():
    # Of 1 and 19: 2 x 1 / 20; of .5, which one has: 2 x 2 / 20.
    null = np.sort(np.append(np.zeros(18), [0.5]))
    test = RankTest(0.0, 1.0, null)
    assert test.critical(0.1) == 1.0
    assert test.critical(0.2) == 0.5
    assert test.critical(1.0) == 0.0
    assert np.isnan(test.critical(0.09))
    # Of both signs the size counts.
    assert RankTest(0.0, 1.0, np.array([-0.8, 0.0])).critical(2 / 3) == 0.8
