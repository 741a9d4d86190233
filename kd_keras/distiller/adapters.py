"""Functions, and Keras' own distillation losses, as parts of the loss."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.reduction import replicas
from kd_keras.losses import LossInputs, LossPart
from kd_keras.losses._numerics import per_example


class FunctionLoss(LossPart):
    """A function (teacher_logits, student_logits, temperature) -> `[batch, ...]`.

    Args:
      function: the function.
    """

    def __init__(self, function: Callable[..., tf.Tensor]):
        super().__init__(name=getattr(function, "__name__", type(function).__name__))
        self.function = function

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The function's values."""
        temperature = per_example(inputs.temperature, inputs.student)
        return self.function(inputs.teacher, inputs.student, temperature)


class KerasLoss(LossPart):
    """A loss of `keras.distillation` that compares outputs.

    It brings its own temperature and averages over the batch itself.

    Args:
      loss: `keras.distillation.DistillationLoss`.

    Raises:
      ValueError: if it compares layers.
    """

    uses_temperature = False

    def __init__(self, loss: keras.distillation.DistillationLoss):
        super().__init__(name=type(loss).__name__)
        self.loss = loss
        teacher_layer = getattr(loss, "teacher_layer_name", None)
        student_layer = getattr(loss, "student_layer_name", None)
        if teacher_layer or student_layer:
            raise ValueError(
                f"`soft_loss` compares outputs. Received: {self.name} between the "
                f"layers {teacher_layer!r} and {student_layer!r}. Pass it as "
                "hints=[kd_keras.losses.FeatureHint(teacher_layer, student_layer)]."
            )

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The loss of this replica's batch, scalar."""
        value = ops.cast(
            self.loss.compute_loss(inputs.teacher, inputs.student), "float32"
        )
        if isinstance(getattr(self.loss, "loss", None), keras.losses.Loss):
            # Unlike functions, Loss instances divide by the replicas.
            value = value * replicas()
        return value
