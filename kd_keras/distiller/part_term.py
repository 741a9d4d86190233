"""What a part of the loss costs, as the sums that this replica adds to its mean."""

from typing import Any

import tensorflow as tf
from keras import ops

from kd_keras.distiller.reduction import (
    Term,
    align_to,
    all_gather,
    count_valid,
    mean_term,
    own_mean_term,
    replicas,
    replicated_term,
)
from kd_keras.losses import LossInputs, LossPart
from kd_keras.losses._numerics import per_example
from kd_keras.losses.part import NEEDS

_MISSING = {
    "teacher": "Attach a teacher, or bring y['teacher_logits'].",
    "labels": "Bring labels with every batch, or choose a part that needs none.",
    "groups": "Pass y={'labels': ..., 'groups': ...}.",
}


def part_term(
    part: LossPart,
    inputs: LossInputs,
    weights: tf.Tensor | None = None,
    mask: tf.Tensor | None = None,
    *,
    where: str = "",
    rows: tf.Tensor | None = None,
    scaled: bool = False,
) -> Term:
    """Runs one part of the loss on one output, or one pair of features.

    Args:
      part: `LossPart`.
      inputs: `LossInputs` with all that is known; the part gets what it needs of it.
      weights: sample weights that broadcast against `rows`, or None.
      mask: booleans that broadcast against `rows`, or None.
      where: the output or layers, for messages.
      rows: tensor with one entry per weight; by default of the shape of the
        student's logits without their last axis.
      scaled: whether to multiply by the squared temperature.

    Returns:
      `Term`.

    Raises:
      ValueError: if the batch lacks what the part needs, or the part gives one
        number where the batch has weights, a mask or temperatures per example.
    """
    rows = inputs.student[..., 0] if rows is None else rows
    entries = count_valid(rows, mask)
    inputs = _needed(part, inputs, where)
    if part.whole_batch:
        inputs = _of_all_replicas(inputs, _row_weights(rows, weights, mask))
    values = ops.convert_to_tensor(part(inputs))
    temperature: Any = inputs.temperature
    scalar = len(values.shape) == 0
    if scalar:
        softened_apart = scaled and len(temperature.shape)
        weighted = weights is not None or mask is not None
        if softened_apart or (weighted and not part.whole_batch):
            raise _reduced(part)
    if scaled:
        values = _scale(values, temperature)
    if not part.whole_batch:
        if scalar:
            return own_mean_term(values, entries)
        return mean_term(values, weights, mask)
    if scalar:
        return replicated_term(values, entries)
    total = ops.sum(values * align_to(inputs.weights, values))
    return Term(total / replicas(), entries, entries)


def _needed(part: LossPart, inputs: LossInputs, where: str) -> LossInputs:
    known = {name: getattr(inputs, name) for name in NEEDS}
    for name in part.needs:
        if known[name] is None:
            raise ValueError(
                f"{part.name} needs {name}. Received: a batch without {name} for "
                f"{where}. {_MISSING[name]}"
            )
    read: dict[str, Any] = {
        name: known[name] if name in part.needs else None for name in known
    }
    return inputs._replace(**read)


def _of_all_replicas(inputs: LossInputs, weights: tf.Tensor) -> LossInputs:
    temperature = inputs.temperature
    if temperature is not None and len(temperature.shape):
        temperature = all_gather(temperature)
    return inputs._replace(
        weights=all_gather(weights),
        teacher=all_gather(inputs.teacher),
        student=all_gather(inputs.student),
        labels=all_gather(inputs.labels),
        groups=all_gather(inputs.groups),
        temperature=temperature,
    )


def _row_weights(
    rows: tf.Tensor, weights: tf.Tensor | None, mask: tf.Tensor | None
) -> tf.Tensor:
    result = ops.ones_like(rows)
    if weights is not None:
        result = result * weights
    if mask is not None:
        result = result * ops.cast(mask, "float32")
    return result


def _scale(values: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
    squared = ops.square(ops.cast(temperature, values.dtype))
    return values * per_example(squared, values)


def _reduced(part: LossPart) -> ValueError:
    return ValueError(
        f"{part.name} gives one number a batch, so weights, masks and temperatures of "
        "examples cannot reach it. Received: a batch with one of them. Give one value "
        "per example, [batch, ...]."
    )
