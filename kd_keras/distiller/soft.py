"""The soft part of the loss: how far the student is from its teachers."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.adapters import FunctionLoss, KerasLoss
from kd_keras.distiller.batch import Batch, Mean
from kd_keras.distiller.combination import combine_teachers, normalized
from kd_keras.distiller.outputs import Output
from kd_keras.distiller.part_term import part_term
from kd_keras.distiller.reduction import Term, mean_term
from kd_keras.losses import (
    SIGMOID_LOSSES,
    SOFTMAX_LOSSES,
    FeatureHint,
    LossInputs,
    LossPart,
)

LOSSES = {"softmax": SOFTMAX_LOSSES, "sigmoid": SIGMOID_LOSSES}


def resolve_soft_loss(soft_loss: Any, head: str) -> LossPart:
    """What `Distiller(soft_loss=...)` takes, as a part of the loss.

    Args:
      soft_loss: a name, a `LossPart`, a function or a
        `keras.distillation.DistillationLoss`.
      head: "softmax" or "sigmoid".

    Returns:
      `LossPart` for this head.

    Raises:
      ValueError: if the head has no loss of this name, or not this loss.
    """
    found = soft_loss
    if isinstance(soft_loss, str):
        found = LOSSES[head].get(soft_loss)
    if isinstance(found, keras.distillation.DistillationLoss):
        found = KerasLoss(found)
    elif callable(found) and not isinstance(found, LossPart):
        found = FunctionLoss(found)
    layers = isinstance(found, FeatureHint)  # It compares no outputs.
    if isinstance(found, LossPart) and head in found.heads and not layers:
        return found
    received = soft_loss if found is None else getattr(found, "name", found)
    raise ValueError(
        f"`soft_loss` for head={head!r} must be one of {sorted(LOSSES[head])}, a "
        f"kd_keras.losses.LossPart for this head, a "
        "keras.distillation.DistillationLoss or a function (teacher_logits, "
        f"student_logits, temperature) -> [batch]. Received: "
        f"soft_loss={received!r}. Choose one of them."
    )


def soft_term(
    output: Output,
    loss: LossPart,
    temperature: tf.Tensor,
    scale_by_temperature_squared: bool = True,
    groups: Any = None,
    training: bool = False,
) -> Term:
    """Mean distance of the student to one teacher.

    Args:
      output: `Output` with exactly one teacher.
      loss: what `resolve_soft_loss` gave.
      temperature: positive scalar, or one per example, `[batch]`.
      scale_by_temperature_squared: whether to multiply by the squared
        temperature, where the loss uses it.
      groups: what the batch brings under "groups".
      training: whether the student is being trained.

    Returns:
      `Term`.

    Raises:
      ValueError: if the loss needs what the batch lacks, or cannot apply weights.
    """
    inputs = LossInputs(
        output.student,
        output.teacher[0],
        temperature,
        output.labels,
        groups,
        head=output.head,
        training=training,
    )
    return part_term(
        loss,
        inputs,
        output.weights,
        output.mask,
        where=f"output {output.name!r}",
        scaled=scale_by_temperature_squared and loss.uses_temperature,
    )


def agreement_term(output: Output, teacher_logits: tf.Tensor) -> Term:
    """Share of the entries with weight where both models predict the same.

    Args:
      output: `Output`.
      teacher_logits: logits `[batch, ..., classes]`.

    Returns:
      `Term`; a multi-label entry agrees when all its labels do.
    """
    if output.head == "softmax":
        same = ops.equal(
            ops.argmax(teacher_logits, axis=-1), ops.argmax(output.student, axis=-1)
        )
    else:
        same = ops.all(ops.equal(teacher_logits > 0, output.student > 0), axis=-1)
    return mean_term(ops.cast(same, "float32"), mask=output.valid)


@dataclasses.dataclass(frozen=True)
class SoftPart:
    """The soft loss and the agreement of every output that has a head.

    Attributes:
      loss: as of `Distiller(soft_loss=...)`.
      teacher_weights: weights of the teachers, or None.
      combination: what is averaged over several teachers.
      scale_by_temperature_squared: whether the soft term has the factor T^2.
      loss_weights: weights of the outputs, or None.
    """

    loss: str | Callable
    teacher_weights: Sequence[float] | None
    combination: str
    scale_by_temperature_squared: bool
    loss_weights: Any

    def __call__(self, batch: Batch) -> list[Mean]:
        """Per distilled output a mean for each loss, and one for the agreement."""
        pairs = zip(batch.outputs, batch.scales(self.loss_weights), strict=True)
        distilled = [pair for pair in pairs if pair[0].head is not None]
        means = []
        for output, scale in distilled:
            weights = normalized(self.teacher_weights, len(output.teacher))
            combined = combine_teachers(
                output.teacher,
                weights,
                self.combination,
                str(output.head),
                batch.schedule.temperature,
            )
            teachers = [(1.0, combined)]
            if self.combination == "losses":
                teachers = list(zip(weights, output.teacher, strict=True))
            for weight, logits in teachers:
                taught = output._replace(teacher=[logits])
                means.append(self._mean(taught, scale * weight, batch))
            term = agreement_term(output, combined)
            means.append(Mean("agreement", 1.0 / len(distilled), 0.0, term))
        return means

    def _mean(self, output: Output, scale: float, batch: Batch) -> Mean:
        loss = resolve_soft_loss(self.loss, str(output.head))
        schedule = batch.schedule
        term = soft_term(
            output,
            loss,
            schedule.temperature,
            self.scale_by_temperature_squared,
            batch.targets.groups,
            batch.training,
        )
        share = loss.warmup(schedule.step) * loss.weight
        return Mean("soft_loss", scale, schedule.alpha * share, term)
