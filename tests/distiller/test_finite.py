"""A teacher's outputs are looked at row by row."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distiller.finite import require_finite


def with_nan(shape, rows):
    values = np.zeros(shape, "float32")
    values[rows] = np.nan
    return values


@pytest.mark.parametrize("shape", [(9,), (9, 2), (9, 2, 3)])
def test_rows_without_numbers_are_named_once(shape):
    fine = np.zeros((9, 4), "float32")
    broken = with_nan(shape, [2, 7])
    for outputs in (broken, {"a": [fine], "b": broken}):
        message = r"after update'\n3\nb'for its rows'\n2, 7\n"
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            require_finite(outputs, 3)


def test_of_many_rows_the_first_five_are_named():
    message = r"rows'\n1, 2, 3, 4, 5, \.\.\.\n"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        require_finite(with_nan((40, 2), slice(1, 30)), 0)


def test_what_is_no_row_of_floats_is_left_alone():
    whole = np.array([1, 2])
    for outputs in ([], whole, np.float32("nan"), {"a": whole, "b": np.zeros((0, 2))}):
        require_finite(outputs, 0)
