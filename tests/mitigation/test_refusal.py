"""What is said where examples cannot show what is asked: numbers by hand."""

import math

import numpy as np
import pytest

from kd_keras.mitigation.constraints import Constraint, standard_error
from kd_keras.mitigation.curves import curve
from kd_keras.mitigation.measure import Measure
from kd_keras.mitigation.refusal import check_floors, closest, free_width, free_widths
from kd_keras.mitigation.units import Units

UNITS = Units((("a",), ("b", "c")), ("d",))
EO, FPR = "equal_opportunity_difference", "false_positive_rate_difference"
# Of two classes: 90 and 14 negatives, 30 and 20 positives.
TWO = np.array([[90.0, 30], [14, 20]])
THREE = np.array([[90.0, 30, 40], [14, 20, 50]])


def test_what_is_kept_free_is_taken_off():
    assert free_width(Constraint(EO, 0.1), 0.03, UNITS, TWO) == pytest.approx(0.07)
    assert free_width(Constraint(EO, 0.1), 0.1, UNITS, TWO) == 0
    floor = Constraint(floor={"accuracy": 0.5})
    assert free_width(floor, 0.03, UNITS, TWO) == math.inf


@pytest.mark.parametrize(
    ("gap", "effective", "has", "needed"),
    [
        # Half of what is kept is allowed: four times as many are needed.
        (EO, TWO, "group b with c has 20 positives", 80),
        (EO, TWO[::-1], "group a has 20 positives", 80),
        (FPR, TWO, "group b with c has 14 negatives", 56),
        (FPR, TWO[:, ::-1], "group b with c has 20 negatives", 80),
        ("accuracy_gap", TWO, "group b with c has 34 examples", 136),
        # Of several classes, the one that has the fewest.
        (EO, THREE, "group b with c has 14 positives", 56),
        (FPR, THREE, "group b with c has 34 negatives", 136),
        ("demographic_parity_difference", THREE, "group b with c has 84 examples", 336),
    ],
)
def test_the_smallest_unit_is_named_with_what_it_needs(gap, effective, has, needed):
    constraint = Constraint(gap, 0.1, margin=1.5)
    with pytest.raises(ValueError, match=has) as error:
        free_width(constraint, 0.2, UNITS, effective)
    assert str(error.value).startswith(
        f"{has} in validation, about {needed} are needed for 0.1: 1.5 standard errors "
        "of the gap are 0.200. Collect them, allow at_most=0.2, "
    )


def test_a_third_of_what_is_kept_takes_nine_times_as_many():
    with pytest.raises(ValueError, match=r"has 20 positives .* about 180 are needed"):
        free_width(Constraint(EO, 0.1), 0.3, UNITS, TWO)


def test_a_gap_of_nothing_needs_endlessly_many():
    with pytest.raises(ValueError, match="about endlessly many are needed for 0: "):
        free_width(Constraint(EO, 0.0), 0.0121, UNITS, TWO)
    # Rounded up, so that what is advised is enough.
    with pytest.raises(ValueError, match=r"allow at_most=0\.013, put"):
        free_width(Constraint(EO, 0.0), 0.0121, UNITS, TWO)


@pytest.mark.parametrize(("margin", "end"), [(0, ""), (1, ", by its interval's lower")])
def test_what_was_reached_in_its_place(margin, end):
    # TPR 24 of 30 and 10 of 20; right 84 + 24 of 120 and 14 + 10 of 34.
    hits, selected = np.array([[84.0, 24], [14, 10]]), np.array([[90.0, 30], [24, 10]])
    floor = {"true_positive_rate": 0.6, "accuracy": 0.5}
    measure = Measure(Constraint(EO, 0.1, floor, margin), TWO, TWO)
    found = closest(measure, 0.05, (selected, hits))
    assert found.startswith(
        "the smallest gap that was found is 0.350; no offsets reach all floors, the "
        "best that were found have a lowest true positive rate of 0."
    )
    assert ("of 0.500" in found) == (margin == 0)
    assert (end or "0.500") in found
    # 24 of 34 are enough.
    assert "accuracy" not in found
    only = Measure(Constraint(floor={"accuracy": 0.8}, margin=0), TWO, TWO)
    assert closest(only, 0.05, (selected, hits)) == (
        "no offsets reach all floors, the best that were found have a lowest accuracy "
        "of 0.706"
    )


def group(found, size, negatives=4, weights=(1.0, 1.0)):
    """A curve whose second cut finds so many of the positives, and no negative.

    Every other example has the second weight.
    """
    scores = np.repeat([0.9, 0.4, 0.1], [found, size - found, negatives])
    labels = np.repeat([1, 1, 0], [found, size - found, negatives])
    return curve(scores, labels, np.resize(weights, len(labels)))


def refusal(groups, at_most=0.0625, margin=1.0):
    """What is said of groups of which the first cut is the model's own."""
    names = list("abcd")[: len(groups)]
    constraint = Constraint(EO, at_most, margin=margin)
    with pytest.raises(ValueError, match=r"min_examples, or pass margin=0") as error:
        free_widths(constraint, names, groups, [1] * len(groups))
    return str(error.value)


# A TPR of (half of all + 2) / (all + 4) = 1/2, so that a single example has the
# variance 1/4: 1/4 / (1/16)^2 = 64 examples of one group beside endlessly many.
@pytest.mark.parametrize(
    ("sizes", "small", "needed"),
    [
        # 64 / (1 - 64 / 256) = 85.3; beside 128, 64 / (1 - 64 / 128).
        ([64, 256], "group a has 64", 86),
        ([100, 128], "group a has 100", 128),
        # No number is enough beside 64 or 62, so that both need twice as many.
        ([62, 64], "group a has 62, group b has 64", 128),
        ([60, 62], "group a has 60, group b has 62", 128),
        # The two smallest decide: both have what would be needed beside the largest.
        ([86, 86, 256], "group a has 86, group b has 86", 128),
        ([100, 86, 256], "group a has 100, group b has 86", 128),
        # One that has just enough is not named.
        ([86, 84, 128], "group a has 86, group b has 84", 128),
    ],
)
def test_small_groups_are_named_with_what_they_need(sizes, small, needed):
    groups = [group(size // 2, size) for size in sizes]
    kept = math.sqrt((1 / sorted(sizes)[0] + 1 / sorted(sizes)[1]) / 4)
    assert refusal(groups) == (
        f"{small} positives in validation, about {needed} are needed for 0.0625: 1 "
        f"standard errors of the difference of true positive rates are {kept:.3f}. "
        f"Collect them, allow at_most={math.ceil(1000 * kept) / 1000:g}, put small "
        "groups together with min_examples, or pass margin=0 for a gap that may not "
        "hold on other examples."
    )


def test_weighted_examples_are_counted_by_what_they_tell():
    # Of weights 1 and 3, 100 are worth 200^2 / (50 + 450) = 80. Beside 256 about 86 are
    # needed, as above, and 100 would be enough.
    groups = [group(50, 100, weights=(1.0, 3.0)), group(128, 256)]
    assert refusal(groups).startswith(
        "group a has 80 effective positives in validation, about 86 are needed for "
        "0.0625: 1 standard errors"
    )
    # Weights that are all alike change nothing.
    groups = [group(size // 2, size, weights=(3.0, 3.0)) for size in (80, 256)]
    assert refusal(groups).startswith("group a has 80 positives in validation, ")
    # 10 are worth 20^2 / (5 + 45) = 8, of which 23 are needed, as below.
    floor = Constraint(floor={"true_positive_rate": 0.85}, margin=2.0)
    with pytest.raises(ValueError, match=r"it has 8 effective positives .* about 23 "):
        check_floors(floor, ["b"], [group(2, 10, weights=(1.0, 3.0))])


def test_a_gap_of_nothing_cannot_be_shown():
    message = refusal([group(40, 80)] * 2, at_most=0.0, margin=2.0)
    assert message.startswith(
        "`at_most` of 0 cannot be shown with any number of examples. Received: "
        "at_most=0, margin=2. Collect them, allow at_most=0.159, "
    )


def test_of_two_rates_each_keeps_its_own():
    groups = [group(40, 80, 30), group(30, 60, 50)]
    constraint = Constraint("equalized_odds_difference", 0.25, margin=1.5)
    # TPR 1/2 of 140; FPR 0 of 80: 2 / 84.
    q = 2 / 84
    kept = (
        1.5 * math.sqrt((1 / 80 + 1 / 60) / 4),
        1.5 * math.sqrt(q * (1 - q) * (1 / 30 + 1 / 50)),
    )
    found = free_widths(constraint, ["a", "b"], groups, [1, 1])
    assert found == pytest.approx([0.25 - part for part in kept])
    # As much as is kept may be allowed, and not less.
    for rate, part in zip(constraint.rates, kept, strict=True):
        error = 1.5 * standard_error(rate, groups, [1, 1])
        assert error == pytest.approx(part)
    most = 1.5 * standard_error("true_positive_rate", groups, [1, 1])
    exact = Constraint(EO, most, margin=1.5)
    assert free_widths(exact, ["a", "b"], groups, [1, 1]) == [0]
    assert "positives in validation" in refusal(groups, most - 1e-9, margin=1.5)
    # Without a margin nothing is kept.
    plain = Constraint(EO, 0.0)
    assert free_widths(plain, ["a", "b"], groups, [1, 1]) == [0]


def test_a_floor_that_the_best_rate_only_equals_has_no_number_that_is_enough():
    constraint = Constraint(floor={"true_positive_rate": 1.0}, margin=1.001)
    with pytest.raises(ValueError, match=r"group b: 1\.000 is the best") as error:
        check_floors(constraint, ["b"], [group(2, 7)])
    # Wilson's lower end of 7 in 7 is 7 / (7 + 1).
    assert str(error.value).endswith("Lower it to 0.874, or collect more examples.")


def test_a_floor_that_more_examples_could_show():
    # 8 in 8 has the lower end 8 / (8 + 4); for .85 it takes 4 x .85 x .15 / .15^2.
    constraint = Constraint(floor={"true_positive_rate": 0.85}, margin=2.0)
    with pytest.raises(ValueError, match="for group b") as error:
        check_floors(constraint, ["b"], [group(2, 8)])
    assert str(error.value) == (
        "`floor` of 0.85 for the true positive rate cannot be held for group b: it has "
        "8 positives in validation, about 23 are needed, as 2 standard errors below "
        "its best 1.000 is 0.667. Lower it to 0.666, or collect more examples."
    )


def test_a_floor_that_is_reached_exactly_is_not_said_to_be_missed():
    hits, selected = np.array([[84.0, 24], [14, 10]]), np.array([[90.0, 30], [24, 10]])
    floor = {"true_positive_rate": 0.5, "accuracy": 0.9}
    measure = Measure(Constraint(floor=floor), TWO, TWO)
    assert closest(measure, 0.0, (selected, hits)) == (
        "no offsets reach all floors, the best that were found have a lowest accuracy "
        "of 0.706"
    )
