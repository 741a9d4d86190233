"""Checks of examples, the numbers of groups, and sums over cells, by hand."""

import numpy as np
import pandas as pd
import pytest

from kd_keras.fairness import GroupCounts, PairedCounts, calibration
from kd_keras.fairness.encoding import (
    aggregate,
    check_attributes,
    check_classes,
    check_weights,
    encode_groups,
    merge_groups,
    sum_cells,
)


def test_classes_without_a_number_end_at_31_bits():
    assert check_classes("y", [2**31 - 1], None).tolist() == [2**31 - 1]
    with pytest.raises(ValueError, match=r"to 2147483647\. Received: 2147483648"):
        check_classes("y", [2**31], None)


@pytest.mark.parametrize("values", [[1.0, 0.0], [True, False], np.array([1, 0], "u1")])
def test_whole_numbers_of_any_kind_are_classes(values):
    found = check_classes("y", values, 2)
    assert found.dtype == np.int64
    assert found.tolist() == [1, 0]


def test_no_classes_are_none():
    found = check_classes("y", [], 2)
    assert (found.dtype, found.shape) == (np.int64, (0,))


def test_the_first_wrong_class_is_named():
    with pytest.raises(ValueError, match=r"Received: 0\.25"):
        check_classes("y", [1.0, 0.25, 0.5], 2)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_the_first_wrong_weight_is_named(wrong):
    with pytest.raises(ValueError, match=f"Received: {wrong}"):
        check_weights([0.5, 0.0, wrong, -2.0], 4)


def test_every_attribute_has_a_name():
    with pytest.raises(TypeError, match="must map attribute names"):
        check_attributes({"g": ["a"], 1: ["b"]})


@pytest.mark.parametrize(
    ("values", "groups", "codes"),
    [
        ([-3, 5, -3, 0], (-3, 0, 5), [0, 2, 0, 1]),
        ([-7, -5], (-7, -5), [0, 1]),
        ([4, 4, 9], (4, 9), [0, 0, 1]),
        # So far apart that no array could have a place for each number between.
        ([10**15, -(10**15), 7], (-(10**15), 7, 10**15), [2, 0, 1]),
        ([10**15, 7], (7, 10**15), [1, 0]),
        ([-(10**15), -7], (-(10**15), -7), [0, 1]),
    ],
)
@pytest.mark.parametrize("form", [list, np.array])
def test_integer_groups_are_numbered_in_their_order(values, groups, codes, form):
    found, index = encode_groups("g", form(values))
    assert found == groups
    assert index.tolist() == codes


@pytest.mark.parametrize(
    ("values", "dtype", "groups", "codes"),
    [
        (["b", pd.NA, "a"], "string", ("a", "b"), [1, -1, 0]),
        (["b", pd.NA, None], object, ("b",), [0, -1, -1]),
        ([7, pd.NA, 5], "Int64", (5, 7), [1, -1, 0]),
        ([True, pd.NA, False], "boolean", (0, 1), [1, -1, 0]),
    ],
)
def test_na_of_pandas_is_missing(values, dtype, groups, codes):
    found, index = encode_groups("g", pd.Series(values, dtype=dtype))
    assert found == groups
    assert index.tolist() == codes


@pytest.mark.parametrize(
    "groups",
    [
        np.array([0, 1, -1, 1]),
        [0, 1, -1, None],
        [0.0, 1.0, -1.0, np.nan],
        pd.Series([2, 1, -1, pd.NA], dtype="Int64"),
    ],
)
def test_minus_one_beside_groups_from_0_on_is_refused(groups):
    """Neither a group that nobody means, nor one that vanishes."""
    y = [1, 0, 1, 1]
    needed = (
        r"the group -1 beside those.*\[-1, .*Give None where it is missing.*strings"
    )
    for count in (
        lambda: GroupCounts.from_predictions(y, y, groups={"g": groups}),
        lambda: PairedCounts.from_predictions(y, y, y, groups={"g": groups}),
        lambda: calibration(y, [0.7] * 4, groups=groups),
    ):
        with pytest.raises(ValueError, match=needed):
            count()


def test_the_advice_on_minus_one_is_right():
    y, groups = [1, 0, 1], np.array([0, 1, -1])
    missing = np.where(groups < 0, None, groups)
    assert GroupCounts.from_predictions(y, y, groups={"g": missing}).groups == {
        "g": (0, 1)
    }
    _, by_group = calibration(y, [0.7, 0.7, 0.6], groups=missing)
    assert [(g, of.examples) for g, of in by_group.items()] == [(0, 1), (1, 1)]
    words = groups.astype(str)
    found = GroupCounts.from_predictions(y, y, groups={"g": words}).groups
    assert found == {"g": ("-1", "0", "1")}


@pytest.mark.parametrize(
    ("groups", "weights", "expected"),
    [
        # Two signs, and codes of which -1 is one.
        ([-1, 1, 1], None, (-1, 1)),
        ([-1, -1, -1], None, (-1,)),
        ([-2, -1, 0], None, (-2, -1, 0)),
        # As who pads a batch does it.
        ([0, 1, -1], [1, 1, 0], (0, 1)),
    ],
)
def test_minus_one_is_a_group_where_it_must_be_one(groups, weights, expected):
    y = [1, 0, 1]
    options = {"groups": {"g": np.array(groups)}, "sample_weight": weights}
    assert GroupCounts.from_predictions(y, y, **options).groups == {"g": expected}


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (np.array([2**63 + 1, 5], np.uint64), 2**63 + 1),
        ([2**63, 5], 2**63),
        ([5, -(2**63) - 1], -(2**63) - 1),
        (np.array([1e30, 5.0]), int(1e30)),
    ],
)
def test_integers_beyond_64_bits_are_refused(values, wrong):
    message = rf"`groups\['g'\]` must hold integers of 64 bits.* Received: {wrong}\. "
    with pytest.raises(ValueError, match=message):
        encode_groups("g", values)
    ends = [2**63 - 1, -(2**63)]
    for form in (list, np.array):
        assert encode_groups("g", form(ends))[0] == (-(2**63), 2**63 - 1)
    assert encode_groups("g", np.array([7, 5], np.uint64))[0] == (5, 7)


def test_groups_of_nobody_are_none():
    found, index = encode_groups("g", np.zeros(0, int))
    assert found == ()
    assert index.shape == (0,)


def test_groups_of_parts_are_united():
    union, codes = merge_groups("g", [("b", "d"), ("a",), (), ("c", "d")])
    assert union == ("a", "b", "c", "d")
    # With -1, which is missing, for itself.
    assert [code.tolist() for code in codes] == [[1, 3, -1], [0, -1], [-1], [2, 3, -1]]


def test_sums_of_cells_keep_leading_axes():
    values = np.arange(16).reshape(2, 2, 4)
    found = sum_cells(values, np.array([2, -1, 0, 2]), 4)
    # Of the cells 0 to 3: 2 to the first place, 0 and 3 to the third.
    expected = [[[2, 0, 3, 0], [6, 0, 11, 0]], [[10, 0, 19, 0], [14, 0, 27, 0]]]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == values.dtype


@pytest.mark.parametrize("sizes", [(3, 2), (2**40, 2**40)], ids=["few", "many"])
def test_equal_rows_are_united_in_sorted_order(sizes):
    rows = np.array([[2, 1], [-1, 0], [2, 1], [2, -1], [2, 1]])
    weights = np.array([1.0, 3.0, 1.0, 1.0, 0.5])
    cells, weight, counts = aggregate(rows, sizes, weights)
    assert cells.tolist() == [[-1, 0], [2, -1], [2, 1], [2, 1]]
    assert weight.tolist() == [3.0, 1.0, 0.5, 1.0]
    assert counts.tolist() == [1, 1, 1, 2]
    drawn = np.array([[1, 2, 3, 4, 5], [0, 1, 1, 0, 0]])
    _, _, counts = aggregate(rows, sizes, weights, drawn)
    assert counts.tolist() == [[2, 4, 5, 4], [1, 0, 0, 1]]


def test_a_single_example_is_counted():
    counts = GroupCounts.from_predictions([1], [0], groups={"g": [3]})
    assert counts.num_examples == 1
    assert counts.groups == {"g": (3,)}
