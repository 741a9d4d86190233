"""The total loss as a list of weighted parts."""

from typing import Any, NamedTuple

import keras
from keras import ops

from kd_keras.distiller.hard import check_hard_loss, hard_term
from kd_keras.distiller.outputs import make_output, output_names, per_output
from kd_keras.distiller.reduction import (
    Term,
    count_valid,
    reduce_terms,
    replicated_term,
)
from kd_keras.distiller.soft import (
    agreement_term,
    combine_teachers,
    logits_from_probabilities,
    resolve_soft_loss,
    soft_term,
)
from kd_keras.losses import DecoupledLoss


class Part(NamedTuple):
    """One mean in the total loss.

    Attributes:
        name: What it adds to in the logs, or None.
        scale: Factor in the logs and in the loss.
        coefficient: Further factor in the loss, a number or a scalar tensor.
        term: `Term`.
    """

    name: str | None
    scale: float
    coefficient: Any
    term: Term


class Schedule(NamedTuple):
    """The values of one step: temperature, alpha, and the optimizer's step."""

    temperature: Any
    alpha: Any
    step: Any


def align_outputs(settings, y_pred, teachers, targets):
    """Puts a batch into one flat list, one entry per output of the student.

    Args:
        settings: The Distiller, for `student`, `head` and `teacher_outputs`.
        y_pred: Outputs of the student.
        teachers: Outputs of each teacher.
        targets: `Targets` of the batch.

    Returns:
        List of `Output`s.
    """
    names = output_names(y_pred, settings.student)
    head = per_output(settings.head, names, "head", shared=True)
    kind = settings.teacher_outputs if targets.teacher_logits is None else "logits"
    kind = per_output(kind, names, "teacher_outputs", shared=True)
    labels = per_output(targets.labels, names, "y")
    weights = per_output(targets.sample_weight, names, "sample_weight", shared=True)
    logits = [_teacher_logits(outputs, names, head, kind) for outputs in teachers]
    return [
        make_output(
            name,
            head[i],
            [given[i] for given in logits] if head[i] else [],
            student,
            labels[i],
            weights[i],
            getattr(student, "_keras_mask", None),
        )
        for i, (name, student) in enumerate(
            zip(names, keras.tree.flatten(y_pred), strict=True)
        )
    ]


def _teacher_logits(outputs, names, head, kind):
    if isinstance(outputs, dict) and set(names) < set(outputs):
        outputs = {name: outputs[name] for name in names}
    return [
        logits_from_probabilities(output, head[i])
        if kind[i] == "probabilities" and output is not None
        else output
        for i, output in enumerate(per_output(outputs, names, "teacher"))
    ]


def hard_parts(outputs, settings, schedule):
    """The hard term of every labelled output.

    Args:
        outputs: List of `Output`s.
        settings: The Distiller, for `loss` and `loss_weights`.
        schedule: `Schedule`.

    Returns:
        List of `Part`s.
    """
    names = [output.name for output in outputs]
    losses = per_output(settings.loss, names, "loss", shared=True)
    scales = _output_scales(outputs, settings)
    parts = []
    for output, loss, scale in zip(outputs, losses, scales, strict=True):
        if output.labels is not None and loss is not None:
            check_hard_loss(loss, output.head)
            term = hard_term(output, loss)
            parts.append(Part("hard_loss", scale, 1.0 - schedule.alpha, term))
    return parts


def _output_scales(outputs, settings):
    names = [output.name for output in outputs]
    scales = per_output(settings.loss_weights, names, "loss_weights", shared=True)
    return [1.0 if scale is None else scale for scale in scales]


def soft_parts(outputs, settings, schedule):
    """The soft term and the agreement of every output that has a head.

    Args:
        outputs: List of `Output`s.
        settings: The Distiller, for `soft_loss`, `teacher_weights`,
            `combine_teachers`, `scale_by_temperature_squared` and `loss_weights`.
        schedule: `Schedule`.

    Returns:
        List of `Part`s.
    """
    scales = _output_scales(outputs, settings)
    distilled = sum(output.head is not None for output in outputs)
    parts = []
    for output, scale in zip(outputs, scales, strict=True):
        if output.head is None:
            continue
        weights = _normalized(settings.teacher_weights, len(output.teacher))
        mean = combine_teachers(
            output.teacher,
            weights,
            settings.combine_teachers,
            output.head,
            schedule.temperature,
        )
        if settings.combine_teachers == "losses":
            targets = list(zip(weights, output.teacher, strict=True))
        else:
            targets = [(1.0, mean)]
        loss = resolve_soft_loss(settings.soft_loss, output.head)
        warmup = loss.warmup(schedule.step) if isinstance(loss, DecoupledLoss) else 1.0
        for weight, logits in targets:
            term = soft_term(
                output._replace(teacher=[logits]),
                loss,
                schedule.temperature,
                settings.scale_by_temperature_squared,
            )
            coefficient = schedule.alpha * warmup
            parts.append(Part("soft_loss", scale * weight, coefficient, term))
        term = agreement_term(output, mean)
        parts.append(Part("agreement", 1.0 / distilled, 0.0, term))
    return parts


def regularization_parts(losses):
    """The losses that the student's layers add.

    Args:
        losses: List of tensors.

    Returns:
        List of `Part`s.
    """
    return [Part(None, 1.0, 1.0, replicated_term(ops.sum(loss))) for loss in losses]


def _normalized(weights, teachers):
    if weights is None or len(weights) != teachers:
        return [1.0 / teachers] * teachers
    return [weight / sum(weights) for weight in weights]


def total_loss(parts):
    """Adds up the parts.

    Args:
        parts: List of `Part`s, not empty.

    Returns:
        This replica's share of the loss, to be differentiated; the loss; and a
        dict from name to (value, number of this replica's entries).
    """
    shares, means = reduce_terms([part.term for part in parts])
    factors = ops.stack(
        [ops.cast(part.scale * part.coefficient, "float32") for part in parts]
    )
    logs: dict[str, tuple] = {}
    for i, part in enumerate(parts):
        if part.name is not None:
            value, entries = logs.get(part.name, (0.0, 0.0))
            value = value + part.scale * means[i]
            logs[part.name] = value, entries + part.term.entries
    return ops.sum(factors * shares), ops.sum(factors * means), logs


def count_entries(outputs):
    """Number of valid entries of all outputs, float32 scalar."""
    counts = [count_valid(output.student[..., 0], output.mask) for output in outputs]
    return sum(counts)
