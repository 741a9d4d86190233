"""A batch as the parts of the loss see it, and what a part makes of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.combination import logits_from_probabilities
from kd_keras.distiller.outputs import (
    Output,
    Targets,
    align_rank,
    make_output,
    output_names,
    per_output,
)
from kd_keras.distiller.reduction import Term, count_valid
from kd_keras.keras_internals import mask_of, set_mask


class Schedule(NamedTuple):
    """The values of one step: temperature, alpha, and the optimizer's step."""

    temperature: tf.Tensor | float
    alpha: tf.Tensor | float
    step: tf.Tensor | int


class Batch(NamedTuple):
    """What the student and its teachers gave for a batch.

    Attributes:
      outputs: one `Output` per output of the student.
      targets: `Targets`, what the batch brings beside the inputs.
      schedule: `Schedule`.
      teacher_features: the teachers' side of each hint.
      student_features: the student's side of each hint.
      regularization: the losses that the student's layers add.
      training: whether the student is being trained.
    """

    outputs: list[Output]
    targets: Targets
    schedule: Schedule = Schedule(1.0, 0.0, 0)
    teacher_features: Sequence[tf.Tensor] = ()
    student_features: Sequence[tf.Tensor] = ()
    regularization: Sequence[tf.Tensor] = ()
    training: bool = False

    def per_output(self, value: Any, argument: str) -> list:
        """A value, shared or per output, as a list in the order of the outputs."""
        names = [output.name for output in self.outputs]
        return per_output(value, names, argument, shared=True)

    def scales(self, loss_weights: Any) -> list[float]:
        """The weight of each output, 1 where none is given."""
        weights = self.per_output(loss_weights, "loss_weights")
        return [1.0 if weight is None else weight for weight in weights]

    def entries(self) -> tf.Tensor:
        """Number of valid entries of all outputs, float32 scalar."""
        counts = [count_valid(o.student[..., 0], o.mask) for o in self.outputs]
        return sum(counts)


class Mean(NamedTuple):
    """One mean in the total loss.

    Attributes:
      name: what it adds to in the logs, or None.
      scale: factor in the logs and in the loss.
      coefficient: further factor in the loss.
      term: `Term`.
    """

    name: str | None
    scale: float
    coefficient: tf.Tensor | float
    term: Term


def align_outputs(
    student: keras.Model,
    head: Any,
    teacher_outputs: Any,
    y_pred: Any,
    teachers: Sequence[Any],
    targets: Targets,
) -> list[Output]:
    """Puts a batch into one flat list, one entry per output of the student.

    Args:
      student: the student, for the names of its outputs.
      head: heads of the outputs, as of the Distiller.
      teacher_outputs: what the teachers give, as of the Distiller.
      y_pred: outputs of the student.
      teachers: outputs of each teacher.
      targets: `Targets` of the batch.

    Returns:
      List of `Output`s.

    Raises:
      ValueError: if something does not match the student's outputs.
    """
    names = output_names(y_pred, student)
    heads = per_output(head, names, "head", shared=True)
    kind = teacher_outputs if targets.teacher_logits is None else "logits"
    kinds = per_output(kind, names, "teacher_outputs", shared=True)
    labels = per_output(targets.labels, names, "y")
    weights = per_output(targets.sample_weight, names, "sample_weight", shared=True)
    masks = per_output(targets.loss_mask, names, "loss_mask", shared=True)
    logits = [_teacher_logits(outputs, names, heads, kinds) for outputs in teachers]
    return [
        make_output(
            name,
            heads[i],
            [given[i] for given in logits] if heads[i] else [],
            prediction,
            labels[i],
            weights[i],
            both_masks(mask_of(prediction), masks[i]),
        )
        for i, (name, prediction) in enumerate(
            zip(names, keras.tree.flatten(y_pred), strict=True)
        )
    ]


def both_masks(one: Any, other: Any) -> Any:
    """Booleans that are True where both are; a mask that is None leaves all."""
    if one is None or other is None:
        return other if one is None else one
    rank = max(len(one.shape), len(other.shape))
    return ops.logical_and(
        align_rank(ops.cast(one, "bool"), rank),
        align_rank(ops.cast(other, "bool"), rank),
    )


def attach_masks(y_pred: Any, masks: Any, student: keras.Model) -> None:
    """Has compiled metrics leave out what the batch's "loss_mask" does."""
    if masks is None:
        return
    names = output_names(y_pred, student)
    masks = per_output(masks, names, "loss_mask", shared=True)
    for prediction, mask in zip(keras.tree.flatten(y_pred), masks, strict=True):
        set_mask(prediction, both_masks(mask_of(prediction), mask))


def _teacher_logits(
    outputs: Any, names: list[str], heads: list, kinds: list
) -> list[tf.Tensor | None]:
    """One teacher's logits in the order of the student's outputs."""
    given = _by_name(outputs, names, heads)
    for i, output in enumerate(given):
        if kinds[i] == "probabilities" and output is not None:
            given[i] = logits_from_probabilities(output, heads[i])
    return given


def _by_name(outputs: Any, names: list[str], heads: list) -> list[tf.Tensor | None]:
    distilled = [n for n, head in zip(names, heads, strict=True) if head is not None]
    if isinstance(outputs, dict) and set(distilled) <= set(outputs):
        return [outputs.get(name) for name in names]
    given = len(keras.tree.flatten(outputs))
    if given == len(names):
        return per_output(outputs, names, "teacher")
    # A teacher that has the outputs with a head only.
    if given != len(distilled):
        raise ValueError(
            f"`teacher` must have an output for each of {distilled}, which `head` says "
            f"to distil, or for each of the student's outputs. Received: {given} "
            "output(s). Pass head as a dict with None for those that it does not have."
        )
    found = dict(zip(distilled, per_output(outputs, distilled, "teacher"), strict=True))
    return [found.get(name) for name in names]
