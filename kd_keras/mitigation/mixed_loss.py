"""Labels and teacher in one loss per example, with a share of its own for a class."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kd_keras.distiller.soft import resolve_soft_loss
from kd_keras.losses import SOFTMAX_LOSSES, LossInputs, LossPart
from kd_keras.losses._numerics import per_example


@keras.saving.register_keras_serializable(package="kd_keras")
class MixedLoss(LossPart):
    """The whole distillation loss of an example, with an alpha for every class.

    l_i = (1 - alpha_y) * hard_i + alpha_y * T^2 * soft_i

    where y is the class of example i. It is passed as soft loss of a `Distiller` with
    alpha=1: the labels are in it already. With the alphas of `ada_alpha` it trusts the
    teacher less for the classes in which the teacher errs.

    Args:
      alpha: share of the teacher, in [0, 1]: one for all, or one for each class.
      soft_loss: as of the `Distiller`; one value per example.
      hard_loss: `keras.losses.Loss` of labels and logits with one value per example;
        None for the cross-entropy of the output's head.
      scale_by_temperature_squared: whether the soft term has the factor T^2.
      name: its name in messages.
      weight: its factor in the loss.

    Raises:
      ValueError: if an argument is not as described.

    Reference:
      Lukasik et al., "Teacher's pet: understanding and mitigating biases in
      distillation", TMLR 2022 (arXiv 2106.10494), section 5 (AdaAlpha).

    Example:

    ```python
    from kd_keras.mitigation import MixedLoss, ada_alpha

    # The teacher is right about class 0, and about one of two examples of class 1.
    alpha = ada_alpha(labels=[0, 0, 1, 1], teacher_predictions=[0, 0, 1, 0])
    loss = MixedLoss(alpha=alpha)  # For Distiller(..., soft_loss=loss, alpha=1.0).
    ```
    """

    needs: tuple[str, ...] = ("teacher", "labels")
    uses_temperature = False
    has_hard_loss = True

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.8,
        soft_loss: str | Callable = "kl",
        hard_loss: keras.losses.Loss | None = None,
        scale_by_temperature_squared: bool = True,
        name: str | None = None,
        weight: float = 1.0,
    ):
        super().__init__(name=name, weight=weight)
        values = np.asarray(alpha, float)
        if (
            values.ndim > 1
            or not values.size
            or not ((values >= 0) & (values <= 1)).all()
        ):
            raise ValueError(
                f"`alpha` of a {type(self).__name__} must be in [0, 1], one number or "
                f"one for each class. Received: alpha={alpha!r}. It is the share of "
                "the teacher."
            )
        known: Any = soft_loss
        if isinstance(soft_loss, str):
            known = SOFTMAX_LOSSES.get(soft_loss)
        if isinstance(known, LossPart) and known.whole_batch:
            raise ValueError(
                f"`soft_loss` of a {type(self).__name__} must give each example a "
                f"value of its own. Received: {soft_loss!r}, which compares examples. "
                "Pass another one."
            )
        self.alpha = values.tolist()
        self.soft_loss = soft_loss
        self.hard_loss = hard_loss
        self.scale_by_temperature_squared = scale_by_temperature_squared
        self._alphas: keras.Variable | None = None

    @property
    def variables(self) -> list[keras.Variable]:  # type: ignore[override]
        """The alphas of the classes: a traced step must not hold those of one teacher.

        Made at the first look, so in the scope in which the Distiller is made.
        """
        if not isinstance(self.alpha, list):
            return []
        if self._alphas is None:
            self._alphas = keras.Variable(
                self.alpha, dtype="float32", trainable=False, name="alphas"
            )
        return [self._alphas]

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The losses of the examples, `[batch, ...]`."""
        return self.of_examples(inputs)

    def of_examples(self, inputs: LossInputs) -> tf.Tensor:
        """Labels and teacher together, one value per example, `[batch, ...]`."""
        hard = self._hard(inputs)
        soft = self._soft(inputs)
        alpha: Any = self.alpha
        if isinstance(alpha, list):
            alpha = ops.take(self.variables[0].value, class_of(inputs), axis=0)
        return (1.0 - alpha) * hard + alpha * soft

    def _soft(self, inputs: LossInputs) -> tf.Tensor:
        loss = resolve_soft_loss(self.soft_loss, str(inputs.head))
        values = ops.convert_to_tensor(loss(inputs))
        if len(values.shape) == 0:
            raise ValueError(
                f"`soft_loss` of a {type(self).__name__} must give each example a "
                f"value of its own, [batch]. Received: a scalar of {loss.name}. Do not "
                "sum over the batch."
            )
        if loss.uses_temperature and self.scale_by_temperature_squared:
            squared = ops.square(ops.cast(inputs.temperature, values.dtype))
            values = values * per_example(squared, values)
        return values

    def _hard(self, inputs: LossInputs) -> tf.Tensor:
        labels: Any = inputs.labels
        logits = inputs.student
        if self.hard_loss is not None:
            return ops.cast(self.hard_loss.call(labels, logits), "float32")
        if inputs.head == "sigmoid":
            labels = ops.cast(labels, logits.dtype)
            labels = ops.reshape(labels, ops.shape(logits))
            return keras.losses.binary_crossentropy(labels, logits, from_logits=True)
        if _is_one_hot(inputs):
            labels = ops.cast(labels, logits.dtype)
            return keras.losses.categorical_crossentropy(
                labels, logits, from_logits=True
            )
        return keras.losses.sparse_categorical_crossentropy(
            class_of(inputs), logits, from_logits=True
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            alpha=self.alpha,
            soft_loss=self.soft_loss,
            hard_loss=self.hard_loss,
            scale_by_temperature_squared=self.scale_by_temperature_squared,
        )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MixedLoss":
        """Makes the loss that has this config; losses in it may be serialized."""
        losses = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("soft_loss", "hard_loss")
            if isinstance(config.get(name), dict)
        }
        return cls(**{**config, **losses})


def _is_one_hot(inputs: LossInputs) -> bool:
    labels: Any = inputs.labels
    classes = inputs.student.shape[-1]
    return len(labels.shape) == len(inputs.student.shape) and (
        labels.shape[-1] == classes and classes > 1
    )


def class_of(inputs: LossInputs) -> tf.Tensor:
    """The classes of the examples, int32 `[batch, ...]`.

    Raises:
      ValueError: if an example has several labels at once.
    """
    labels: Any = inputs.labels
    classes = inputs.student.shape[-1]
    if inputs.head == "sigmoid" and classes > 1:
        raise ValueError(
            "A share or a group for each class needs one class per example. Received: "
            f"a sigmoid head with {classes} labels. Give each label an output."
        )
    if _is_one_hot(inputs):
        labels = ops.argmax(labels, axis=-1)
    elif len(labels.shape) == len(inputs.student.shape):
        labels = ops.squeeze(labels, -1)
    return ops.cast(labels, "int32")
