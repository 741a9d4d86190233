"""Which models can be members of a stack."""

from collections.abc import Iterator

import keras

from kd_keras.distiller.student import StudentTrainer
from kd_keras.keras_internals import layers_in

# Their update of an entry reads no other entry, so that one optimizer of all members'
# weights is one optimizer for each member.
ELEMENTWISE = (keras.optimizers.Adam, keras.optimizers.AdamW, keras.optimizers.SGD)


def why_single(trainer: keras.Model) -> str:
    """Why a trainer cannot be a member of a `Stack`; "" where it can."""
    if not isinstance(trainer, StudentTrainer):
        return f"{type(trainer).__name__} has a train_step of its own"
    if getattr(trainer, "teacher", None) is not None:
        return "its teacher runs in every step, in place of a teacher cache"
    if getattr(trainer, "time_chunk", None):
        return "time_chunk leaves no logits"
    return _of_student(trainer.student) or _of_optimizer(trainer.optimizer)


def _of_student(student: keras.Model) -> str:
    """Why a student cannot be stacked."""
    if len(getattr(student, "outputs", None) or [None]) > 1:
        return "the student has several outputs"
    if any(variable.constraint for variable in student.trainable_variables):
        return "a constraint reads the entries of a weight together"
    for layer in _all_layers(student):
        if getattr(layer, "activity_regularizer", None):
            return f"the layer {layer.name} has an activity regularizer"
        if hasattr(layer, "adapt"):
            return f"the layer {layer.name} was adapted, which a copy does not keep"
    return ""


def _of_optimizer(optimizer: keras.Optimizer) -> str:
    """Why members cannot share an optimizer."""
    if type(optimizer) not in ELEMENTWISE:
        return f"the optimizer {type(optimizer).__name__} may update entries together"
    for name in (
        *("clipnorm", "global_clipnorm", "loss_scale_factor", "use_ema"),
        "gradient_accumulation_steps",
    ):
        if getattr(optimizer, name, None):
            return f"the optimizer's {name} is of a whole model"
    # Set by a method, and in no config.
    if any(name.startswith("_exclude_from_weight_decay") for name in vars(optimizer)):
        return "the optimizer leaves variables out of its weight decay"
    return ""


def _all_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    for inner in layers_in(layer):
        yield inner
        yield from _all_layers(inner)
