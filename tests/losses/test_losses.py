"""Distillation losses against published formulas, hand-worked numbers and NumPy."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax, rel_entr, softmax
from scipy.stats import pearsonr

from kd_keras import losses

# Reference case 1.
TEACHER = np.array([[1.0, 2, 3], [4, 5, 6]])
STUDENT = np.array([[2.0, 1, 4], [3, 6, 2]])


def kl_in_numpy(teacher, student, temperature):
    p = softmax(teacher / temperature, -1)
    return rel_entr(p, softmax(student / temperature, -1)).sum(-1)


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1.0, 1.208120), (3.0, 1.346688), (10.0, 1.309697)]
)
def test_kl_reference_case_1(temperature, expected):
    values = losses.kl_divergence(TEACHER, STUDENT, temperature)
    assert values.dtype == tf.float64
    assert np.mean(values) * temperature**2 == pytest.approx(expected, abs=1e-6)


def test_kl_rows_at_temperature_3():
    values = losses.kl_divergence(TEACHER, STUDENT, 3.0) * 9
    np.testing.assert_allclose(values, [0.397776, 2.295599], atol=1e-6)


def test_kl_gradient_at_temperature_3():
    student = tf.constant(STUDENT)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.kl_divergence(TEACHER, student, 3.0) * 9
    gradient = tape.gradient(value, student)[0]
    np.testing.assert_allclose(gradient, [0.12801, -0.37733, 0.24932], atol=1e-5)


def test_kl_tends_to_half_the_centred_squared_distance():
    # 1 / (2 C) * sum of squares of the centred differences: differences
    # [-1, 1, -1] and [1, -1, 4], so (8/3 + 38/3) / (2 * 3) / 2 rows.
    values = losses.kl_divergence(TEACHER, STUDENT, 1e4) * 1e8
    assert np.mean(values) == pytest.approx(1.277778, abs=1e-3)


def test_kl_keeps_far_logits_in_log_space():
    student = tf.constant([[30.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.kl_divergence(tf.constant([[0.0, 30.0]]), student)
    np.testing.assert_allclose(value, [30.0], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, student), [[1.0, -1.0]], rtol=1e-6)


def test_kl_of_a_class_that_the_teacher_excludes():
    # Excluded with -inf: KL([1/2, 1/2, 0] || [1/3, 1/3, 1/3]) = log(3/2).
    teacher = np.array([[0.0, 0.0, -np.inf]])
    value = losses.kl_divergence(teacher, np.zeros((1, 3)))
    np.testing.assert_allclose(value, [math.log(1.5)], rtol=1e-12)


def test_kl_takes_one_temperature_per_example():
    values = losses.kl_divergence(TEACHER, STUDENT, np.array([3.0, 1.0]))
    np.testing.assert_allclose(
        values,
        [
            kl_in_numpy(TEACHER[0], STUDENT[0], 3.0),
            kl_in_numpy(TEACHER[1], STUDENT[1], 1.0),
        ],
        rtol=1e-12,
    )


def test_binary_kl_reference_case_3():
    student = tf.constant([[2.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = 9 * losses.binary_kl_divergence(np.array([[-3.0]]), student, 3.0)
    assert value.numpy() == pytest.approx([2.875854], abs=1e-6)
    assert tape.gradient(value, student).numpy() == pytest.approx(
        np.array([[1.175445]]), abs=1e-6
    )


def test_binary_kl_is_the_mean_over_labels():
    teacher, student = np.array([[-3.0, 0.5]]), np.array([[2.0, 0.5]])
    value = 9 * losses.binary_kl_divergence(teacher, student, 3.0)
    np.testing.assert_allclose(value, [2.875854 / 2], atol=1e-6)


def test_standardized_kl_ignores_scale_and_shift():
    # Sun et al., section 4.2: an affine student of the teacher has distance 0.
    value = losses.standardized_kl_divergence(TEACHER, 5 * TEACHER - 7, 2.0)
    np.testing.assert_allclose(value, [0, 0], atol=1e-12)


def test_standardized_kl_by_hand():
    # [1, 2, 3] has mean 2 and population variance 2/3; its z-scores are
    # -sqrt(3/2), 0, sqrt(3/2); those of [0, 0, 3] are -1/sqrt 2, -1/sqrt 2, sqrt 2.
    teacher, student = np.array([[1.0, 2, 3]]), np.array([[0.0, 0, 3]])
    a, b = math.sqrt(1.5), math.sqrt(0.5)
    expected = kl_in_numpy(np.array([-a, 0, a]), np.array([-b, -b, 2 * b]), 2.0)
    value = losses.standardized_kl_divergence(teacher, student, 2.0)
    np.testing.assert_allclose(value, [expected], rtol=1e-10)


def test_standardized_kl_of_equal_logits_has_a_finite_gradient():
    student = tf.zeros((1, 3))
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.standardized_kl_divergence(tf.ones((1, 3)), student, 2.0)
    assert np.all(np.isfinite(tape.gradient(value, student)))


def test_jensen_shannon_by_hand():
    # p = [1/4, 3/4], q = [3/4, 1/4], mixture [1/2, 1/2]: JS = log 2 - H(1/4).
    teacher, student = np.log([[1.0, 3.0]]), np.log([[3.0, 1.0]])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    expected = math.log(2) - entropy
    value = losses.jensen_shannon_divergence(teacher, student)
    np.testing.assert_allclose(value, [expected], rtol=1e-12)
    binary = losses.binary_jensen_shannon_divergence(
        np.log([[3.0]]), np.log([[1 / 3.0]])
    )
    np.testing.assert_allclose(binary, [expected], rtol=1e-12)


def test_jensen_shannon_is_at_most_log_2():
    value = losses.jensen_shannon_divergence(
        np.array([[0.0, 900.0]]), np.array([[900.0, 0.0]])
    )
    np.testing.assert_allclose(value, [math.log(2)], rtol=1e-12)


def test_logit_mse_by_hand():
    # (1 + 1 + 1) / 3 and (1 + 1 + 16) / 3.
    np.testing.assert_allclose(losses.logit_mse(TEACHER, STUDENT), [1.0, 6.0])
    np.testing.assert_allclose(losses.logit_mse(TEACHER, STUDENT, 2.0), [0.25, 1.5])


@pytest.mark.parametrize(
    "labels",
    [np.array([2, 0]), np.array([[2], [0]]), np.eye(3)[[2, 0]]],
    ids=["sparse", "sparse column", "one-hot"],
)
def test_decoupled_reproduces_kl(labels):
    # Zhao et al., eq. 6: KL = TCKD + (1 - p of the target) * NCKD.
    p = softmax(TEACHER / 2.0, -1)[[0, 1], [2, 0]]
    target = losses.decoupled(TEACHER, STUDENT, 2.0, labels, 1.0, 0.0)
    non_target = losses.decoupled(TEACHER, STUDENT, 2.0, labels, 0.0, 1.0)
    np.testing.assert_allclose(
        target + (1 - p) * non_target, kl_in_numpy(TEACHER, STUDENT, 2.0), rtol=1e-10
    )


def test_decoupled_by_hand():
    # Probabilities .5/.3/.2 and .2/.4/.4, label 0: target .5/.5 against .2/.8,
    # others .6/.4 against .5/.5.
    teacher, student = np.log([[0.5, 0.3, 0.2]]), np.log([[0.2, 0.4, 0.4]])
    target = 0.5 * math.log(2.5) + 0.5 * math.log(0.625)
    others = 0.6 * math.log(1.2) + 0.4 * math.log(0.8)
    value = losses.decoupled(teacher, student, 1.0, np.array([0]))
    np.testing.assert_allclose(value, [target + 8 * others], rtol=1e-10)


def test_decoupled_warmup_grows_linearly():
    loss = losses.DecoupledLoss(warmup_steps=4)
    assert [float(loss.warmup(step)) for step in (0, 1, 4, 9)] == [0, 0.25, 1, 1]


def test_dist_against_scipy():
    teacher = np.vstack([TEACHER, [[0.0, 1, -1]]])
    student = np.vstack([STUDENT, [[1.0, 0, 0]]])
    p, q = softmax(teacher / 2, -1), softmax(student / 2, -1)
    inter = [1 - pearsonr(p[i], q[i])[0] for i in range(3)]
    intra = np.mean([1 - pearsonr(p[:, c], q[:, c])[0] for c in range(3)])
    value = losses.dist(teacher, student, 2.0)
    np.testing.assert_allclose(value, np.array(inter) + intra, rtol=1e-6)


def test_dist_without_weight_is_absent():
    teacher = np.array([[1.0, 2, 3], [4, 1, 0], [9, -9, 0]])
    student = np.array([[2.0, 1, 4], [3, 6, 2], [0, -9, 9]])
    value = losses.dist(teacher, student, 1.0, weights=np.array([1.0, 1, 0]))
    np.testing.assert_allclose(
        value[:2], losses.dist(teacher[:2], student[:2]), rtol=1e-10
    )


@pytest.mark.parametrize(
    ("tail", "expected"), [("uniform", 0.445846), ("renormalize", 1.386294)]
)
def test_top_1_cache_reference_case_7(tail, expected):
    logits = losses.expand_top_k(np.array([[0.7]]), np.array([[0]]), 4, tail)
    value = losses.kl_divergence(logits, np.zeros((1, 4)))
    np.testing.assert_allclose(value, [expected], atol=1e-6)


def test_full_cache_is_exact():
    probabilities = np.array([[0.2, 0.7, 0.04, 0.06]])
    classes = np.array([[1, 0, 3, 2]])
    logits = losses.expand_top_k(probabilities, classes, 4)
    value = losses.kl_divergence(logits, np.zeros((1, 4)))
    np.testing.assert_allclose(value, [0.517175], atol=1e-6)
    np.testing.assert_allclose(softmax(logits), [[0.7, 0.2, 0.06, 0.04]], rtol=1e-6)


def test_top_k_refuses_another_tail():
    with pytest.raises(ValueError, match="`tail` must be 'uniform' or 'renormalize'"):
        losses.expand_top_k(np.array([[0.7]]), np.array([[0]]), 4, "zero")


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


@pytest.mark.parametrize(
    "settings_object",
    [
        losses.DecoupledLoss(2.0, 4.0, 10),
        losses.DistLoss(2.0, 3.0),
        losses.FeatureHint("a/b", "c", "cosine", 2.0, 1, "n"),
    ],
    ids=["decoupled", "dist", "hint"],
)
def test_settings_survive_serialization(settings_object):
    config = keras.saving.serialize_keras_object(settings_object)
    restored = keras.saving.deserialize_keras_object(config)
    assert type(restored) is type(settings_object)
    assert restored.get_config() == settings_object.get_config()


logits = hnp.arrays(np.float64, (4, 3), elements=st.floats(-20, 20))
temperatures = st.floats(0.5, 20)
PER_EXAMPLE = [
    losses.kl_divergence,
    losses.jensen_shannon_divergence,
    losses.standardized_kl_divergence,
    losses.binary_kl_divergence,
    losses.logit_mse,
]
quick = settings(max_examples=30, deadline=None)


@quick
@given(logits, logits, temperatures)
def test_kl_equals_numpy(teacher, student, temperature):
    np.testing.assert_allclose(
        losses.kl_divergence(teacher, student, temperature),
        kl_in_numpy(teacher, student, temperature),
        rtol=1e-9,
        atol=1e-12,
    )


@quick
@given(logits, logits, temperatures)
def test_jensen_shannon_equals_numpy(teacher, student, temperature):
    p, q = softmax(teacher / temperature, -1), softmax(student / temperature, -1)
    expected = (rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)).sum(-1) / 2
    np.testing.assert_allclose(
        losses.jensen_shannon_divergence(teacher, student, temperature),
        expected,
        rtol=1e-9,
        atol=1e-12,
    )


@quick
@given(logits, logits, temperatures, st.floats(-50, 50), st.floats(-50, 50))
def test_softmax_losses_ignore_shifts(teacher, student, temperature, a, b):
    for loss in PER_EXAMPLE[:3]:
        if loss is losses.standardized_kl_divergence and (
            np.ptp(teacher, -1).min() < 0.1 or np.ptp(student, -1).min() < 0.1
        ):
            continue
        np.testing.assert_allclose(
            loss(teacher + a, student + b, temperature),
            loss(teacher, student, temperature),
            rtol=1e-6,
            atol=1e-9,
        )


@quick
@given(logits, logits, temperatures, st.permutations(range(4)))
def test_losses_follow_permutations_of_the_batch(teacher, student, temperature, order):
    order = np.array(order)
    for loss in [*PER_EXAMPLE, losses.dist]:
        np.testing.assert_allclose(
            loss(teacher[order], student[order], temperature),
            np.array(loss(teacher, student, temperature))[order],
            rtol=1e-7,
            atol=1e-9,
        )


@quick
@given(logits, logits, temperatures)
def test_gradient_times_squared_temperature(teacher, student, temperature):
    # d KL / dz = (q - p) / T.
    variable = tf.constant(student)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = temperature**2 * losses.kl_divergence(teacher, variable, temperature)
    p = np.exp(log_softmax(teacher / temperature, -1))
    q = np.exp(log_softmax(student / temperature, -1))
    np.testing.assert_allclose(
        tape.gradient(value, variable), temperature * (q - p), rtol=1e-6, atol=1e-9
    )


@quick
@given(logits, logits)
def test_kl_tends_to_the_squared_distance_of_centred_logits(teacher, student):
    difference = (teacher - student) - (teacher - student).mean(-1, keepdims=True)
    np.testing.assert_allclose(
        1e8 * np.array(losses.kl_divergence(teacher, student, 1e4)),
        (difference**2).sum(-1) / 6,
        rtol=1e-2,
        atol=1e-4,
    )
