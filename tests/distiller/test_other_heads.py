"""Outputs of the student without a head are not distilled, and need no teacher."""

import keras
import numpy as np
import pytest
from cases import LABELS, SPARSE, STUDENT, X, linear, reads_teacher
from scipy.special import log_softmax

from kd_keras.distiller import Distiller

ALPHA = 0.25
HARD = -log_softmax(STUDENT, -1)[[0, 1], LABELS].mean()
# Case 1 at T=3.
SOFT = 1.346688
HEADS = {"class": "softmax", "value": None, "pair": None}


def student():
    """Reads the logits of "class" from x, and predicts 0 elsewhere."""
    inputs = keras.Input((6,))
    zeros = {"kernel_initializer": "zeros"}
    outputs = {
        "class": linear(np.eye(6, 3, -3))(inputs),
        "value": keras.layers.Dense(1, **zeros)(inputs),
        "pair": keras.layers.Dense(2, **zeros)(inputs),
    }
    return keras.Model(inputs, outputs)


def named_teacher():
    inputs = keras.Input((6,))
    return keras.Model(inputs, {"logits": reads_teacher()(inputs)})


def loss_of(teacher, y, loss, head=HEADS):
    distiller = Distiller(
        student=student(), teacher=teacher, temperature=3, alpha=ALPHA, head=head
    )
    distiller.compile(keras.optimizers.SGD(0.0), loss)
    logs = distiller.fit(X, y, verbose=0).history
    assert logs["soft_loss"] == [pytest.approx(SOFT, abs=1e-5)]
    # The teacher predicts class 2 twice, the student 2 and 1.
    assert logs["agreement"] == [0.5]
    return logs["loss"][0]


@pytest.mark.parametrize("make", [reads_teacher, named_teacher])
def test_a_teacher_with_one_output(make):
    loss = loss_of(make(), {"class": LABELS}, {"class": SPARSE})
    assert loss == pytest.approx((1 - ALPHA) * HARD + ALPHA * SOFT, rel=1e-5)


def test_heads_in_the_order_of_the_outputs():
    heads = [HEADS[name] for name in sorted(HEADS)]
    assert heads == ["softmax", None, None]
    loss = loss_of(reads_teacher(), {"class": LABELS}, {"class": SPARSE}, heads)
    assert loss == pytest.approx((1 - ALPHA) * HARD + ALPHA * SOFT, rel=1e-5)


def test_logits_of_one_output_from_the_data():
    y = {"labels": {"class": LABELS}, "teacher_logits": X[:, :3]}
    loss = loss_of(None, y, {"class": SPARSE})
    assert loss == pytest.approx((1 - ALPHA) * HARD + ALPHA * SOFT, rel=1e-5)


def test_outputs_without_a_head_have_their_hard_loss():
    labels = {"class": LABELS, "value": np.array([1.0, 3.0]), "pair": np.zeros(2)}
    losses = {"class": SPARSE, "value": "mse", "pair": None}
    # Squared error of a prediction of 0: (1 + 9) / 2.
    expected = (1 - ALPHA) * (HARD + 5) + ALPHA * SOFT
    loss = loss_of(reads_teacher(), labels, losses)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_a_teacher_that_lacks_a_distilled_output_is_refused():
    distiller = Distiller(
        student=student(), teacher=reads_teacher(), head=HEADS | {"pair": "softmax"}
    )
    distiller.compile("sgd", {"class": SPARSE})
    with pytest.raises(
        ValueError, match=r"`teacher` must have .*\['class', 'pair'\].* 1 output"
    ):
        distiller.fit(X, {"class": LABELS}, verbose=0)
