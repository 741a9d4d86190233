"""Which groups a constraint holds for, by hand."""

import numpy as np
import pytest

from kd_keras.mitigation.served import Encoded
from kd_keras.mitigation.units import Units, unite

NAMES = ("a", "b", "c", "d")
GROUPS = Encoded(NAMES, np.array([2, 0, -1, 3, 1]))


@pytest.mark.parametrize(
    ("counted", "units", "unchanged"),
    [
        ([9, 5, 5, 9], [("a",), ("b",), ("c",), ("d",)], ()),
        # b and c have 5 together, as many as are needed.
        ([9, 2, 3, 5], [("a",), ("d",), ("b", "c")], ()),
        ([9, 2, 2, 5], [("a",), ("d",)], ("b", "c")),
        ([9, 5, 4, 9], [("a",), ("b",), ("d",)], ("c",)),
    ],
)
def test_small_groups_are_put_together_if_they_are_enough(counted, units, unchanged):
    found = unite(NAMES, np.array(counted), 5)
    assert found == Units(tuple(units), unchanged)
    assert found.shared == next((unit for unit in units if unit == ("b", "c")), ())


def test_examples_are_told_their_unit():
    units = Units((("a",), ("b", "c")), ("d",))
    np.testing.assert_array_equal(units.index(GROUPS), [1, 0, -1, -1, 1])
    assert units.titles(GROUPS).tolist() == ["b with c", "a", None, None, "b with c"]
    assert GROUPS.values.tolist() == ["c", "a", None, "d", "b"]
