"""Logits, and the divergences of the published formulas in NumPy."""

import math

import numpy as np
from keras import ops
from scipy.special import log_softmax, rel_entr, softmax

from kd_keras import losses

# Reference case 1.
TEACHER = np.array([[1.0, 2, 3], [4, 5, 6]])
STUDENT = np.array([[2.0, 1, 4], [3, 6, 2]])

# Logits `[batch, time, classes]`, with labels.
SHAPE = (4, 3, 5)  # Three different sizes: an axis taken for another one is seen.
RNG = np.random.default_rng(0)
TEACHERS, STUDENTS = RNG.normal(size=(2, *SHAPE)) * 3
LABELS = RNG.integers(0, SHAPE[-1], SHAPE[:-1])
TEMPERATURE = 2.0


def kl_in_numpy(teacher, student, temperature):
    p = softmax(teacher / temperature, -1)
    return rel_entr(p, softmax(student / temperature, -1)).sum(-1)


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


def inputs(weights=None):
    """What a part of the loss is given."""
    return losses.LossInputs(
        student=ops.convert_to_tensor(STUDENTS),
        teacher=ops.convert_to_tensor(TEACHERS),
        labels=LABELS,
        temperature=ops.convert_to_tensor(TEMPERATURE, "float64"),
        weights=weights,
    )
