"""What is said where examples cannot show what is asked: numbers by hand."""

import math

import numpy as np
import pytest

from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.measure import Measure
from kd_keras.mitigation.refusal import closest, free_width
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
