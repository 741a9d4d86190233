"""One output with its labels and weights, piece by piece."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distiller.outputs import (
    Targets,
    align_rank,
    make_output,
    output_names,
    per_output,
    split_targets,
)

NAMES = ["a", "b"]


@pytest.mark.parametrize(
    ("value", "shared", "expected"),
    [
        (None, False, [None, None]),
        ({"b": 1}, False, [None, 1]),
        ({"b": 1, "a": 2}, False, [2, 1]),
        ({}, False, [None, None]),
        ([1, 2], False, [1, 2]),
        ((1, 2), True, [1, 2]),
        # A nested structure in the order in which Keras flattens it.
        ({"y": {"q": 2}, "x": 1}, False, [1, 2]),
        (7, True, [7, 7]),
    ],
)
def test_a_value_in_the_order_of_the_outputs(value, shared, expected):
    assert per_output(value, NAMES, "v", shared=shared) == expected


@pytest.mark.parametrize(
    ("value", "shared", "given"),
    [
        (7, False, "1 entries"),
        ([1, 2, 3], True, "3 entries"),
        ([7], True, "1 entries"),
        ({"c": 1}, True, r"\['c'\]"),
        ({"c": 1, "a": 2, "d": 3}, False, r"\['a', 'c', 'd'\]"),
    ],
)
def test_a_value_that_does_not_match_the_outputs(value, shared, given):
    message = rf"`v` does not match .*\['a', 'b'\]\. Received: {given}\."
    with pytest.raises(ValueError, match=message):
        per_output(value, NAMES, "v", shared=shared)


def test_one_output_takes_an_entry_that_is_not_shared():
    assert per_output(7, ["a"], "v") == [7]


class Named:
    """What is read of a model."""

    def __init__(self, *names):
        self.output_names = list(names)


@pytest.mark.parametrize(
    ("outputs", "model", "expected"),
    [
        (0, Named("head"), ["head"]),
        # Keras names outputs that one layer gives twice.
        (0, Named("head", "head_1"), ["head"]),
        (0, object(), ["output"]),
        ([0, 0], Named("x", "y"), ["x", "y"]),
        ((0, 0), Named("x", "y"), ["x", "y"]),
        # Names that do not tell the outputs apart, or are of others.
        ([0, 0], Named("x", "x"), ["output_0", "output_1"]),
        ([0, 0], Named("x"), ["output_0", "output_1"]),
        ([0, 0], object(), ["output_0", "output_1"]),
        ({"b": 0, "a": 0}, Named("x", "y"), ["a", "b"]),
        ({"p": {"q": 0, "r": 0}, "a": 0}, object(), ["a", "p/q", "p/r"]),
        ([0, {"q": 0}], object(), ["output_0", "output_1/q"]),
    ],
)
def test_names_of_outputs(outputs, model, expected):
    assert output_names(outputs, model) == expected


def test_labels_beside_what_else_a_batch_brings():
    y = {"labels": 1, "teacher_logits": 2, "temperature": 3, "groups": 4}
    assert split_targets(y, 5) == Targets(1, 2, 3, 4, 5)
    # Keras gives every entry of y the weights: those of the labels count.
    weights = {"teacher_logits": 6, "labels": 7, "temperature": 8, "groups": 9}
    assert split_targets(y, weights) == Targets(1, 2, 3, 4, 7)
    without = {"temperature": 3, "teacher_logits": 2}
    found = split_targets(without, {"temperature": 8, "teacher_logits": 6})
    assert found == Targets(None, 2, 3, None, 6)
    # Weights per output stay as they are.
    assert split_targets({"labels": 1, "groups": 4}, {"a": 5, "b": 6}) == Targets(
        1, groups=4, sample_weight={"a": 5, "b": 6}
    )


@pytest.mark.parametrize("y", [None, 1, [1, 2], {"a": 1, "labels": 2}, {"labels": 1}])
def test_a_y_that_is_labels_alone(y):
    assert split_targets(y) == Targets(y)
    assert split_targets(y, 5) == Targets(y, sample_weight=5)


@pytest.mark.parametrize(
    "key", ["teacher_logits", "teacher_inputs", "temperature", "groups", "loss_mask"]
)
def test_other_keys_beside_these_are_refused(key):
    with pytest.raises(ValueError, match=r"Move \['a', 'b'\] into y\['labels'\]"):
        split_targets({"b": 0, key: 1, "a": 2})


@pytest.mark.parametrize(
    ("shape", "rank", "expected"),
    [
        ((4,), 1, (4,)),
        ((4, 1), 1, (4,)),
        ((4, 1, 1), 1, (4,)),
        ((4, 2, 1), 2, (4, 2)),
        ((4, 2, 1), 1, (4, 2)),
        ((4,), 3, (4, 1, 1)),
        ((1, 3), 1, (1, 3)),
        ((4, 1), 2, (4, 1)),
    ],
)
def test_axes_of_size_1_are_taken_off_and_added_behind(shape, rank, expected):
    tensor = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    found = align_rank(keras.ops.convert_to_tensor(tensor), rank)
    assert tuple(found.shape) == expected
    np.testing.assert_array_equal(np.ravel(found), np.ravel(tensor))


T = np.arange(1.0, 13).reshape(2, 2, 3)  # `[batch, time, classes]`.


def blanked(valid):
    return np.where(np.array(valid)[..., None], T, 0)


@pytest.mark.parametrize(
    ("weights", "mask", "valid"),
    [
        (None, None, None),
        ([0.0, 2.0], None, [[False], [True]]),
        ([[0.0], [2.0]], None, [[False], [True]]),
        ([[0.0, 1], [-1, 0.5]], None, [[False, True], [True, True]]),
        (None, [[1, 0], [1, 1]], [[True, False], [True, True]]),
        ([0.0, 1.0], [[1, 0], [1, 0]], [[False, False], [True, False]]),
        # 1 is a weight as any other one.
        ([1.0, 0.0], None, [[True], [False]]),
    ],
)
def test_what_does_not_count_is_blanked(weights, mask, valid):
    labels = np.array([[1, 2], [1, 2]])
    given = [None if x is None else np.array(x) for x in (weights, mask)]
    found = make_output("a", "softmax", [T, 2 * T], -T, labels, *given)
    if valid is None:
        assert (found.weights, found.mask, found.valid) == (None, None, None)
        valid = [[True, True]] * 2
    else:
        np.testing.assert_array_equal(found.valid, valid)
    np.testing.assert_array_equal(found.student, -blanked(valid))
    np.testing.assert_array_equal(found.teacher[0], blanked(valid))
    np.testing.assert_array_equal(found.teacher[1], 2 * blanked(valid))
    np.testing.assert_array_equal(found.labels, np.where(valid, labels, 0))
    assert {str(t.dtype) for t in (found.student, *found.teacher)} == {
        "<dtype: 'float32'>"
    }
    if weights is not None:
        assert len(found.weights.shape) == 2
        assert found.weights.dtype == "float32"


def test_a_single_sigmoid_has_one_class():
    found = make_output("a", "sigmoid", [np.ones(4)], np.zeros(4), None, None, None)
    assert found.student.shape == found.teacher[0].shape == (4, 1)
    assert found.labels is None


@pytest.mark.parametrize(
    ("teacher", "student"),
    [((2, 3), (2, 4)), ((2, 5, 3), (2, 3)), ((2, 5, 3), (2, 4, 3)), ((2, 4), (2, 3))],
)
def test_other_shapes_of_logits_are_refused(teacher, student):
    message = rf"output 'a': teacher {re.escape(str(teacher))}, student"
    with pytest.raises(ValueError, match=message):
        make_output(
            "a", "softmax", [np.zeros(teacher)], np.zeros(student), None, None, None
        )


def test_sizes_that_are_not_known_yet_pass():
    seen = []

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, 3), tf.float32),
            tf.TensorSpec((None, 4, 3), tf.float32),
        ]
    )
    def traced(teacher, student):
        seen.append(make_output("a", "softmax", [teacher], student, *[None] * 3).name)
        return student

    traced(np.zeros((2, 4, 3)), np.zeros((5, 4, 3)))
    # Another batch is the business of the data.
    make_output("a", "softmax", [np.zeros((2, 3))], np.zeros((5, 3)), *[None] * 3)
    assert seen == ["a"]
