"""What a model itself says of its scores."""

from typing import Any, NamedTuple, get_args

import keras

from kd_keras.distiller.hard import what_a_loss_reads
from kd_keras.distiller.settings import output_activations
from kd_keras.distiller.student import StudentTrainer
from kd_keras.fairness.hard_predictions import Scores


class Known(NamedTuple):
    """What a model itself says of its scores.

    Attributes:
      scores: what they are.
      where: what says so.
      certain: whether the caller cannot know better.
    """

    scores: Scores
    where: str
    certain: bool = True


def of_keras(model: keras.layers.Layer) -> Known | None:
    """What a Keras model's scores are, and what says so; None if nothing does."""
    if isinstance(model, StudentTrainer):
        return Known("logits", "the Distiller, whose student gives them,")
    for name, activation in output_activations(model):
        if activation in ("softmax", "sigmoid"):
            where = f"its output layer {name!r} ({activation})"
            return Known("probabilities", where)
    loss = getattr(model, "loss", None)
    if loss is None or isinstance(loss, dict | list):
        return None
    reads = what_a_loss_reads(loss)
    if reads is None:
        return None
    kind: Scores = "probabilities" if reads == "probabilities" else "logits"
    return Known(kind, "the loss that it was compiled with", certain=False)


def of_signature(outputs: Any) -> Known | None:
    """What a SavedModel's scores are, by the name of the signature's output."""
    kinds: tuple[Scores, ...] = get_args(Scores)
    for kind in kinds:
        if list(outputs) == [kind]:
            return Known(kind, "the name of its signature's output")
    return None
