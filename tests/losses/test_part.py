"""What every part of the loss has."""

import keras
import pytest

from kd_keras import losses


@pytest.mark.parametrize(
    ("part", "config"),
    [
        (
            losses.DecoupledLoss(2.0, 4.0, 10, name="d", weight=0.5),
            {
                "name": "d",
                "weight": 0.5,
                "target_weight": 2.0,
                "non_target_weight": 4.0,
                "warmup_steps": 10,
            },
        ),
        (
            losses.DistLoss(2.0, 3.0, name="d", weight=0.5),
            {"name": "d", "weight": 0.5, "inter_weight": 2.0, "intra_weight": 3.0},
        ),
        (
            losses.FeatureHint("a/b", "c", "cosine", 2.0, 1, "n"),
            {
                "name": "n",
                "weight": 2.0,
                "teacher_layer": "a/b",
                "student_layer": "c",
                "loss": "cosine",
                "teacher_index": 1,
            },
        ),
    ],
    ids=["decoupled", "dist", "hint"],
)
def test_settings_survive_serialization(part, config):
    assert part.get_config() == config
    serialized = keras.saving.serialize_keras_object(part)
    # Under the name that earlier files have.
    assert serialized["registered_name"] == f"kd_keras>{type(part).__name__}"
    restored = keras.saving.deserialize_keras_object(serialized)
    assert type(restored) is type(part)
    assert {name: getattr(restored, name) for name in config} == config


def test_what_a_part_is_by_default():
    part = losses.LossPart()
    assert (part.name, part.weight) == ("LossPart", 1.0)
    assert (part.heads, part.needs) == (("softmax", "sigmoid"), ("teacher",))
    assert (part.whole_batch, part.uses_temperature) == (False, True)
    assert part.has_hard_loss is False
    assert (list(part.variables), part.warmup(7)) == ([], 1.0)
    inputs = losses.LossInputs(student=None)
    assert (inputs.weights, inputs.training) == (None, False)


@pytest.mark.parametrize("weight", [-0.5, float("nan")])
def test_a_weight_is_no_less_than_0(weight):
    with pytest.raises(ValueError, match="`weight` of a LossPart must be at least 0"):
        losses.LossPart(weight=weight)
    assert losses.LossPart(weight=0).weight == 0


def test_a_part_needs_what_there_is():
    class Asking(losses.LossPart):
        needs = ("teacher", "embeddings")

    message = r"`needs` of a Asking may name .* Received: \['embeddings'\]"
    with pytest.raises(ValueError, match=message):
        Asking()
