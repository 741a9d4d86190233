"""The two terms of decoupled distillation, written out and by hand."""

import math

import numpy as np
import pytest
from loss_cases import (
    LABELS,
    SHAPE,
    STUDENT,
    STUDENTS,
    TEACHER,
    TEACHERS,
    TEMPERATURE,
    inputs,
    kl,
    kl_in_numpy,
)
from scipy.special import log_softmax, softmax

from kd_keras import losses


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


def decoupled(target_weight, non_target_weight):
    """Zhao et al. 2022, equation 7, written out."""
    found = np.zeros(SHAPE[:-1])
    for index in np.ndindex(*SHAPE[:-1]):
        t, s = (x[index] / TEMPERATURE for x in (TEACHERS, STUDENTS))
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
    found = losses.decoupled(TEACHERS, STUDENTS, TEMPERATURE, labels, 0.7, 3.0)
    np.testing.assert_allclose(found, decoupled(0.7, 3.0), rtol=1e-6)


def test_decoupled_has_the_paper_s_weights():
    # alpha 1 and beta 8 (Zhao et al. 2022, section 5).
    found = losses.decoupled(TEACHERS, STUDENTS, TEMPERATURE, LABELS)
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
