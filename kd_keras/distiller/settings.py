"""Checks of the Distiller's arguments."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from kd_keras.distiller.combination import COMBINATIONS
from kd_keras.distiller.soft import resolve_soft_loss
from kd_keras.keras_internals import operation_behind
from kd_keras.losses import SOFTMAX_LOSSES, FeatureHint, LossPart

HEADS = ("softmax", "sigmoid", None)


def check_temperature(value: Any) -> None:
    """Raises ValueError unless the temperature is positive or a schedule."""
    _check_number(
        "temperature",
        value,
        lambda number: 0 < number < math.inf,
        "a positive finite number",
        "A common choice is 4.",
    )


def check_alpha(value: Any) -> None:
    """Raises ValueError unless alpha is in [0, 1] or a schedule."""
    _check_number(
        "alpha",
        value,
        lambda number: 0 <= number <= 1,
        "a number in [0, 1]",
        "It is the share of the soft term.",
    )


def _check_number(
    name: str,
    value: Any,
    allowed: Callable[[float], bool],
    description: str,
    advice: str,
) -> None:
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return
    try:
        valid = not isinstance(value, bool) and allowed(float(value))
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(
            f"`{name}` must be {description} or a "
            "keras.optimizers.schedules.LearningRateSchedule. "
            f"Received: {name}={value!r}. {advice}"
        )


def check_parts(
    hints: Sequence[LossPart], parts: Sequence[LossPart], head: Any
) -> None:
    """Raises ValueError unless each is a `LossPart` with a name of its own."""
    for argument, given in (("hints", hints), ("parts", parts)):
        for part in given:
            if not isinstance(part, LossPart):
                raise ValueError(
                    f"`{argument}` must be objects of kd_keras.losses.LossPart. "
                    f"Received: {part!r} of type {type(part).__name__}. Make a "
                    "subclass of it."
                )
            if isinstance(part, FeatureHint) != (argument == "hints"):
                raise ValueError(
                    "`hints` compare layers and are kd_keras.losses.FeatureHint; "
                    f"`parts` are not. Received: {argument} with {part!r}. Pass it as "
                    f"{'parts' if argument == 'hints' else 'hints'}."
                )
    heads = {entry for entry in keras.tree.flatten(head) if entry is not None}
    for part in parts:
        if not heads <= set(part.heads):
            raise ValueError(
                f"`parts`: {part.name!r} understands the heads {part.heads}. "
                f"Received: head={head!r}. Choose another part."
            )
    taken = ["loss", "hard_loss", "soft_loss", "agreement"]
    names = [*taken, *(part.name for part in (*hints, *parts))]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            "`hints` need names, as `parts` do, that differ from each other and from "
            f"the other logs. Received more than once: {twice}. Pass name=... to them."
        )


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raises ValueError unless the value is one of the allowed ones."""
    if value not in allowed:
        raise ValueError(
            f"`{name}` must be one of {allowed}. Received: {name}={value!r}. "
            "Choose one of them."
        )


def check_heads(
    head: Any, soft_loss: Any, teacher_outputs: Any, combine_teachers: str
) -> None:
    """Raises ValueError for an unknown name, or a loss that a head cannot have."""
    for entry in keras.tree.flatten(head):
        check_choice("head", entry, HEADS)
        if entry is not None:
            resolve_soft_loss(soft_loss, entry)
    for entry in keras.tree.flatten(teacher_outputs):
        check_choice("teacher_outputs", entry, ("logits", "probabilities"))
    check_choice("combine_teachers", combine_teachers, COMBINATIONS)


def check_whole_loss(soft_loss: Any, alpha: Any) -> None:
    """Raises ValueError if the labels' loss would count twice."""
    if getattr(soft_loss, "has_hard_loss", False) and alpha != 1:
        raise ValueError(
            f"`alpha` must be 1 with a soft loss that has the labels' loss in it, such "
            f"as {soft_loss.name}. Received: alpha={alpha!r}. Give the share of the "
            f"teacher to it: {type(soft_loss).__name__}(alpha=...)."
        )


def check_time_chunk(
    time_chunk: Any, hints: Sequence[LossPart], parts: Sequence[Any]
) -> None:
    """Raises ValueError unless the loss can be summed over chunks of positions."""
    if time_chunk is None:
        return
    if (
        isinstance(time_chunk, bool)
        or not isinstance(time_chunk, int)
        or time_chunk < 1
    ):
        raise ValueError(
            "`time_chunk` must be a whole number of positions, at least 1, or None. "
            f"Received: time_chunk={time_chunk!r}. A sixteenth of the sequence is a "
            "good start."
        )
    parts = [SOFTMAX_LOSSES.get(p, p) if isinstance(p, str) else p for p in parts]
    whole = [
        p for p in parts if isinstance(p, LossPart) and (p.whole_batch or p.variables)
    ]
    averaged = [p for p in parts if isinstance(p, keras.distillation.DistillationLoss)]
    for part in (*hints, *whole, *averaged):
        raise ValueError(
            "`time_chunk` needs losses that are a sum over positions. Received: "
            f"time_chunk={time_chunk} with {getattr(part, 'name', part)!r}, which "
            "compares positions with each other or reads layers. Leave one of the two "
            "out."
        )


def check_chunked_compile(time_chunk: int | None, loss: Any, kwargs: Any) -> None:
    """Raises ValueError for metrics and losses that need all positions at once."""
    if time_chunk is None:
        return
    for name in ("metrics", "weighted_metrics"):
        if kwargs.get(name):
            raise ValueError(
                f"`{name}` read all logits, which time_chunk={time_chunk} never makes. "
                f"Received: {kwargs[name]!r}. The logs have hard_loss, whose exp is "
                "the perplexity, soft_loss and agreement; measure others with predict."
            )
    for leaf in keras.tree.flatten(loss):
        if getattr(leaf, "reduction", None) == "sum":
            raise ValueError(
                f"`loss` must be a mean with time_chunk={time_chunk}. Received: "
                "reduction='sum'. Pass reduction='sum_over_batch_size'."
            )


def check_teacher_weights(weights: Sequence[float] | None, teachers: int) -> None:
    """Raises ValueError unless there is one positive weight per teacher."""
    if weights is None:
        return
    if len(weights) != teachers or not all(weight > 0 for weight in weights):
        raise ValueError(
            "`teacher_weights` must have one positive number per teacher. "
            f"Received: {weights} for {teachers} teacher(s). "
            "Leave out teachers without weight."
        )


def check_soft_only(alpha: Any) -> None:
    """Raises ValueError if labels would be ignored because no loss is compiled."""
    if alpha != 1.0:
        raise ValueError(
            "`loss` of compile is needed where there are labels and alpha < 1. "
            f"Received: loss=None, alpha={alpha}. Pass a loss with from_logits=True, "
            "or alpha=1 for the soft term alone."
        )


def check_student(student: Any) -> None:
    """Raises unless the student is a model that gives logits."""
    if not isinstance(student, keras.Model):
        raise ValueError(
            "`student` must be a keras.Model. "
            f"Received: {student!r} of type {type(student).__name__}. "
            "Wrap layers in keras.Sequential."
        )
    for layer, activation in output_activations(student):
        if activation in ("softmax", "sigmoid"):
            raise ValueError(
                "`student` must give logits. Received: "
                f"{student.name!r}, whose output layer {layer!r} applies "
                f"{activation}; the loss would apply it twice. Remove the "
                "activation, and compile with a loss with from_logits=True."
            )


def check_teacher_outputs(teacher: Any, teacher_outputs: Any) -> None:
    """Raises ValueError if `teacher_outputs` contradicts the output layers."""
    kinds = set(keras.tree.flatten(teacher_outputs))
    if not isinstance(teacher, keras.Model) or len(kinds) != 1:
        return
    for layer, activation in output_activations(teacher):
        given = {"softmax": "probabilities", "sigmoid": "probabilities"}.get(activation)
        if activation == "linear":
            given = "logits"
        if given is not None and given not in kinds:
            raise ValueError(
                f"`teacher_outputs` contradicts the teacher's output layer {layer!r}, "
                f"which applies {activation}. Received: "
                f"teacher_outputs={teacher_outputs!r}. Pass {given!r}."
            )


def output_activations(model: keras.Model) -> Iterator[tuple[str, str]]:
    """(layer or function, activation) of the output layers that have one.

    An activation counts as a layer's argument, as a layer and as a function of
    `keras.ops`; a layer behind it that only changes the shape does not hide it.
    """
    outputs = getattr(model, "outputs", None)
    for output in outputs if model.built and outputs else ():
        operation = operation_behind(output)
        activation = getattr(operation, "activation", None)
        if type(operation).__name__ in ("Softmax", "Sigmoid"):
            yield operation.name, type(operation).__name__.lower()
        elif activation is not None and (
            isinstance(operation, keras.layers.Dense)
            or activation in (keras.activations.softmax, keras.activations.sigmoid)
        ):
            yield operation.name, activation.__name__
