"""What a constraint asks of groups: numbers by hand, intervals against SciPy."""

import math

import numpy as np
import pytest
import scipy.stats

from kd_keras.mitigation.constraints import (
    BENEFITS,
    COUNTED,
    DENOMINATORS,
    Constraint,
    lower_end,
    pooled_variance,
    standard_error,
)
from kd_keras.mitigation.curves import curve

DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"
EO, FPR = "equal_opportunity_difference", "false_positive_rate_difference"


def group(*counts, weights=None):
    """A curve of falling scores: for each its (positives, negatives)."""
    labels = np.concatenate([[1] * p + [0] * n for p, n in counts]).astype(int)
    scores = np.repeat(-np.arange(len(counts)) / 10, [p + n for p, n in counts])
    weights = np.ones(len(labels)) if weights is None else np.array(weights, float)
    return curve(scores, labels, weights)


def test_what_rates_are_shares_of():
    assert {rate: COUNTED[labels] for rate, labels in DENOMINATORS.items()} == {
        "accuracy": "examples",
        "selection_rate": "examples",
        "true_positive_rate": "positives",
        "false_positive_rate": "negatives",
        "true_negative_rate": "negatives",
    }


def test_nothing_is_kept_free_unless_it_is_asked_for():
    constraint = Constraint(DPD, 0.1)
    assert (constraint.margin, constraint.floor) == (0, {})


@pytest.mark.parametrize(
    ("gap", "rates", "two", "three"),
    [
        # Of 7 negatives and 4 positives; of classes of 7, 4 and 9 examples, 20 in all,
        # of which 11 are outside of the largest class.
        ("accuracy_gap", ("accuracy",), 11, 20),
        (DPD, ("selection_rate",), 11, 20),
        (EO, ("true_positive_rate",), 4, 4),
        (FPR, ("false_positive_rate",), 7, 11),
        (EOD, ("true_positive_rate", "false_positive_rate"), 4, 4),
    ],
)
def test_how_many_examples_of_a_group_count(gap, rates, two, three):
    constraint = Constraint(gap, 0.1)
    assert constraint.rates == rates
    assert (constraint.counted([7, 4]), constraint.counted([7, 4, 9])) == (two, three)
    # In another order of the classes.
    assert constraint.counted([9, 7, 4]) == three


def test_floors_count_their_own_examples():
    negatives = Constraint(floor={"true_negative_rate": 0.5})
    assert negatives.counted([3, 8]) == 3
    both = Constraint(FPR, 0.1, {"true_positive_rate": 0.5})
    assert (both.counted([3, 8]), both.counted([8, 2])) == (3, 2)


@pytest.mark.parametrize("gap", BENEFITS)
def test_the_benefit_is_that_of_the_gap_or_of_the_first_floor(gap):
    assert Constraint(gap, 0.1, {"accuracy": 0.5}).benefit == BENEFITS[gap]
    floors = {"true_negative_rate": 0.5, "accuracy": 0.5}
    assert Constraint(floor=floors).benefit == "true_negative_rate"
    assert Constraint(floor=floors).rates == ()


# Cuts: nobody, (3 of 5, 1 of 7), (4 of 5, 3 of 7), everybody.
POINTS = group((3, 1), (1, 2), (1, 4))


@pytest.mark.parametrize("margin", [0.5, 1.96])
@pytest.mark.parametrize(
    ("rate", "successes", "trials"),
    [
        ("true_positive_rate", [0, 3, 4, 5], 5),
        ("false_positive_rate", [0, 1, 3, 7], 7),
        ("true_negative_rate", [7, 6, 4, 0], 7),
        ("selection_rate", [0, 4, 7, 12], 12),
        ("accuracy", [7, 9, 8, 5], 12),
    ],
)
def test_the_lower_end_is_that_of_wilsons_interval(rate, successes, trials, margin):
    plain = lower_end(POINTS, rate, 0)
    np.testing.assert_allclose(plain, np.array(successes) / trials)
    level = math.erf(margin / math.sqrt(2))
    tests = [scipy.stats.binomtest(k, trials) for k in successes]
    expected = [t.proportion_ci(level, method="wilson").low for t in tests]
    np.testing.assert_allclose(lower_end(POINTS, rate, margin), expected, atol=1e-12)


def test_a_cut_that_misses_a_floor_has_no_error_that_counts():
    # Wrong: 5 of 12 positives, then 1 + 2, 3 + 1 and all 7 negatives.
    plain = Constraint(EO, 0.1).errors(POINTS)
    np.testing.assert_array_equal(plain, [5, 3, 4, 7])
    # 4 of 5 positives and 4 of 7 negatives are right at the third cut alone.
    floor = {"true_positive_rate": 0.8, "true_negative_rate": 4 / 7}
    both = Constraint(floor=floor).errors(POINTS)
    np.testing.assert_array_equal(both, [np.inf, np.inf, 4, np.inf])
    # Of 5 in 5 the lower end is 5 / (5 + 1), of 4 in 5 it is .579.
    low = Constraint(floor={"true_positive_rate": 0.8}, margin=1).errors(POINTS)
    np.testing.assert_array_equal(low, [np.inf, np.inf, np.inf, 7])


def test_a_standard_error_is_of_the_two_groups_with_the_fewest_examples():
    groups = [group((30, 5), (10, 25)), group((6, 2), (4, 10)), group((9, 3), (11, 5))]
    # TPR 30 of 40, 4 + 6 of 10, 9 of 20; FPR 5 of 30, 12 of 12, 3 of 8.
    cuts = [1, 2, 1]
    p = (30 + 10 + 9 + 2) / (40 + 10 + 20 + 4)
    q = (5 + 12 + 3 + 2) / (30 + 12 + 8 + 4)
    for rate, share, sizes in (
        ("true_positive_rate", p, (10, 20)),
        ("false_positive_rate", q, (8, 12)),
    ):
        variance = share * (1 - share)
        assert pooled_variance(rate, groups, cuts) == pytest.approx(variance)
        expected = math.sqrt(variance * (1 / sizes[0] + 1 / sizes[1]))
        for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
            found = standard_error(
                rate, [groups[i] for i in order], [cuts[i] for i in order]
            )
            assert found == pytest.approx(expected)


def test_unequal_weights_make_fewer_examples_of_a_standard_error():
    # Positives of weights 3 and 1: 16 / 10 of them, three quarters of which are found.
    unequal = group((1, 0), (1, 1), weights=[3, 1, 1])
    equal = group((4, 0), (0, 1))
    p = (0.75 * 1.6 + 4 + 2) / (1.6 + 4 + 4)
    found = standard_error("true_positive_rate", [unequal, equal], [1, 1])
    assert found == pytest.approx(math.sqrt(p * (1 - p) * (1 / 1.6 + 1 / 4)))
