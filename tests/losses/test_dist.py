"""Pearson distances against SciPy and the published equations in NumPy."""

import math

import numpy as np
from loss_cases import (
    RNG,
    SHAPE,
    STUDENT,
    STUDENTS,
    TEACHER,
    TEACHERS,
    TEMPERATURE,
    inputs,
    soft,
)
from scipy.special import softmax
from scipy.stats import pearsonr

from kd_keras import losses


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


def pearson(x, y, weights):
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    covariance = np.sum(weights * x * y)
    return covariance / math.sqrt(np.sum(weights * x**2) * np.sum(weights * y**2))


def dist(inter_weight, intra_weight, weights):
    """Huang et al. 2022, equations 8 to 11, with weights in the intra-class term."""
    p, q = np.exp(soft(TEACHERS)), np.exp(soft(STUDENTS))
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
    found = losses.dist(TEACHERS, STUDENTS, TEMPERATURE, weights, 0.5, 2.0)
    np.testing.assert_allclose(found, dist(0.5, 2.0, weights), rtol=1e-8)
    settings = losses.DistLoss(0.5, 2.0)
    # Rows of one class are compared with each other.
    assert settings.whole_batch is True
    of_object = settings(inputs(weights))
    np.testing.assert_allclose(of_object, dist(0.5, 2.0, weights), rtol=1e-8)


def test_dist_has_the_paper_s_weights():
    # beta = gamma = 1 (Huang et al. 2022, section 4.1 leaves the balance to alpha).
    expected = dist(1.0, 1.0, np.ones(SHAPE[:-1]))
    found = losses.dist(TEACHERS, STUDENTS, TEMPERATURE)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    for loss in (losses.DistLoss(), losses.SOFTMAX_LOSSES["dist"]):
        of_object = loss(inputs(np.ones(SHAPE[:-1])))
        np.testing.assert_allclose(of_object, expected, rtol=1e-8)


def test_dist_of_rows_with_small_weights():
    # Weights matter by their ratio alone.
    weights = RNG.uniform(0.2, 3.0, SHAPE[:-1])
    found = losses.dist(TEACHERS, STUDENTS, TEMPERATURE, 0.01 * weights)
    np.testing.assert_allclose(found, dist(1.0, 1.0, weights), rtol=1e-6)
