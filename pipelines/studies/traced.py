"""One traced training step for the runs of a study."""

from typing import Any

import keras

from kd_keras import strategy


class TracedStep:
    """Trains the runs of a method that differ in seed and temperature with one step.

    TensorFlow traces the step of every new model, which takes seconds. So the model of
    the last run is kept, and gets every variable of a new one before it is trained
    again. What else a callback changes in a model would stay: they may change variables
    only. All runs are of one config and data set.
    """

    def __init__(self) -> None:
        self._model: keras.Model | None = None
        self._kind = ""

    def take(self, fresh: keras.Model, kind: str) -> keras.Model:
        """The model to train in the place of `fresh`.

        Args:
          fresh: a model, or a `Distiller` of one; built, compiled, not trained yet.
          kind: `Run.model` and `Run.method` of its run.

        Returns:
          The kept model, in the state of `fresh`; or `fresh`, if the last run was of
          another kind, or if it reads a teacher in its step or is on several devices.
        """
        teacher = getattr(fresh, "teacher", None)
        if teacher is not None or not strategy.is_one_device(fresh.distribute_strategy):
            self._model = None
            return fresh
        if self._model is None or kind != self._kind:
            self._model, self._kind = fresh, kind
        else:
            for kept, new in zip(_state(self._model), _state(fresh), strict=True):
                kept.assign(new)
        return self._model


def _state(model: keras.Model) -> list[Any]:
    """All variables but those of metrics, which every epoch resets."""
    model.optimizer.build(model.trainable_variables)
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + model.optimizer.variables
