"""Hard predictions of anything that can be audited."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.auditing.scores import Reader
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.distiller.teacher import Teacher
from kd_keras.export import load
from kd_keras.fairness.hard_predictions import Scores
from kd_keras.known_scores import Known, of_keras, of_signature

# (model's inputs, number of examples before this batch) -> scores of the batch.
Function = Callable[[Any, int], np.ndarray]


class Predictor:
    """One audited model: from a batch of examples to class indices.

    Args:
      name: the model's name, for errors.
      model: as in `audit`.
      spec: the data set's spec.
      scores: what the caller says that a score is, or None.
      threshold: probability of class 1 that has to be exceeded; None for 0.5.
      by_name: whether the data is a user's own table, whose labels may be numbers
        that are names: labels of a function or an array are read as they are.

    Raises:
      TypeError: if it is nothing that can be audited.
      ValueError: if the model is not built, a file has no model, or the model
        contradicts `scores`.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        spec: DatasetSpec,
        scores: Scores | None = None,
        threshold: float | None = None,
        *,
        by_name: bool = False,
    ):
        self.name = name
        self.spec = spec
        self.size: int | None = None
        self.known: Known | None = None
        # Held, since a signature's variables live as long as its SavedModel.
        self.model = _load(name, model)
        self.function = self._function(self.model)
        # Keras has learnt indices, whatever the table says.
        learnt = isinstance(self.model, keras.layers.Layer)
        learnt = learnt or hasattr(self.model, "signatures")
        self.read = Reader(
            f"`models[{name!r}]`",
            spec.class_names,
            scores,
            self.known,
            threshold,
            by_name=by_name and not learnt,
        )

    def __call__(self, batch: Mapping[str, tf.Tensor], first: int) -> np.ndarray:
        """Predicts a batch of examples that begins with example `first`.

        Returns:
          Class indices, int64 `[batch]`.
        """
        values = self.function(self.spec.inputs(batch), first)
        return self.read(values, first, len(batch[self.spec.label]))

    def check_end(self, examples: int) -> None:
        """Raises a ValueError if an array has more rows than there are examples."""
        if self.size not in (None, examples):
            raise ValueError(
                f"`models[{self.name!r}]` must have one row for each of the "
                f"{examples} examples. Received: {self.size} rows."
            )

    def _function(self, model: Any) -> Function:
        if isinstance(model, keras.layers.Layer):
            return self._of_keras(model)
        if hasattr(model, "signatures"):
            return self._of_saved_model(model)
        if callable(model):
            return lambda inputs, first: np.asarray(model(inputs))
        if hasattr(model, "__array__"):
            array = np.asarray(model)
            self.size = len(array)
            size = _batch_size
            return lambda inputs, first: array[first : first + size(inputs)]
        raise TypeError(
            f"`models[{self.name!r}]` must be a Keras model, a SavedModel or its path, "
            "a function from inputs to scores, or an array of scores. Received: "
            f"{type(model).__name__}."
        )

    def _of_keras(self, model: keras.layers.Layer) -> Function:
        if not model.built:
            raise ValueError(
                f"`models[{self.name!r}]` has no weights yet. Received: "
                f"{model.name!r}, not built. Train it, or load it from a file."
            )
        self.known = of_keras(model)
        # Teacher: an audit must change nothing in the model.
        call = tf.function(Teacher(model), reduce_retracing=True)
        return lambda inputs, first: np.asarray(call(inputs))

    def _of_saved_model(self, model: Any) -> Function:
        signatures = model.signatures
        name = "serving_features" if "serving_features" in signatures else ""
        name = name or "serving_default"
        if name not in signatures:
            raise ValueError(
                f"`models[{self.name!r}]` must have a signature 'serving_default' or "
                f"'serving_features'. Received: {sorted(signatures)}. Export it with "
                "kd_keras.export.export()."
            )
        self.known = of_signature(signatures[name].structured_outputs)
        call = Teacher(signatures[name])
        return lambda inputs, first: np.asarray(call(inputs))


def _load(name: str, model: Any) -> Any:
    if not isinstance(model, str | os.PathLike):
        return model
    path = os.fspath(model)
    if not files.exists(path):
        raise ValueError(
            f"`models[{name!r}]` must be the path of a SavedModel or a .keras file. "
            f"Received: {path!r}, which does not exist."
        )
    if path.endswith(".keras"):
        return keras.models.load_model(path)
    return load(path)


def _batch_size(inputs: Any) -> int:
    return len(keras.tree.flatten(inputs)[0])
