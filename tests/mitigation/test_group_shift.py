"""The layer that moves logits, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.mitigation import GroupShift

LOGITS = np.array([[1.0, 5.0, 2.0]] * 5, "float32")
# Two groups; everything else is not known.
GROUPS = np.array([0, 1, 2, 3, -1])


@pytest.mark.parametrize("group", [GROUPS, GROUPS[:, None]])
def test_offsets_of_every_class_are_added(group):
    offsets = [[1, 2, 3], [-1, 0, 4], [0.5, 0, 0]]
    moved = GroupShift(offsets)(LOGITS, group)
    expected = [[2, 7, 5], [0, 5, 6], *[[1.5, 5, 2]] * 3]
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize(
    ("group", "rows"),
    [
        # In 32 bits these would be 0 and 1.
        (np.array([2**32, 2**32 + 1, -(2**32), 1, 0]), [2, 2, 2, 1, 0]),
        (np.array([2**63, 2**64 - 1, 2**32, 1, 0], np.uint64), [2, 2, 2, 1, 0]),
        (np.array([200, 255, 2, 1, 0], np.uint8), [2, 2, 2, 1, 0]),
        (np.array([-128, -1, 2, 1, 0], np.int8), [2, 2, 2, 1, 0]),
        # Whole numbers are groups, others are not.
        (np.array([-0.5, 0.9, np.nan, 1.0, 0.0], "float32"), [2, 2, 2, 1, 0]),
        (np.array([1e30, -np.inf, np.inf, 1.5, 2.0], "float32"), [2] * 5),
    ],
)
@pytest.mark.parametrize("in_graph", [False, True])
def test_what_is_no_index_of_a_group_is_not_known(group, rows, in_graph):
    layer = GroupShift([[1, 2, 3], [-1, 0, 4], [0.5, 0, 0]])
    call = tf.function(layer) if in_graph else layer
    offsets = np.array([[1, 2, 3], [-1, 0, 4], [0.5, 0, 0]])
    moved = call(LOGITS, tf.constant(group))
    np.testing.assert_array_equal(moved, LOGITS + offsets[rows])


def test_more_groups_than_a_byte_holds():
    offsets = [[float(i)] for i in range(301)]
    moved = GroupShift(offsets)(np.zeros((2, 1), "float32"), np.array([7, 255], "u1"))
    np.testing.assert_array_equal(moved, [[7], [255]])


def test_offsets_of_two_classes_are_added_too():
    moved = GroupShift([[1, 2], [-1, 0], [0, 3]])(LOGITS[:, :2], GROUPS)
    np.testing.assert_array_equal(moved, [[2, 7], [0, 5], *[[1, 8]] * 3])


def test_one_offset_moves_the_difference_of_two_logits_or_a_single_one():
    layer = GroupShift([[1], [-6], [0.5]])
    # 5 - 1 = 4.
    moved = layer(LOGITS[:, :2], GROUPS)
    np.testing.assert_array_equal(moved, [[0, 5], [0, -2], *[[0, 4.5]] * 3])
    single = GroupShift(layer.offsets)(LOGITS[:, 1:2], GROUPS)
    np.testing.assert_array_equal(single, [[6], [-1], *[[5.5]] * 3])


@pytest.mark.parametrize(
    ("offsets", "outputs", "needed"),
    [([0, 0, 0], 2, 3), ([0, 0], 3, 2), ([0, 0], 1, 2), ([0], 3, 2)],
)
def test_other_numbers_of_logits_are_refused(offsets, outputs, needed):
    layer = GroupShift([offsets, offsets])
    with pytest.raises(ValueError, match=rf"must give {needed} logits.*, {outputs}\)"):
        layer(np.zeros((5, outputs), "float32"), GROUPS)


def test_offsets_are_not_trained_and_not_rounded():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = GroupShift([[0.123456], [np.inf]], name="mended")
    finally:
        keras.config.set_dtype_policy(before)
    moved = layer(np.zeros((1, 1), "float32"), np.array([0]))
    np.testing.assert_allclose(moved, [[0.123456]], rtol=1e-6)
    assert (layer.trainable_weights, len(layer.weights)) == ([], 1)
    assert layer.weights[0].name == "offsets"
    # No logit is as far from 0.
    assert layer.get_config()["offsets"] == [[0.123456], [1e9]]


def test_a_file_names_the_layer_with_its_package():
    assert keras.saving.get_registered_name(GroupShift) == "kd_keras>GroupShift"
    loaded = GroupShift.from_config(GroupShift([[1, 2], [3, 4]]).get_config())
    assert loaded.offsets == [[1, 2], [3, 4]]
