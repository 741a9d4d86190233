"""A number that may change while a model trains."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule


class LiveNumber:
    """A schedule over optimizer steps, or a variable that callbacks can set.

    Args:
      model: model that owns the variable and saves it with its weights.
      name: name of the variable.
      value: number or `LearningRateSchedule`.

    Attributes:
      variable: scalar that holds the number.
    """

    def __init__(
        self, model: keras.Model, name: str, value: float | LearningRateSchedule
    ):
        self._schedule: LearningRateSchedule | None = None
        if isinstance(value, LearningRateSchedule):
            self._schedule = value
            value = value(0)
        self.variable = model.add_weight(
            name=name,
            initializer=keras.initializers.Constant(float(value)),
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Value at an optimizer step, float32 scalar."""
        if self._schedule is not None:
            return keras.ops.cast(self._schedule(step), "float32")
        return keras.ops.convert_to_tensor(self.variable)

    def get(self) -> float | LearningRateSchedule:
        """The schedule, or the number."""
        if self._schedule is not None:
            return self._schedule
        with tf.init_scope():
            value = keras.ops.convert_to_numpy(self.variable)
        # Through the shortest decimal: 0.8, not 0.800000011920929.
        return float(str(value))

    def set(self, value: float | LearningRateSchedule) -> bool:
        """Replaces the value.

        Returns:
          Whether graphs that read the old value must be traced again.
        """
        was_schedule = self._schedule is not None
        if isinstance(value, LearningRateSchedule):
            self._schedule = value
            return True
        self._schedule = None
        self.variable.assign(float(value))
        return was_schedule


def live_property(
    name: str,
    check: Callable[[Any], None],
    doc: str,
    *,
    assumed: Callable[[Any], bool] = lambda model: False,
) -> Any:
    """A property over the `LiveNumber` in the attribute `_name`.

    Args:
      name: name of the property.
      check: function that raises ValueError for values that are not allowed.
      doc: docstring of the property.
      assumed: function that says whether a model's graphs hold for the old value
        alone.

    Returns:
      `property` for a `TeacherHolder`.
    """

    def get(model: Any) -> float | LearningRateSchedule:
        return getattr(model, f"_{name}").get()

    def set_(model: Any, value: float | LearningRateSchedule) -> None:
        check(value)
        if getattr(model, f"_{name}").set(value) or assumed(model):
            model.retrace()

    return property(get, set_, doc=doc)
