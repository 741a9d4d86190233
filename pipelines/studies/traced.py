"""One traced training step for the runs of a study."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from kd_keras import strategy
from pipelines.studies import layout
from pipelines.studies.layout import Run


class _Beginning(NamedTuple):
    """The state that the distilled students of a seed begin in.

    Attributes:
      seed: theirs.
      teacher: fingerprint of their teacher.
      state: values of `_state`.
    """

    seed: int
    teacher: str
    state: list[np.ndarray]


class TracedStep:
    """Trains the runs of a method that differ in seed and temperature with one step.

    TensorFlow traces the step of every new model, which takes seconds. So the model of
    the last run is kept, and gets every variable of a new one before it is trained
    again. What else a callback changes in a model would stay: they may change variables
    only. All runs are of one config and data set.
    """

    def __init__(self) -> None:
        self._model: keras.Model | None = None
        self._kind: tuple[str, str] | None = None
        self._beginning: _Beginning | None = None

    def again(self, run: Run, teacher: Callable[[], str]) -> keras.Model | None:
        """The kept model as `run` begins, if only its temperature differs.

        No model is built and no seed set, after which TensorFlow would prepare the step
        anew. So nothing in it may draw from TensorFlow's global generator.

        Args:
          run: what the model is to become.
          teacher: gives the fingerprint of its teacher; asked if all else is equal.

        Returns:
          The model, or None if the last run was of another kind, seed or teacher.
        """
        begun = self._beginning
        if self._model is None or begun is None:
            return None
        if _kind(run) != self._kind or run.seed != begun.seed:
            return None
        # A worker of a cluster outlives a study.
        if teacher() != begun.teacher:
            return None
        for kept, value in zip(_state(self._model), begun.state, strict=True):
            kept.assign(value)
        self._model.temperature = run.temperature
        return self._model

    def take(self, fresh: keras.Model, run: Run, teacher: str = "") -> keras.Model:
        """The model to train in the place of `fresh`.

        Args:
          fresh: a model, or a `Distiller` of one; built, compiled, not trained yet.
          run: what it is to become.
          teacher: fingerprint of the teacher whose logits it is shown, if any.

        Returns:
          The kept model, in the state of `fresh`; or `fresh`, if the last run was of
          another kind, or if it reads a teacher in its step or is on several devices.
        """
        self._beginning = None
        one_device = strategy.is_one_device(fresh.distribute_strategy)
        if getattr(fresh, "teacher", None) is not None or not one_device:
            self._model = None
            return fresh
        if self._model is None or _kind(run) != self._kind:
            self._model, self._kind = fresh, _kind(run)
        else:
            for kept, new in zip(_state(self._model), _state(fresh), strict=True):
                kept.assign(new)
        if run.model == layout.DS:
            state = [np.array(value) for value in _state(self._model)]
            self._beginning = _Beginning(run.seed, teacher, state)
        return self._model


def _kind(run: Run) -> tuple[str, str]:
    return run.model, run.method


def _state(model: keras.Model) -> list[Any]:
    """All variables but those of metrics, which every epoch resets."""
    if not model.optimizer.built:  # Loss scaling would make its state anew.
        model.optimizer.build(model.trainable_variables)
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + model.optimizer.variables
