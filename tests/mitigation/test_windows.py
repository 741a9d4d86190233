"""The exact search against every choice that there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kd_keras.mitigation.windows import (
    RangeMinimum,
    choose_one_rate,
    choose_two_rates,
)

SHARES = st.integers(0, 12).map(lambda n: n / 12)
ERRORS = st.one_of(st.integers(0, 9).map(float), st.just(np.inf))


@st.composite
def groups(draw, rates):
    """For each group the points (rates that rise, error)."""
    found = []
    for _ in range(draw(st.integers(2, 4))):
        size = draw(st.integers(1, 6))
        columns = [sorted(draw(st.lists(SHARES, min_size=size, max_size=size)))]
        columns += [
            sorted(draw(st.lists(SHARES, min_size=size, max_size=size)))
            for _ in range(rates - 1)
        ]
        errors = draw(st.lists(ERRORS, min_size=size, max_size=size))
        found.append((*map(np.array, columns), np.array(errors)))
    return found


def least_by_trying_all(given_groups, widths):
    least = np.inf
    for choice in itertools.product(*(range(len(g[-1])) for g in given_groups)):
        points = [[c[i] for c in g] for g, i in zip(given_groups, choice, strict=True)]
        *rates, errors = zip(*points, strict=True)
        spread = [max(rate) - min(rate) for rate in rates]
        if all(s <= w + 1e-9 for s, w in zip(spread, widths, strict=True)):
            least = min(least, sum(errors))
    return least


def check(given_groups, widths, chosen):
    expected = least_by_trying_all(given_groups, widths)
    if chosen is None:
        assert expected == np.inf
        return
    assert sum(g[-1][i] for g, i in zip(given_groups, chosen, strict=True)) == expected
    for column, width in enumerate(widths):
        rate = [g[column][i] for g, i in zip(given_groups, chosen, strict=True)]
        assert np.ptp(rate) <= width + 1e-9


@settings(max_examples=300, deadline=None)
@given(groups(rates=1), SHARES)
def test_one_rate(given_groups, width):
    rates, errors = zip(*given_groups, strict=True)
    check(given_groups, [width], choose_one_rate(rates, errors, width))


@settings(max_examples=300, deadline=None)
@given(groups(rates=2), SHARES, SHARES)
def test_two_rates(given_groups, first, second):
    pairs = [group[:2] for group in given_groups]
    errors = [group[2] for group in given_groups]
    chosen = choose_two_rates(pairs, errors, (first, second))
    check(given_groups, [first, second], chosen)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_range_minimum_is_the_first_least(values, data):
    low = data.draw(st.integers(0, len(values) - 1))
    high = data.draw(st.integers(low + 1, len(values)))
    found = RangeMinimum(np.array(values))(np.array([low]), np.array([high]))
    assert found == low + values[low:high].index(min(values[low:high]))


def test_a_difference_of_quotients_is_not_wider_for_its_rounding():
    # .8 - .7 is .10000000000000009 in floating point.
    rates = [np.array([0.7]), np.array([0.8])]
    assert choose_one_rate(rates, [np.zeros(1), np.zeros(1)], 0.1) is not None
    assert choose_one_rate(rates, [np.zeros(1), np.zeros(1)], 0.0999) is None


# Lowest and highest rate of a window of .1, as quotients that rounding moves.
WIDE = [(0.7, 0.8), (0.1, 0.2), (0.3, 0.4)]


@pytest.mark.parametrize(("low", "high"), WIDE)
@pytest.mark.parametrize("groups", [2, 3])
def test_two_rates_are_not_wider_for_their_rounding(groups, low, high):
    # The last group has the highest, or the lowest, rates.
    for ends in ([low] * (groups - 1) + [high], [high] * (groups - 1) + [low]):
        given_groups = [(np.array([end]), np.array([end])) for end in ends]
        errors = [np.zeros(1)] * groups
        assert choose_two_rates(given_groups, errors, (0.1, 0.1)) is not None
        for widths in ((0.0999, 0.1), (0.1, 0.0999)):
            assert choose_two_rates(given_groups, errors, widths) is None


def test_of_many_choices_that_are_equal_the_first_is_taken():
    rate, free = np.arange(300) / 300, np.zeros(300)
    for groups in (2, 3, 4):
        pairs, errors = [(rate, rate)] * groups, [free] * groups
        assert choose_one_rate([rate] * groups, errors, 0).tolist() == [0] * groups
        assert choose_two_rates(pairs, errors, (0, 0)).tolist() == [0] * groups
        # All but the 200th of one group cost something.
        errors[-1] = np.where(np.arange(300) == 200, 0.0, 1.0)
        assert choose_two_rates(pairs, errors, (0, 0)).tolist() == [200] * groups


def test_of_two_windows_that_cost_more_than_their_bound_the_first_is_taken():
    # The first group's cheap points have other second rates than the others have.
    one = (np.array([0, 0, 1, 1.0]), np.array([0, 0.5, 0.6, 0.9]))
    other = (np.array([0, 1.0]), np.array([0.5, 0.9]))
    errors = [np.array([0, 1, 0, 1.0]), np.zeros(2), np.zeros(2)]
    assert choose_two_rates([one, other, other], errors, (0, 0)).tolist() == [1, 0, 0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 16, 31])
def test_every_range_has_its_first_least_value(size):
    values = np.arange(size) * 5 % 7
    low, high = np.triu_indices(size)
    found = RangeMinimum(values)(low, high + 1)
    expected = [a + values[a : b + 1].argmin() for a, b in zip(low, high, strict=True)]
    np.testing.assert_array_equal(found, expected)
