"""Distances between features by hand, and what a hint says of itself."""

import numpy as np
import pytest
import tensorflow as tf
from loss_cases import (
    SHAPE,
    STUDENTS,
    TEACHERS,
)

from kd_keras import losses
from kd_keras.losses import hints


def test_feature_distances_by_hand():
    teacher, student = np.array([[3.0, 4.0]]), np.array([[0.0, 4.0]])
    np.testing.assert_allclose(losses.feature_mse(teacher, student), [4.5])
    np.testing.assert_allclose(losses.feature_cosine(teacher, student), [1 - 0.8])
    np.testing.assert_allclose(losses.feature_cosine(teacher, 0 * student), [1.0])


def test_attention_transfer_by_hand():
    # Energies [3, 4] -> [.6, .8] and [4, 3] -> [.8, .6]: mean of .04 and .04.
    teacher = np.sqrt([[[1.0, 2], [2, 2]]])
    student = np.sqrt([[[4.0], [3.0]]])
    np.testing.assert_allclose(losses.attention_transfer(teacher, student), [0.04])


def test_relational_distance_by_hand():
    # Distances 1, 2, 3 and 1, 1, 2 divided by their means 2 and 4/3: relative
    # distances .5, 1, 1.5 and .75, .75, 1.5; Huber .03125 for the first two pairs.
    teacher = np.array([[0.0], [1], [3]])
    student = np.array([[0.0, 0], [1, 0], [2, 0]])
    # Pairs 01: .5 - .75, 12: 1 - .75, 02: 0; means over 3 examples.
    expected = np.array([0.03125, 0.0625, 0.03125]) / 3
    np.testing.assert_allclose(
        losses.relational_distance(teacher, student), expected, rtol=1e-6
    )


def test_relational_distance_without_weight_is_absent():
    teacher = np.array([[0.0], [1], [3], [50]])
    student = np.array([[0.0], [1], [2], [-50]])
    weights = np.array([1.0, 1, 1, 0])
    np.testing.assert_allclose(
        losses.relational_distance(teacher, student, weights)[:3],
        losses.relational_distance(teacher[:3], student[:3]),
        rtol=1e-10,
    )


def test_relational_distance_of_equal_examples_has_a_finite_gradient():
    student = tf.ones((3, 2))
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.relational_distance(tf.constant([[0.0], [1], [3]]), student)
    assert np.all(np.isfinite(tape.gradient(value, student)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "l1"}, "`loss` of a FeatureHint must be one of"),
        ({"weight": -1.0}, "`weight` of a FeatureHint must be at least 0"),
    ],
    ids=["loss", "weight"],
)
def test_feature_hint_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.FeatureHint("a", "b", **arguments)


def test_feature_distances_are_of_the_last_axis():
    np.testing.assert_allclose(
        losses.feature_mse(TEACHERS, STUDENTS), ((TEACHERS - STUDENTS) ** 2).mean(-1)
    )
    norms = np.linalg.norm(TEACHERS, axis=-1) * np.linalg.norm(STUDENTS, axis=-1)
    np.testing.assert_allclose(
        losses.feature_cosine(TEACHERS, STUDENTS),
        1 - (TEACHERS * STUDENTS).sum(-1) / norms,
        rtol=1e-9,
    )


def test_attention_transfer_is_of_all_positions():
    maps = [(x**2).sum(-1).reshape(SHAPE[0], -1) for x in (TEACHERS, STUDENTS[..., :2])]
    unit = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in maps]
    found = losses.attention_transfer(TEACHERS, STUDENTS[..., :2])
    np.testing.assert_allclose(found, ((unit[0] - unit[1]) ** 2).mean(1), rtol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_relational_distance_has_a_linear_and_a_squared_part(scale):
    # Park et al. 2019, equations 4 to 7, in loops; one student is far from the rest.
    student = STUDENTS.copy()
    student[0] += 40.0
    weights = scale * np.array([0.5, 1.0, 2.0, 3.0])

    def relative(features):
        rows = features.reshape(len(features), -1)
        distances = np.array([[np.linalg.norm(a - b) for b in rows] for a in rows])
        pairs = np.outer(weights, weights) * (1 - np.eye(len(rows)))
        return distances / (np.sum(pairs * distances) / np.sum(pairs))

    error = abs(relative(TEACHERS) - relative(student))
    assert (error > 1).any()
    assert (error[error > 0] < 1).any()
    huber = np.where(error < 1, error**2 / 2, error - 0.5)
    found = losses.relational_distance(TEACHERS, student, weights)
    np.testing.assert_allclose(
        found, (huber * weights).sum(1) / weights.sum(), rtol=1e-8
    )


def test_feature_hint_has_defaults_that_its_page_names():
    hint = losses.FeatureHint("block3", "stage/block1")
    assert (hint.loss, hint.weight, hint.teacher_index) == ("mse", 1.0, 0)
    assert hint.name == "stage_block1_hint"
    assert losses.FeatureHint("a", "b", weight=0.0).weight == 0.0


@pytest.mark.parametrize(
    ("loss", "same_positions", "same_width", "by_position", "whole_batch"),
    [
        # Channel by channel at each position.
        ("mse", True, True, True, False),
        ("cosine", True, True, True, False),
        # Maps of the positions, whatever the number of channels.
        ("attention_transfer", True, False, False, False),
        # Examples with each other, whatever each of them is made of.
        ("relational", False, False, False, True),
    ],
)
def test_what_a_distance_can_compare(
    loss, same_positions, same_width, by_position, whole_batch
):
    known = hints.HINT_LOSSES[loss]
    assert (known.same_positions, known.same_width) == (same_positions, same_width)
    assert (known.by_position, known.whole_batch) == (by_position, whole_batch)
    hint = losses.FeatureHint("a", "b", loss)
    assert hint.whole_batch == whole_batch
    assert hint.uses_temperature is False
    weights = np.array([0.5, 1.0, 2.0, 3.0])
    given = losses.LossInputs(STUDENTS, TEACHERS, weights=weights)
    expected = known.function(TEACHERS, STUDENTS, *([weights] if whole_batch else []))
    np.testing.assert_array_equal(hint(given), expected)


def test_attention_transfer_of_positions_that_are_not_known_beforehand():
    size = tf.TensorSpec((None, None, SHAPE[-1]), TEACHERS.dtype)
    traced = tf.function(losses.attention_transfer, input_signature=[size, size])
    np.testing.assert_allclose(
        traced(TEACHERS, STUDENTS),
        losses.attention_transfer(TEACHERS, STUDENTS),
        rtol=1e-9,
    )


def test_relational_distance_does_not_depend_on_the_scale_of_features():
    expected = losses.relational_distance(TEACHERS, STUDENTS)
    for scale in (1e-3, 1e3):
        found = losses.relational_distance(scale * TEACHERS, STUDENTS / scale)
        np.testing.assert_allclose(found, expected, rtol=1e-8)
