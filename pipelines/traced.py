"""One traced training step for the runs of a study."""

import json
from typing import Any

import keras

from kd_keras import strategy

# Numbers that a traced step reads from variables.
LIVE = ("temperature", "alpha")


class TracedStep:
    """Has models that are made alike trained by the step of the first of them.

    TensorFlow traces the step of every new model: some seconds for ResNet-20, a
    quarter of a minute for TinyViT. Runs that differ in seed and temperature have the
    same step. The model of the last run is kept for it, and the next one gets every
    variable of a new model before it is trained, so nothing of the last run is left.
    """

    def __init__(self) -> None:
        self._model: keras.Model | None = None
        self._form = ""

    def take(self, fresh: keras.Model) -> keras.Model:
        """The model to train in the place of `fresh`.

        Args:
          fresh: made by `kd_keras.models.build`, alone or in a `Distiller`, compiled,
            and not trained yet.

        Returns:
          The kept model, in the state of `fresh`; or `fresh`, if the kept one was
          made otherwise, reads a teacher in its step, or is on several devices.
        """
        teacher = getattr(fresh, "teacher", None)
        if teacher is not None or not strategy.is_one_device(fresh.distribute_strategy):
            return fresh
        form = _form(fresh)
        if self._model is None or form != self._form:
            self._model, self._form = fresh, form
        else:
            for kept, new in zip(_state(self._model), _state(fresh), strict=True):
                kept.assign(new)
        return self._model


def _form(model: keras.Model) -> str:
    """What its step is traced from: layers, loss, metrics, optimizer, settings."""
    serialized = keras.saving.serialize_keras_object(model)
    for name in LIVE:
        if isinstance(serialized["config"].get(name), float):
            del serialized["config"][name]
    return json.dumps(serialized, sort_keys=True)


def _state(model: keras.Model) -> list[Any]:
    """All variables but those of metrics, which every epoch resets."""
    model.optimizer.build(model.trainable_variables)
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + model.optimizer.variables
