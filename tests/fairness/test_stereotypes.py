"""Preferences for stereotypes, by hand and and against SciPy."""

import warnings

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import preference_changes, preferences

# Six pairs: of gender three of four prefer the stereotype, one of them by a tie's half.
MARGINS = [0.5, 2.0, -1.0, 0.0, -3.0, 4.0]
TYPES = ["gender", "gender", "gender", "gender", "age", "age"]


def test_shares_by_hand():
    found = preferences(MARGINS, TYPES)
    assert list(found) == ["all", "age", "gender"]
    assert {name: p.pairs for name, p in found.items()} == {
        "all": 6,
        "age": 2,
        "gender": 4,
    }
    shares = {name: p.share.value for name, p in found.items()}
    assert shares == {"all": 3.5 / 6, "age": 0.5, "gender": 2.5 / 4}
    assert list(preferences(MARGINS)) == ["all"]


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_the_interval_is_wilsons(level):
    margins = np.repeat([1.0, -1.0], [810, 698])  # As of CrowS-Pairs: .537.
    (found,) = preferences(margins, level=level).values()
    test = scipy.stats.binomtest(810, 1508).proportion_ci(level, method="wilson")
    assert found.share.value == pytest.approx(810 / 1508)
    assert (found.share.low, found.share.high) == pytest.approx((test.low, test.high))
    assert found.share.level == level


def test_changes_by_hand():
    after = [-0.5, 3.0, 1.0, 0.0, -2.0, -4.0]
    found = preference_changes(MARGINS, after, TYPES)
    assert list(found) == ["all", "age", "gender"]
    change = found["all"]
    # Pairs 1 and 6 lose the preference, pair 3 gains it; 2, 4 (a tie) and 5 agree.
    assert (change.only_reference, change.only_model) == (2, 1)
    assert change.agreement == 3 / 6
    assert change.p_value == pytest.approx(scipy.stats.binomtest(1, 3).pvalue)
    moved = np.array([-1, 1, 2, 0, 1, -8])
    t = scipy.stats.ttest_1samp(moved, 0).confidence_interval(0.95)
    assert change.margin.value == pytest.approx(-5 / 6)
    assert (change.margin.low, change.margin.high) == pytest.approx((t.low, t.high))
    assert found["gender"].margin.value == pytest.approx(0.5)
    assert (found["age"].pairs, found["age"].agreement) == (2, 0.5)


def test_one_pair_has_no_interval_of_its_margin():
    with warnings.catch_warnings(action="error"):
        (found,) = preference_changes([1.0], [3.0]).values()
    assert found.margin.value == 2
    assert np.isnan([found.margin.low, found.margin.high]).all()


@pytest.mark.parametrize(
    ("margins", "types", "message"),
    [
        ([], None, r"`margins` must be finite.*shape \(0,\)"),
        ([1.0, np.nan], None, "1 not finite"),
        ([[1.0]], None, r"shape \(1, 1\)"),
        ([1.0], ["a", "b"], "`types`"),
        ([1.0], ["all"], "must not have the name 'all'"),
        ([1.0, 2.0], ["a", np.nan], "`types` must be strings. Received: nan"),
    ],
)
def test_bad_input_is_named(margins, types, message):
    with pytest.raises(ValueError, match=message):
        preferences(margins, types)


def test_a_reference_of_other_pairs_is_refused():
    with pytest.raises(ValueError, match="`margins`"):
        preference_changes([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="`level`"):
        preference_changes([1.0], [1.0], level=95)
    with pytest.raises(ValueError, match="`reference` must be finite"):
        preference_changes([np.inf], [1.0])


def test_a_tie_is_no_preference_in_the_test_of_changes():
    # From a tie to the stereotype, from it to a tie, and from a tie to the other one.
    found = preference_changes([0.0, 0.5, 0.0, 0.5], [0.25, 0.0, -0.5, 0.75])["all"]
    assert (found.only_reference, found.only_model) == (1, 1)
    assert found.agreement == 1 / 4
    assert found.margin.value == pytest.approx((0.25 - 0.5 - 0.5 + 0.25) / 4)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_two_pairs_have_an_interval_of_their_margin(level):
    (found,) = preference_changes([0.0, 1.0], [1.0, 4.0], level=level).values()
    t = scipy.stats.ttest_1samp([1, 3], 0).confidence_interval(level)
    assert (found.margin.low, found.margin.high) == pytest.approx((t.low, t.high))
    assert found.margin.level == level
