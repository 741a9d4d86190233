"""Bounds of changes of the largest contrast: axes, and what is not defined."""

import warnings

import numpy as np
import pytest

from kd_keras.fairness.contrast_changes import PairedRates, highest_change
from kd_keras.fairness.contrasts import all_pairs, family, may_be_largest, sidak
from kd_keras.fairness.proportions import Proportion, deviations

CONTRASTS = ["difference", "ratio", "lowest"]


def paired_rates(seed, shape):
    """Rates of two models on the same examples, of 20 to 80 in each group."""
    rng = np.random.default_rng(seed)
    trials = rng.integers(20, 80, shape)
    # Right in both, in a alone, in b alone, in none.
    parts = rng.multinomial(trials, [0.4, 0.2, 0.15, 0.25]) / trials[..., np.newaxis]
    both, only_a, only_b, _ = np.moveaxis(parts, -1, 0)
    trials = trials.astype(float)
    return PairedRates(
        Proportion(both + only_a, trials), Proportion(both + only_b, trials), both
    )


def row_of(rates, index):
    a, b = (Proportion(*(part[index] for part in of)) for of in rates[:2])
    return PairedRates(a, b, rates.both[index])


def pairs_of(contrast, rates):
    """All pairs of the groups `[groups]` of one rate."""
    return all_pairs(contrast, [Proportion(*(part[np.newaxis] for part in rates.a))])


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_each_row_has_a_change_of_its_own(contrast):
    rates = paired_rates(0, (2, 3, 4))
    pairs = pairs_of(contrast, row_of(rates, (0, 0)))
    size = pairs.first.shape
    wide = [np.broadcast_to(index, (2, 3, *size)) for index in pairs[:2]]
    together = highest_change(contrast, rates, type(pairs)(*wide, pairs.size), 0.1)
    assert together.shape == (2, 3)
    for index in np.ndindex(2, 3):
        alone = highest_change(contrast, row_of(rates, index), pairs, 0.1)
        np.testing.assert_allclose(together[index], alone)
    assert len(np.unique(together.round(12))) == 6


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_groups_without_a_rate_change_nothing(contrast):
    rates = paired_rates(1, (4,))
    pairs = pairs_of(contrast, rates)
    expected = highest_change(contrast, rates, pairs, 0.1)

    def beside(values, more):
        return np.append(values, more)

    a, b = (
        Proportion(beside(p.rate, np.nan), beside(p.trials, 9.0)) for p in rates[:2]
    )
    wider = PairedRates(a, b, beside(rates.both, np.nan))
    pairs_of_five = pairs_of(contrast, wider)._replace(size=pairs.size)
    with warnings.catch_warnings(action="error"):
        found = highest_change(contrast, wider, pairs_of_five, 0.1)
    np.testing.assert_allclose(found, expected)


def test_models_that_differ_in_no_example_change_by_a_little():
    # Two equal models of 30 and 40: all that is left is one example on either side.
    rate, trials = np.array([0.2, 0.9]), np.array([30.0, 40.0])
    same = Proportion(rate, trials)
    rates = PairedRates(same, same, rate)
    found = highest_change("difference", rates, pairs_of("difference", rates), 0.05)
    # Bonett & Price 2012 of no gain and no loss: z sqrt(2 / (n + 2)) / sqrt(n + 2).
    z = 1.9599640
    assert found == pytest.approx(z * np.hypot(np.sqrt(2) / 32, np.sqrt(2) / 42))


def test_each_contrast_is_compared_with_the_eight_largest_of_the_other_model():
    # Of a, two small groups at .73 and two at .27 make four contrasts of .46, with the
    # two large ones, at .72 and .28, four of .45; the large ones' own is the ninth.
    rate = np.array([0.73, 0.73, 0.27, 0.27, 0.72, 0.28, 0.5, 0.5])
    trials = np.array([15.0, 15, 15, 15, 10_000, 10_000, 40, 40])
    # Of b the last two differ by .8 alone.
    rate_b = np.array([0.5] * 6 + [0.9, 0.1])
    rates = PairedRates(
        Proportion(rate, trials), Proportion(rate_b, trials), rate * rate_b
    )
    pairs = pairs_of("difference", rates)
    _, number = may_be_largest(family("difference", rates.a, pairs), 0.1)
    z = sidak(0.1, number)
    below_a, above_a = deviations(rates.a, z)
    below_b, above_b = deviations(rates.b, z)
    own = above_b[6] ** 2 + below_b[7] ** 2
    eight = [(i, j) for i in (0, 1, 4) for j in (2, 3, 5) if (i, j) != (4, 5)]
    bounds = [
        0.8 - (rate[i] - rate[j]) + np.sqrt(own + below_a[i] ** 2 + above_a[j] ** 2)
        for i, j in [*eight, (4, 5)]
    ]
    assert bounds[-1] < min(bounds[:-1])
    found = highest_change("difference", rates, pairs, 0.1)
    assert found == pytest.approx(min(bounds[:-1]))


@pytest.mark.parametrize("model", ["a", "b", "both"])
def test_ratios_to_a_group_of_which_nobody_is_selected_bound_nothing(model):
    # Right in both models, in a alone, in b alone, in none.
    parts = np.array([[9, 3, 2, 6], [5, 5, 5, 15], [8, 4, 2, 6]]) / [[20], [30], [20]]
    parts[2] = {"a": [0, 0, 0.5, 0.5], "b": [0, 0.5, 0, 0.5], "both": [0, 0, 0, 1]}[
        model
    ]
    trials = np.array([20.0, 30.0, 20.0])
    both, only_a, only_b, _ = parts.T
    rates = PairedRates(
        Proportion(both + only_a, trials), Proportion(both + only_b, trials), both
    )
    with warnings.catch_warnings(action="error"):
        high, low = (
            highest_change("ratio", of, pairs_of("ratio", of), 0.1)
            for of in (rates, rates.swapped)
        )
    # Negatives of the ratios: of 1/3 to .6 or .55, and of 0 where nobody is selected.
    before, after = (-min(of.rate) / max(of.rate) for of in (rates.a, rates.b))
    assert -low < after - before < high
    assert np.isfinite([low, high]).all()
