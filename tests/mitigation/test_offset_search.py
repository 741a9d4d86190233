"""The search for offsets, step by step, on examples worked by hand."""

import dataclasses

import numpy as np
import pytest

from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.measure import Measure
from kd_keras.mitigation.offset_search import OffsetSearch

EO = "equal_opportunity_difference"


def search(logits, labels, units, served=None, weights=None, width=0.0, **constraint):
    """A search for examples of two or more units, each with offsets of its own."""
    labels, units = np.array(labels), np.array(units)
    weights = np.ones(len(labels)) if weights is None else np.array(weights, float)
    served = units if served is None else np.array(served)
    logits = np.array(logits, np.float32)
    sums = np.zeros((units.max() + 1, logits.shape[1]))
    np.add.at(sums, (units[units >= 0], labels[units >= 0]), weights[units >= 0])
    asked = Constraint(**{"gap": EO, "at_most": width} | constraint)
    measure = Measure(asked, sums, sums, width)
    num_served = served.max() + 1
    return OffsetSearch(logits, labels, weights, served, num_served, units, measure)


def zeros(found):
    return found._state(np.zeros((len(found.members), found.shape[1]), np.float32))


# One group finds both of its positives. Of the other one's four positives, of weight 1
# each, two are 1 away from class 1; so are four negatives 0.5 away.
SCORES = [*(1, 1, -1), *(1, 1, -1, -1, -0.5, -0.5, -0.5, -0.5)]
ONES = [*(1, 1, 0), *(1, 1, 1, 1, 0, 0, 0, 0)]
UNITS = [0] * 3 + [1] * 8
LOGITS = np.stack([np.zeros(11), SCORES], 1)


def test_a_state_counts_its_errors_and_by_how_much_it_violates():
    weights = [2, 1, 1, 1, 1, 3, 1, 0.5, 1, 1, 1]
    state = zeros(search(LOGITS, ONES, UNITS, weights=weights))
    # TPR 1 and 2/6; the two positives that are missed weigh 4 of 13.5.
    assert state.violation == pytest.approx(2 / 3)
    assert state.error == pytest.approx(4 / 13.5)
    np.testing.assert_array_equal(state.tally.hits, [[1, 3], [3.5, 2], [0, 0]])
    np.testing.assert_array_equal(state.tally.selected, [[1, 3], [7.5, 2], [0, 0]])


def test_of_two_states_the_violation_counts_first():
    state = zeros(search(LOGITS, ONES, UNITS))
    same, fewer, fairer = (
        dataclasses.replace(state, **change)
        for change in ({}, {"error": 0.0}, {"violation": 0.0, "error": 1.0})
    )
    assert not same.better_than(state)
    assert fewer.better_than(state)
    assert fairer.better_than(fewer)
    assert not fewer.better_than(fairer)


@pytest.mark.parametrize(
    ("penalty", "violation", "wrong"),
    [
        # To find the two positives costs four negatives: 2 errors more of 11, for a gap
        # of 1/2. That is too dear at .25, and not at .5.
        (0.25, 0.5, 2),
        (0.5, 0.0, 4),
        (np.inf, 0.0, 4),
    ],
)
def test_what_a_violation_may_cost(penalty, violation, wrong):
    found = search(LOGITS, ONES, UNITS)
    state = found._improved(zeros(found), penalty)
    assert (state.violation, state.error) == pytest.approx((violation, wrong / 11))


def test_what_cannot_be_improved_is_left_as_it_is():
    # Two are alike, and of two classes: half of a group is the most that is right.
    logits, floor = [[0, 1]] * 3, {"accuracy": 1.0}
    given = {"gap": None, "at_most": None, "floor": floor}
    found = search(logits, [1, 0, 1], [0, 0, 1], **given)
    state = zeros(found)
    assert (state.violation, state.error) == pytest.approx((0.5, 1 / 3))
    for penalty in (0.25, np.inf):
        assert found._improved(state, penalty) is state


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_weights_may_be_of_any_size(size):
    found = search(LOGITS, ONES, UNITS, weights=[size] * 11)
    state = found._improved(zeros(found), 0.5)
    assert (state.violation, state.error) == pytest.approx((0, 4 / 11))


def test_errors_fall_at_any_price_of_violations():
    # All have TPR 1, and a negative of each is taken for a positive.
    scores, labels = [1, 0.5, -1, 1, 0.7, -1], [1, 0, 0, 1, 0, 0]
    logits = np.stack([np.zeros(6), scores], 1)
    for penalty in (0.25, np.inf):
        found = search(logits, labels, [0] * 3 + [1] * 3)
        state = zeros(found)
        assert (state.violation, state.error) == pytest.approx((0, 2 / 6))
        assert found._improved(state, penalty).error == 0


def test_no_violation_is_traded_for_errors_at_any_price():
    # Without the negatives that are taken for positives a group would have TPR 0.
    scores, labels = [1, 1, -1, 1, 1, 1, -1], [1, 1, 0, 1, 0, 0, 0]
    found = search(np.stack([np.zeros(7), scores], 1), labels, [0] * 3 + [1] * 4)
    state = zeros(found)
    assert (state.violation, state.error) == pytest.approx((0, 2 / 7))
    assert found._improved(state, np.inf) is state
    cheap = found._improved(state, 0.1)
    assert (cheap.violation, cheap.error) == pytest.approx((1, 1 / 7))


@pytest.mark.parametrize("penalty", [0.25, np.inf])
@pytest.mark.parametrize(("weight", "moved"), [(1.5e-12, True), (7e-13, False)])
def test_what_is_gained_is_more_than_rounding(weight, moved, penalty):
    # One that hardly weighs anything is wrong in a group of its own class.
    logits, labels = [[0, 1], [1, 0], [0, 1], [1, 0]], [1, 0, 1, 1]
    found = search(logits, labels, [0, 0, 1, 1], weights=[0.4, 0.3, 0.3, weight],
                   width=1.0)  # fmt: skip
    state = zeros(found)
    assert (state.violation, state.error) == (0, pytest.approx(weight, rel=1e-3))
    assert (found._improved(state, penalty) is not state) == moved


class Recorded(OffsetSearch):
    """Remembers at which prices it searches, and which lines."""

    never_settles = False

    def _improved(self, state, penalty):
        self.prices = [*getattr(self, "prices", []), penalty]
        return super()._improved(state, penalty)

    def _along(self, places, state, penalty):
        self.places = [*getattr(self, "places", []), tuple(places)]
        if self.never_settles:
            return dataclasses.replace(state)
        return super()._along(places, state, penalty)


def recorded(*args, **options):
    found = search(*args, **options)
    found.__class__ = Recorded
    return found


PRICES = [0.25, 0.5, 1.0, 2.0, 8.0]


@pytest.mark.parametrize(("width", "first"), [(0.0, [np.inf]), (0.5, [])])
def test_prices_rise_and_every_end_is_made_to_fulfil_the_constraint(width, first):
    # What fulfils it as it is may be kept; else a first result is looked for.
    found = recorded(LOGITS, ONES, UNITS, width=width)
    found.run()
    expected = [price for low in PRICES for price in (low, np.inf)]
    assert found.prices == first + expected


def test_lines_are_searched_in_a_fixed_order_until_nothing_improves():
    found = recorded(LOGITS, ONES, [0] * 3 + [1] * 4 + [2] * 4)
    lines = [((group, c),) for group in range(3) for c in range(2)]
    planes = [((one, 1), (two, 1)) for one, two in ((0, 1), (0, 2), (1, 2))]
    state = dataclasses.replace(zeros(found), error=0.0, violation=0.0)
    assert found._improved(state, np.inf) is state
    assert found.places == planes + lines
    # Of more than two classes no two are moved at once.
    three = recorded(np.eye(3)[[0, 1, 2, 0, 1, 2]], [0, 1, 2] * 2, [0] * 3 + [1] * 3)
    three._improved(zeros(three), np.inf)
    assert three.places == [((group, c),) for group in range(2) for c in range(3)]


def test_a_search_that_does_not_settle_ends_after_twenty_rounds():
    found = recorded(LOGITS, ONES, UNITS)
    found.never_settles = True
    found._improved(zeros(found), 1.0)
    # Of one plane and four lines.
    assert len(found.places) == 20 * 5


def test_how_many_choices_lines_and_planes_have():
    rng = np.random.default_rng(0)
    found = search(
        rng.normal(size=(1000, 2)), rng.integers(0, 2, 1000), np.arange(1000) % 2
    )
    found._improved(zeros(found), np.inf)
    sizes = {(c, size): len(line.values) for (_, c, size), (_, line)
             in found._lines.items()}  # fmt: skip
    # Between all examples, below and above them.
    assert sizes == {(0, 256): 258, (1, 256): 258, (1, 100): 102}


def random_examples(classes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, 60)
    logits = rng.normal(size=(60, classes)) + 0.8 * np.eye(classes)[labels]
    units = rng.integers(-1, 2, 60)
    served = np.where(rng.random(60) < 0.8, rng.integers(0, 2, 60), -1)
    return logits, labels, units, served, rng.integers(1, 5, 60) / 2


def tallied(predicted, labels, units, weights, classes):
    """What is predicted and what of it is right, by unit; the last one is of none."""
    selected, hits = np.zeros((2, 3, classes))
    for y, p, unit, weight in zip(labels, predicted, units, weights, strict=True):
        selected[unit, p] += weight
        hits[unit, p] += weight * (y == p)
    return selected, hits


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), (3, 1), (4, 2)])
def test_a_line_says_what_every_choice_would_predict(classes, seed):
    logits, labels, units, served, weights = random_examples(classes, seed)
    found = search(logits, labels, units, served, weights)
    offsets = np.random.default_rng(seed).normal(size=(2, classes)).astype(np.float32)
    for group, c in np.ndindex(2, classes):
        line = found._line(group, c, 256, offsets[group])
        tally = found._tallies(line)
        here = served == group
        own = (labels[here], units[here], weights[here], classes)
        moved = np.float32(logits[here]) + offsets[group]
        for mine, yours in zip(line.now, tallied(moved.argmax(1), *own), strict=True):
            np.testing.assert_allclose(mine, yours)
        assert len(line.values) > 10
        for i, value in enumerate(line.values):
            tried = offsets[group].copy()
            tried[c] = value
            predicted = (np.float32(logits[here]) + tried).argmax(1)
            selected, hits = tallied(predicted, *own)
            np.testing.assert_allclose(tally.selected[i], selected)
            np.testing.assert_allclose(tally.hits[i], hits)
            assert line.right[i] == pytest.approx(hits.sum())


def test_a_tie_of_neighbours_is_not_won_by_the_class_behind():
    # Nothing in float32 lies between what the two examples need.
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    found = search([[low, 0], [high, 0], [1, 0]], [1, 1, 1], [0, 0, 1])
    line = found._line(0, 1, 256, np.zeros(2, np.float32))
    assert line.values[1] in (low, high)
    moved = np.array([[low, 0], [high, 0]]) + np.array([0, line.values[1]])
    assert line.right[1] == moved.argmax(1).sum()


def test_offsets_that_nobody_has_change_nothing():
    # Of three rows of offsets nobody has the second one.
    found = search(LOGITS, ONES, UNITS, served=[0] * 3 + [2] * 8)
    offsets = found.run()
    assert not offsets[1].any()
    state = found._state(offsets)
    assert (state.violation, state.error) == pytest.approx((0, 4 / 11))


def test_lines_are_made_anew_when_the_offsets_of_their_group_change():
    found = search(LOGITS, ONES, UNITS)
    nothing = np.zeros(2, np.float32)
    line = found._line(1, 1, 256, nothing)
    assert found._line(1, 1, 256, nothing.copy()) is line
    moved = found._line(1, 1, 256, np.array([1, 0], np.float32))
    np.testing.assert_allclose(moved.values, line.values + 1)
    assert found._line(1, 1, 100, nothing) is not line
