"""Invariants of the terms of the loss for any logits and weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kd_keras.distiller.outputs import make_output
from kd_keras.distiller.soft import resolve_soft_loss, soft_term

logits = hnp.arrays(np.float32, (4, 3), elements=st.floats(-8, 8, width=32))
weights = hnp.arrays(np.float32, (4,), elements=st.floats(0, 4, width=32))
NAMES = ["kl", "jensen_shannon", "logit_mse", "decoupled"]
LABELS = np.array([0, 2, 1, 0])
quick = settings(max_examples=15, deadline=None)


def total(name, teacher, student, labels, weight):
    output = make_output("a", "softmax", [teacher], student, labels, weight, None)
    loss = resolve_soft_loss(name, "softmax")
    return float(soft_term(output, loss, np.float32(2.0)).total)


@pytest.mark.parametrize("name", NAMES)
@quick
@given(teacher=logits, student=logits, weight=weights)
def test_zero_weight_is_absent(name, teacher, student, weight):
    weight[1] = 0
    rest = [0, 2, 3]
    broken = student.copy()
    broken[1] = np.inf
    expected = total(name, teacher[rest], student[rest], LABELS[rest], weight[rest])
    assert total(name, teacher, broken, LABELS, weight) == pytest.approx(
        expected, rel=1e-5, abs=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
@quick
@given(teacher=logits, student=logits, weight=weights, order=st.permutations(range(4)))
def test_order_of_the_batch_does_not_matter(name, teacher, student, weight, order):
    rows = np.array(order)
    expected = total(name, teacher, student, LABELS, weight)
    permuted = total(name, teacher[rows], student[rows], LABELS[rows], weight[rows])
    assert permuted == pytest.approx(expected, rel=1e-5, abs=1e-5)
