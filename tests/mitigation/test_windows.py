"""The exact search against every choice that there is."""

import itertools

import numpy as np
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
