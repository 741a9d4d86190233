"""A model in two parts gives what it gives as a whole."""

import keras
import numpy as np
import pytest

from kd_keras import Distiller
from kd_keras.distiller.heads import split, split_if_possible

IDS = np.random.default_rng(0).integers(0, 11, (2, 5))


def test_a_causal_language_model_of_keras_hub():
    import keras_hub

    backbone = keras_hub.models.LlamaBackbone(11, 1, 2, 8, 12, 1)
    model = keras_hub.models.LlamaCausalLM(backbone)
    padding = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    x = {"token_ids": IDS, "padding_mask": padding}
    parts = split(model, "student")
    states = parts.hidden(x)
    assert states.shape == (2, 5, 8)
    logits = parts.head.logits(states, parts.head.values())
    np.testing.assert_allclose(logits, model(x), rtol=1e-5, atol=1e-6)
    losses = []
    for chunk in (None, 2):
        distiller = Distiller(student=model, teacher=model, alpha=0.5, time_chunk=chunk)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        distiller.compile("sgd", loss, run_eagerly=True)
        y = {"labels": IDS, "loss_mask": padding}
        losses.append(distiller.test_on_batch(x, y, return_dict=True))
    assert losses[0]["hard_loss"] > 1
    assert losses[0]["soft_loss"] == pytest.approx(0, abs=1e-6)
    assert losses[1] == pytest.approx(losses[0], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("last", "received"),
    [
        (keras.layers.Dense(3, "relu"), "applies relu"),
        (keras.layers.Dense(3, activity_regularizer="l2"), "an activity regularizer"),
        (keras.layers.Rescaling(2.0), "a Rescaling as last layer"),
    ],
)
def test_what_cannot_be_cut_is_named(last, received):
    model = keras.Sequential([keras.Input((4, 2)), last], name="lm")
    assert split_if_possible(model) is None
    with pytest.raises(
        ValueError, match=rf"`teacher` must be .*'lm' with .*{received}"
    ):
        split(model, "teacher")
    outputs = keras.Input((2,))
    two = keras.Model(outputs, [outputs, outputs])
    with pytest.raises(ValueError, match="2 known outputs"):
        split(two, "teacher")
