"""Losses on logits `[batch, time, classes]`, with weights that are not equal.

The expected numbers are the published formulas, computed in NumPy.
"""

import math

import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax, logsumexp, rel_entr, softmax

from kd_keras import losses
from kd_keras.losses import _numerics

SHAPE = (4, 3, 5)  # Three different sizes: an axis taken for another one is seen.
RNG = np.random.default_rng(0)
TEACHER, STUDENT = RNG.normal(size=(2, *SHAPE)) * 3
LABELS = RNG.integers(0, SHAPE[-1], SHAPE[:-1])
TEMPERATURE = 2.0


def kl(log_p, log_q):
    return rel_entr(np.exp(log_p), np.exp(log_q)).sum(-1)


def soft(logits, temperature=TEMPERATURE):
    return log_softmax(logits / temperature, -1)


def jensen_shannon(teacher, student):
    mixture = np.logaddexp(teacher, student) - math.log(2)
    return (kl(teacher, mixture) + kl(student, mixture)) / 2


def bernoulli(logits):
    """log P of 0 and 1, `[..., 2]`."""
    return log_softmax(np.stack([0 * logits, logits / TEMPERATURE], -1), -1)


def standardized(logits):
    deviation = logits - logits.mean(-1, keepdims=True)
    return deviation / logits.std(-1, keepdims=True)


EXPECTED = {
    losses.kl_divergence: kl(soft(TEACHER), soft(STUDENT)),
    losses.jensen_shannon_divergence: jensen_shannon(soft(TEACHER), soft(STUDENT)),
    losses.standardized_kl_divergence: kl(
        soft(standardized(TEACHER)), soft(standardized(STUDENT))
    ),
    losses.binary_kl_divergence: kl(bernoulli(TEACHER), bernoulli(STUDENT)).mean(-1),
    losses.binary_jensen_shannon_divergence: jensen_shannon(
        bernoulli(TEACHER), bernoulli(STUDENT)
    ).mean(-1),
}


@pytest.mark.parametrize("loss", EXPECTED, ids=lambda loss: loss.__name__)
def test_a_loss_is_of_the_last_axis(loss):
    found = loss(TEACHER, STUDENT, TEMPERATURE)
    np.testing.assert_allclose(found, EXPECTED[loss], rtol=1e-9)


@pytest.mark.parametrize("loss", EXPECTED, ids=lambda loss: loss.__name__)
def test_a_temperature_may_be_that_of_the_example(loss):
    temperatures = np.array([1.0, 2.0, 5.0, 10.0])
    found = loss(TEACHER, STUDENT, temperatures)
    for example, temperature in enumerate(temperatures):
        alone = loss(TEACHER[example][None], STUDENT[example][None], temperature)
        np.testing.assert_allclose(found[example], alone[0], rtol=1e-9)


def test_logit_mse_is_the_mean_over_classes_of_softened_logits():
    expected = np.mean(((TEACHER - STUDENT) / TEMPERATURE) ** 2, -1)
    found = losses.logit_mse(TEACHER, STUDENT, TEMPERATURE)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def inputs(weights=None):
    """What a part of the loss is given."""
    return losses.LossInputs(
        student=ops.convert_to_tensor(STUDENT),
        teacher=ops.convert_to_tensor(TEACHER),
        labels=LABELS,
        temperature=ops.convert_to_tensor(TEMPERATURE, "float64"),
        weights=weights,
    )


def decoupled(target_weight, non_target_weight):
    """Zhao et al. 2022, equation 7, written out."""
    found = np.zeros(SHAPE[:-1])
    for index in np.ndindex(*SHAPE[:-1]):
        t, s = (x[index] / TEMPERATURE for x in (TEACHER, STUDENT))
        label = LABELS[index]
        others = np.delete(np.arange(SHAPE[-1]), label)
        b_t, b_s = (softmax(x)[label] for x in (t, s))
        target = b_t * math.log(b_t / b_s)
        target += (1 - b_t) * math.log((1 - b_t) / (1 - b_s))
        non_target = kl(log_softmax(t[others]), log_softmax(s[others]))
        found[index] = target_weight * target + non_target_weight * non_target
    return found


@pytest.mark.parametrize("form", ["ids", "column", "one_hot"])
def test_decoupled_takes_labels_of_every_form(form):
    labels = {
        "ids": LABELS,
        "column": LABELS[..., None],
        "one_hot": np.eye(SHAPE[-1])[LABELS],
    }[form]
    found = losses.decoupled(TEACHER, STUDENT, TEMPERATURE, labels, 0.7, 3.0)
    np.testing.assert_allclose(found, decoupled(0.7, 3.0), rtol=1e-6)


def test_decoupled_has_the_paper_s_weights():
    # alpha 1 and beta 8 (Zhao et al. 2022, section 5).
    found = losses.decoupled(TEACHER, STUDENT, TEMPERATURE, LABELS)
    np.testing.assert_allclose(found, decoupled(1.0, 8.0), rtol=1e-6)
    for settings in (losses.DecoupledLoss(), losses.SOFTMAX_LOSSES["decoupled"]):
        of_object = settings(inputs())
        np.testing.assert_allclose(of_object, found, rtol=1e-12)
        assert settings.warmup(0) == settings.warmup(9) == 1.0
    settings = losses.DecoupledLoss(0.7, 3.0)
    np.testing.assert_allclose(settings(inputs()), decoupled(0.7, 3.0), rtol=1e-6)


def test_decoupled_of_two_classes_far_apart():
    # Of two classes one is left without the target: nothing to rank.
    teacher, student = np.array([[40.0, 0.0]]), np.array([[0.0, 40.0]])
    found = losses.decoupled(teacher, student, 1.0, np.array([0]))
    # KL of (1, 0) from (exp(-40), 1), to rounding.
    np.testing.assert_allclose(found, [40.0], rtol=1e-9)


def pearson(x, y, weights):
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    covariance = np.sum(weights * x * y)
    return covariance / math.sqrt(np.sum(weights * x**2) * np.sum(weights * y**2))


def dist(inter_weight, intra_weight, weights):
    """Huang et al. 2022, equations 8 to 11, with weights in the intra-class term."""
    p, q = np.exp(soft(TEACHER)), np.exp(soft(STUDENT))
    ones = np.ones(SHAPE[-1])
    inter = [
        [1 - pearson(a, b, ones) for a, b in zip(*r, strict=True)]
        for r in zip(p, q, strict=True)
    ]
    flat = weights.reshape(-1)
    classes = [
        pearson(p[..., c].reshape(-1), q[..., c].reshape(-1), flat)
        for c in range(SHAPE[-1])
    ]
    return inter_weight * np.array(inter) + intra_weight * (1 - np.mean(classes))


def test_dist_weights_rows_and_terms():
    weights = RNG.uniform(0.2, 3.0, SHAPE[:-1])
    found = losses.dist(TEACHER, STUDENT, TEMPERATURE, weights, 0.5, 2.0)
    np.testing.assert_allclose(found, dist(0.5, 2.0, weights), rtol=1e-8)
    settings = losses.DistLoss(0.5, 2.0)
    of_object = settings(inputs(weights))
    np.testing.assert_allclose(of_object, dist(0.5, 2.0, weights), rtol=1e-8)


def test_dist_has_the_paper_s_weights():
    # beta = gamma = 1 (Huang et al. 2022, section 4.1 leaves the balance to alpha).
    expected = dist(1.0, 1.0, np.ones(SHAPE[:-1]))
    found = losses.dist(TEACHER, STUDENT, TEMPERATURE)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    for loss in (losses.DistLoss(), losses.SOFTMAX_LOSSES["dist"]):
        of_object = loss(inputs(np.ones(SHAPE[:-1])))
        np.testing.assert_allclose(of_object, expected, rtol=1e-8)


def test_dist_of_rows_with_small_weights():
    # Weights matter by their ratio alone.
    weights = RNG.uniform(0.2, 3.0, SHAPE[:-1])
    found = losses.dist(TEACHER, STUDENT, TEMPERATURE, 0.01 * weights)
    np.testing.assert_allclose(found, dist(1.0, 1.0, weights), rtol=1e-6)


def test_a_root_of_nothing_is_zero():
    found = _numerics.safe_rsqrt(np.array([0.0, 1e-13, 0.25, 4.0]))
    np.testing.assert_allclose(found, [0.0, 0.0, 2.0, 0.5], rtol=1e-12)


def test_feature_distances_are_of_the_last_axis():
    np.testing.assert_allclose(
        losses.feature_mse(TEACHER, STUDENT), ((TEACHER - STUDENT) ** 2).mean(-1)
    )
    norms = np.linalg.norm(TEACHER, axis=-1) * np.linalg.norm(STUDENT, axis=-1)
    np.testing.assert_allclose(
        losses.feature_cosine(TEACHER, STUDENT),
        1 - (TEACHER * STUDENT).sum(-1) / norms,
        rtol=1e-9,
    )


def test_attention_transfer_is_of_all_positions():
    maps = [(x**2).sum(-1).reshape(SHAPE[0], -1) for x in (TEACHER, STUDENT[..., :2])]
    unit = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in maps]
    found = losses.attention_transfer(TEACHER, STUDENT[..., :2])
    np.testing.assert_allclose(found, ((unit[0] - unit[1]) ** 2).mean(1), rtol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_relational_distance_has_a_linear_and_a_squared_part(scale):
    # Park et al. 2019, equations 4 to 7, in loops; one student is far from the rest.
    student = STUDENT.copy()
    student[0] += 40.0
    weights = scale * np.array([0.5, 1.0, 2.0, 3.0])

    def relative(features):
        rows = features.reshape(len(features), -1)
        distances = np.array([[np.linalg.norm(a - b) for b in rows] for a in rows])
        pairs = np.outer(weights, weights) * (1 - np.eye(len(rows)))
        return distances / (np.sum(pairs * distances) / np.sum(pairs))

    error = abs(relative(TEACHER) - relative(student))
    assert (error > 1).any()
    assert (error[error > 0] < 1).any()
    huber = np.where(error < 1, error**2 / 2, error - 0.5)
    found = losses.relational_distance(TEACHER, student, weights)
    np.testing.assert_allclose(
        found, (huber * weights).sum(1) / weights.sum(), rtol=1e-8
    )


@pytest.mark.parametrize("tail", ["uniform", "renormalize"])
def test_expand_top_k_of_sequences(tail):
    probabilities = softmax(TEACHER, -1)
    classes = np.argsort(-probabilities, -1)[..., :2]
    kept = np.take_along_axis(probabilities, classes, -1)
    expected = np.zeros(SHAPE)
    for index in np.ndindex(*SHAPE[:-1]):
        rest = (1 - kept[index].sum()) / (SHAPE[-1] - 2)
        expected[index] = rest if tail == "uniform" else 0
        scale = 1 if tail == "uniform" else kept[index].sum()
        expected[index][classes[index]] = kept[index] / scale
    found = losses.expand_top_k(kept, classes, SHAPE[-1], tail)
    np.testing.assert_allclose(np.exp(found), expected, atol=1e-9)
    np.testing.assert_allclose(logsumexp(found, -1), np.zeros(SHAPE[:-1]), atol=1e-9)


def test_feature_hint_has_defaults_that_its_page_names():
    hint = losses.FeatureHint("block3", "stage/block1")
    assert (hint.loss, hint.weight, hint.teacher_index) == ("mse", 1.0, 0)
    assert hint.name == "stage_block1_hint"
    assert losses.FeatureHint("a", "b", weight=0.0).weight == 0.0
