"""Squared distances between logits by hand."""

import numpy as np
from loss_cases import (
    STUDENT,
    STUDENTS,
    TEACHER,
    TEACHERS,
    TEMPERATURE,
)

from kd_keras import losses


def test_logit_mse_by_hand():
    # (1 + 1 + 1) / 3 and (1 + 1 + 16) / 3.
    np.testing.assert_allclose(losses.logit_mse(TEACHER, STUDENT), [1.0, 6.0])
    np.testing.assert_allclose(losses.logit_mse(TEACHER, STUDENT, 2.0), [0.25, 1.5])


def test_logit_mse_is_the_mean_over_classes_of_softened_logits():
    expected = np.mean(((TEACHERS - STUDENTS) / TEMPERATURE) ** 2, -1)
    found = losses.logit_mse(TEACHERS, STUDENTS, TEMPERATURE)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
