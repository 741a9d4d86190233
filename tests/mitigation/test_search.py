"""The search for thresholds of least error, on curves made by hand."""

import itertools

import numpy as np
import pytest

from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.curves import Curve, curve
from kd_keras.mitigation.search import Search

EO, EOD = "equal_opportunity_difference", "equalized_odds_difference"


def points(found, falsely):
    """A curve of these weights of positives and negatives predicted 1."""
    size = len(found) - 1
    scores = np.linspace(0.9, 0.1, size)
    found, falsely = np.array(found, float), np.array(falsely, float)
    return Curve(scores, found, falsely, (1.0, 1.0), (size, size))


def search(*curves, gap=EO, floor=()):
    constraint = Constraint(gap, None if gap is None else 0.1, dict(floor))
    return Search(constraint, curves)


# Of two groups: TPR 0, 1/2, 1 at 2, 1, 4 errors, and 0, 1/4, 1 at 4, 3, 3.
TWO = search(points([0, 1, 2], [0, 0, 4]), points([0, 1, 4], [0, 0, 3]))


def test_gap_and_error_of_a_choice():
    assert TWO.total == 6 + 7
    cuts = np.array([1, 2])
    assert (TWO.gap(cuts), TWO.error(cuts)) == (0.5, 1 + 3)
    odds = search(points([0, 2], [0, 3]), points([0, 1, 2], [0, 3, 4]), gap=EOD)
    # TPR 1 and 1/2, FPR 1 and 3/4; TPR 0 and 1/2, FPR 0 and 3/4.
    assert odds.gap(np.array([1, 1])) == 0.5
    assert odds.gap(np.array([0, 1])) == 0.75
    floors = search(points([0, 1], [0, 1]), gap=None, floor={"accuracy": 0.1})
    assert floors.gap(np.array([1])) == 0


def test_the_least_gap_and_the_frontier():
    # Gaps of 0 cost 2 + 4 or 4 + 3, of 1/4 (cuts 1 and 1) 1 + 3, the least there is.
    assert TWO.at_most([1.0]).tolist() == [1, 1]
    assert TWO.at_most([0.2]).tolist() == [0, 0]
    assert [cuts.tolist() for cuts in TWO.frontier()] == [[1, 1], [0, 0]]
    # With a TPR of 1/4 at least, of 1/2 and 1/4, or 1 and 1.
    floor = {"true_positive_rate": 0.25, "true_negative_rate": 0.5}
    bound = search(
        points([0, 1, 2], [0, 0, 4]), points([0, 1, 4], [0, 0, 3]), floor=floor
    )
    assert bound.least_gap() == 0.25
    assert bound.at_most([0.2]) is None
    never = search(points([0, 1], [0, 1]), floor={"accuracy": 0.9})
    assert never.least_gap() == np.inf


def test_the_least_gap_is_exact():
    # TPR 1/3, or 1 with all negatives, and 1/2: the gap is 1/6.
    floor = {"true_positive_rate": 0.1, "true_negative_rate": 0.1}
    found = search(
        points([0, 1, 3], [0, 0, 4]), points([0, 1, 2], [0, 0, 3]), floor=floor
    )
    assert found.least_gap() == pytest.approx(1 / 6, abs=1e-14)


@pytest.mark.parametrize(("more", "taken"), [(1e-12, 2), (3e-12, 1)])
def test_errors_that_differ_by_rounding_are_equal(more, taken):
    # TPR 1/2 at 1 error, or 1 at `more`; the other group has TPR 1 at none.
    found = search(points([0, 1, 2], [0, 0, 1 + more]), points([0, 1], [0, 0]))
    assert found.smallest_gap(np.array([1, 1]), [1.0]).tolist() == [taken, 1]


@pytest.mark.parametrize(("excess", "gaps"), [(2e-12, 1), (2.5e-12, 2), (1e-6, 2)])
def test_what_rounding_leaves_is_no_gap(excess, gaps):
    # A TPR above 0 by very little at 1 - excess errors, or 0 at 1 error; and 0.
    found = search(points([0, excess, 1], [0, 0, 9]), points([0, 1], [0, 9]))
    frontier = found.frontier()
    assert [cuts[0] for cuts in frontier] == [1, 0][:gaps]
    assert found.gap(frontier[0]) == excess


def test_gaps_that_are_closer_than_rounding_are_told_apart():
    few = points([0, 8.5e-12, 1e-11, 1], [0, 0, 0, 9])
    # All of the gaps, as 1e-3 errors more are hardly any.
    found = search(few, points([0, 1e-3], [0, 9]))
    assert [cuts[0] for cuts in found.frontier()] == [2, 1, 0]
    # Of 3 errors 1.5e-12 are what rounding leaves, and 1e-11 are not.
    found = search(few, points([0, 2], [0, 9]))
    assert found.smallest_gap(np.array([2, 0]), [1.0]).tolist() == [1, 0]
    # Of 10 errors 2.5e-12.
    found = search(points([0, 2.5e-12, 1], [0, 0, 9]), points([0, 9], [0, 90]))
    assert found.smallest_gap(np.array([1, 0]), [1.0]).tolist() == [0, 0]


def test_of_equal_accuracies_the_highest_threshold_is_taken():
    # Positives and negatives in turn: 40 or 41 of 80 are right at every cut.
    labels = np.tile([1, 0], 40)
    group = curve(-np.arange(80.0), labels, np.ones(80))
    found = search(group, group, gap="accuracy_gap").at_most([0.0])
    assert found.tolist() == [1, 1]


@pytest.mark.parametrize("gap", [EO, EOD])
def test_the_least_gap_of_all_choices(gap):
    rng = np.random.default_rng(5)
    floor = {"true_positive_rate": 0.1, "true_negative_rate": 0.1}
    groups = [
        curve(rng.random(9), np.append(rng.integers(0, 2, 5), [0, 0, 1, 1]), np.ones(9))
        for _ in range(3)
    ]
    found = search(*groups, gap=gap, floor=floor)
    choices = itertools.product(*(range(len(e)) for e in found.errors))
    gaps = [found.gap(np.array(c)) for c in choices if np.isfinite(found.error(c))]
    assert len(gaps) > 1
    assert found.least_gap() == pytest.approx(min(gaps), abs=1e-12)
