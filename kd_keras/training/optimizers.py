"""Optimizers and learning rates of a recipe, by their names."""

from typing import Any

import keras

from kd_keras import named

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
}


def optimizer(
    name: str,
    *,
    learning_rate: float,
    schedule: str,
    total_steps: int,
    warmup_steps: int = 0,
    **options: Any,
) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe.

    Args:
      name: "adam", "adamw", "sgd", or "module:function", which takes `learning_rate`
        and the options.
      learning_rate: its highest value.
      schedule: "constant", "cosine" or "linear" (to zero), or "step" (a tenth at 1/2
        and again at 3/4 of the training).
      total_steps: number of updates of the whole training.
      warmup_steps: updates in which the learning rate rises linearly from zero; the
        schedule begins after them.
      **options: further arguments of the optimizer, such as weight_decay.

    Raises:
      ValueError: if there is no such optimizer or schedule.
    """
    make = named.resolve("optimizer", name, OPTIMIZERS)
    schedules = keras.optimizers.schedules
    steps = max(total_steps - warmup_steps, 1)
    rates = {
        "constant": lambda: learning_rate,
        "cosine": lambda: schedules.CosineDecay(learning_rate, steps),
        "linear": lambda: schedules.PolynomialDecay(learning_rate, steps, 0.0),
        "step": lambda: schedules.PiecewiseConstantDecay(
            [steps // 2, steps * 3 // 4],
            [learning_rate, learning_rate / 10, learning_rate / 100],
        ),
    }
    if schedule not in rates:
        raise ValueError(
            f"Unknown schedule {schedule!r}.{named.did_you_mean(schedule, rates)} "
            f"Available: {', '.join(sorted(rates))}."
        )
    rate = rates[schedule]()
    if warmup_steps:
        rate = WarmUp(learning_rate, warmup_steps, rate)
    return make(learning_rate=rate, **options)


@keras.saving.register_keras_serializable(package="kd_keras")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from zero to `peak` in `steps` updates; then comes `after`.

    Args:
      peak: the learning rate after the rise.
      steps: number of updates of the rise.
      after: the constant or schedule that begins when the rise ends.

    Source: Goyal et al. 2017 (https://arxiv.org/abs/1706.02677), section 2.2.
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        after: float | keras.optimizers.schedules.LearningRateSchedule,
    ):
        self.peak = peak
        self.steps = steps
        self.after = after

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        rise = self.peak * step / self.steps
        after = self.after
        if callable(after):
            after = after(keras.ops.maximum(step - self.steps, 0.0))
        return keras.ops.where(step < self.steps, rise, after)

    def get_config(self) -> dict[str, Any]:
        # That of Keras' base class is an error.
        return {
            "peak": self.peak,
            "steps": self.steps,
            "after": keras.saving.serialize_keras_object(self.after),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        after = keras.saving.deserialize_keras_object(config["after"])
        return cls(**{**config, "after": after})
