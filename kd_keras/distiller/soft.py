"""The soft term: how far the student is from its teachers."""

import keras
from keras import ops

from kd_keras.distiller.reduction import (
    Term,
    all_gather,
    count_valid,
    mean_term,
    replicas,
)
from kd_keras.losses import SIGMOID_LOSSES, SOFTMAX_LOSSES, DecoupledLoss, DistLoss
from kd_keras.losses._numerics import per_example, soften
from kd_keras.losses.top_k import log_of_probabilities

COMBINATIONS = ("losses", "probabilities", "logits")
LOSSES: dict[str, dict] = {"softmax": SOFTMAX_LOSSES, "sigmoid": SIGMOID_LOSSES}


def resolve_soft_loss(soft_loss, head):
    """The loss object behind a name.

    Args:
        soft_loss: A name, or the loss itself.
        head: "softmax" or "sigmoid".

    Returns:
        A function, `DecoupledLoss`, `DistLoss` or
        `keras.distillation.DistillationLoss`.

    Raises:
        ValueError: If the head has no loss of this name.
    """
    if not isinstance(soft_loss, str):
        if head == "sigmoid" and isinstance(soft_loss, (DecoupledLoss, DistLoss)):
            soft_loss = type(soft_loss).__name__
        else:
            return soft_loss
    if soft_loss not in LOSSES[head]:
        raise ValueError(
            f"`soft_loss` for head={head!r} must be one of {sorted(LOSSES[head])}, a "
            "keras.distillation.DistillationLoss or a function (teacher_logits, "
            f"student_logits, temperature) -> [batch]. Received: "
            f"soft_loss={soft_loss!r}. Choose one of them."
        )
    return LOSSES[head][soft_loss]


def logits_from_probabilities(probabilities, head):
    """Logits that give these probabilities: log p, or log p - log(1 - p).

    Args:
        probabilities: Tensor `[batch, ..., classes]`, entries in [0, 1].
        head: "softmax", "sigmoid" or None, which leaves them alone.

    Returns:
        Float32 tensor of the same shape, finite.
    """
    probabilities = ops.cast(probabilities, "float32")
    if head == "softmax":
        return log_of_probabilities(probabilities)
    if head == "sigmoid":
        return log_of_probabilities(probabilities) - ops.log(
            ops.maximum(1.0 - probabilities, 2.0**-25)
        )
    return probabilities


def combine_teachers(logits, weights, how, head, temperature):
    """Makes one teacher of several.

    Args:
        logits: List of n tensors `[batch, ..., classes]`.
        weights: n numbers that sum to 1.
        how: "probabilities" averages the softened predictions, "logits" the
            logits.
        head: "softmax" or "sigmoid".
        temperature: Positive scalar, or one per example, `[batch]`.

    Returns:
        Logits `[batch, ..., classes]` whose softened prediction is the mean.
    """
    if len(logits) == 1:
        return logits[0]
    if how == "logits":
        return sum(w * z for w, z in zip(weights, logits, strict=True))
    softened = [soften(z, temperature) for z in logits]
    if head == "softmax":
        mean = _log_mean([ops.log_softmax(z, axis=-1) for z in softened], weights)
    else:
        mean = _log_mean([ops.log_sigmoid(z) for z in softened], weights) - _log_mean(
            [ops.log_sigmoid(-z) for z in softened], weights
        )
    return mean * per_example(ops.cast(temperature, mean.dtype), mean)


def _log_mean(logs, weights):
    weighted = [log + ops.log(w) for log, w in zip(logs, weights, strict=True)]
    return ops.logsumexp(ops.stack(weighted), axis=0)


def soft_term(output, loss, temperature, scale_by_temperature_squared=True):
    """Mean distance of the student to one teacher.

    Args:
        output: `Output` with exactly one teacher.
        loss: What `resolve_soft_loss` gave.
        temperature: Positive scalar, or one per example, `[batch]`.
        scale_by_temperature_squared: Whether to multiply by the squared
            temperature.

    Returns:
        `Term`.

    Raises:
        ValueError: If the loss needs labels or cannot apply weights.
    """
    if isinstance(loss, keras.distillation.DistillationLoss):
        return _distillation_loss_term(output, loss)
    if isinstance(loss, DistLoss):
        return _whole_batch_term(
            output, loss, temperature, scale_by_temperature_squared
        )
    logits = (output.teacher[0], output.student, temperature)
    if isinstance(loss, DecoupledLoss):
        if output.labels is None:
            raise ValueError(
                "`soft_loss='decoupled'` needs labels. Received: a batch without y "
                f"for output {output.name!r}. Use 'kl' for unlabeled data."
            )
        values = loss(*logits, output.labels)
    else:
        values = loss(*logits)
    if scale_by_temperature_squared:
        values = _scale(values, temperature)
    return mean_term(values, output.weights, output.mask)


def _scale(values, temperature):
    squared = ops.square(ops.cast(temperature, values.dtype))
    return values * per_example(squared, values)


def _distillation_loss_term(output, loss):
    """Keras' own losses bring their temperature and average over the batch."""
    if output.weights is not None or output.mask is not None:
        raise ValueError(
            "`soft_loss` of type keras.distillation.DistillationLoss gives one number "
            "a batch, so weights and masks cannot reach it. Received: "
            f"{type(loss).__name__} and a weighted or masked batch. Pass a function "
            "(teacher_logits, student_logits, temperature) -> [batch]."
        )
    value = ops.cast(loss.compute_loss(output.teacher[0], output.student), "float32")
    if isinstance(getattr(loss, "loss", None), keras.losses.Loss):
        # Unlike functions, Loss instances divide by the replicas.
        value = value * replicas()
    entries = count_valid(output.student[..., 0])
    # An empty replica's mean is NaN.
    total = ops.where(entries > 0, value * entries, 0.0)
    return Term(total, entries, entries)


def _whole_batch_term(output, loss, temperature, scaled):
    """Statistics over the batch need the examples of all replicas."""
    entries = count_valid(output.student[..., 0], output.mask)
    weights = _row_weights(output)
    if len(temperature.shape):
        temperature = all_gather(temperature)
    weights = all_gather(weights)
    values = loss(
        all_gather(output.teacher[0]),
        all_gather(output.student),
        temperature,
        weights,
    )
    if scaled:
        values = _scale(values, temperature)
    return Term(ops.sum(values * weights) / replicas(), entries, entries)


def _row_weights(output):
    weights = ops.ones_like(output.student[..., 0])
    if output.weights is not None:
        weights = weights * output.weights
    if output.mask is not None:
        weights = weights * ops.cast(output.mask, "float32")
    return weights


def agreement_term(output, teacher_logits):
    """Share of the entries with weight where both models predict the same.

    Args:
        output: `Output`.
        teacher_logits: Logits `[batch, ..., classes]`.

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
