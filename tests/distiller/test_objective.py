"""The total loss as the sum of its parts, by hand."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distiller.added import AddedParts
from kd_keras.distiller.batch import Batch, Mean
from kd_keras.distiller.features import HintParts
from kd_keras.distiller.hard import HardPart
from kd_keras.distiller.objective import regularization_part, total_loss
from kd_keras.distiller.outputs import Targets
from kd_keras.distiller.reduction import Term
from kd_keras.distiller.soft import SoftPart

BATCH = Batch([], Targets(None), regularization=[tf.constant([1.0, 2.0]), 0.25])


def term(total, divisor, entries):
    return Term(tf.convert_to_tensor(total), divisor, entries)


def test_means_are_multiplied_and_summed():
    def one(batch):
        assert batch is BATCH
        return [
            Mean("a", 2.0, 0.5, term(6.0, 3.0, 3.0)),
            Mean("a", 3.0, 0.25, term(20.0, 5.0, 4.0)),
        ]

    def other(batch):
        return [Mean("b", 1.0, 0.0, term(1.0, 4.0, 4.0))]

    share, loss, logs = total_loss([one, other, regularization_part], BATCH)
    # Means 2, 4 and 1/4; and the sums of what the layers add.
    assert float(loss) == 2 * 0.5 * 2 + 3 * 0.25 * 4 + 3 + 0.25
    # On one replica its share is all.
    assert float(share) == float(loss)
    found = {name: [float(v) for v in value] for name, value in logs.items()}
    # Of one name values and entries add up; a coefficient is the loss' alone.
    assert found == {"a": [2 * 2 + 3 * 4, 7], "b": [0.25, 4]}


def test_gradients_flow_through_the_share():
    x = tf.Variable([1.0, 3.0])
    with tf.GradientTape() as tape:
        mean = Mean("a", 2.0, 0.5, term(tf.reduce_sum(x**2), 4.0, 4.0))
        share, _, _ = total_loss([lambda batch: [mean]], BATCH)
    np.testing.assert_allclose(tape.gradient(share, x), [0.5, 1.5])


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (SoftPart("kl", None, "losses", True, None), "combination"),
        (HardPart("mse", None), "loss"),
        (HintParts([], []), "hints"),
        (AddedParts([], None, "losses", None), "parts"),
    ],
    ids=["soft", "hard", "hints", "added"],
)
def test_a_part_does_not_change(part, name):
    # A traced step holds its settings: what is changed later would not count.
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(part, name, None)
