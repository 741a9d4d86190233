"""Teachers: run without a trace of it, fingerprinted, never trained."""

import hashlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras import named


class Teacher:
    """A model that gives logits and that nothing here may change.

    It is no Keras or TensorFlow trackable, so that whoever holds it neither
    saves nor trains the model.

    Args:
      model: a built `keras.Model` or layer (`keras.layers.TFSMLayer`
        included), a loaded SavedModel, or one of its signatures.

    Raises:
      ValueError: if the model is not built, is none of these, or is a SavedModel of
        several signatures and no "serving_default".
    """

    def __init__(self, model: Any):
        self.model = model
        self._run = model
        if isinstance(model, keras.layers.Layer):
            if not model.built:
                raise ValueError(
                    "`teacher` must be trained, this one has no weights yet. "
                    f"Received: {model.name!r} ({type(model).__name__}), not built. "
                    "Call it on a batch and load its weights, or load it from a file."
                )
        else:
            self._run = _signature(model)

    def __call__(self, x: Any) -> Any:
        """Outputs for a batch, in inference mode."""
        if isinstance(self.model, keras.layers.Layer):
            # Updates of variables inside the scope are dropped: a layer that
            # draws random numbers or counts in inference changes nothing.
            with keras.StatelessScope():
                return self._run(x, training=False)
        outputs = self._run(**_signature_inputs(self._run, x))
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    @property
    def weights(self) -> list[Any]:
        """Variables behind the outputs; no metrics and no random seeds."""
        if isinstance(self.model, keras.layers.Layer):
            return self.model.weights
        return sorted(self._run.variables, key=lambda weight: weight.name)


def fingerprint(teachers: Sequence[Teacher]) -> str:
    """SHA-256 over name, shape, dtype and bytes of every weight, in hex.

    Args:
      teachers: list of `Teacher`s.

    Returns:
      String of 64 characters.
    """
    digest = hashlib.sha256()
    for teacher in teachers:
        for weight in teacher.weights:
            value = np.ascontiguousarray(weight.numpy())
            digest.update(f"{weight.name}{value.shape}{value.dtype}".encode())
            digest.update(value.tobytes())
    return digest.hexdigest()


def _signature(model: Any) -> Any:
    signatures = getattr(model, "signatures", None)
    if signatures and ("serving_default" in signatures or len(signatures) == 1):
        return signatures.get("serving_default") or next(iter(signatures.values()))
    if signatures:
        raise ValueError(
            "`teacher` must be one signature of this SavedModel, which has several "
            f"and no 'serving_default'. Received: {sorted(signatures)}. Pass one of "
            "`model.signatures`, and keep the model."
        )
    if isinstance(model, tf.types.experimental.ConcreteFunction):
        _check_alive(model)
        return model
    raise ValueError(
        "`teacher` must be a keras.Model, a keras.layers.TFSMLayer, a SavedModel "
        "loaded by tf.saved_model.load or one of its signatures. "
        f"Received: {model!r} of type {type(model).__name__}. "
        "Wrap it in one of these."
    )


def _check_alive(signature: Any) -> None:
    try:
        _ = signature.variables
    except AssertionError as error:
        raise ValueError(
            "`teacher` is a signature whose variables are gone, because nothing holds "
            f"its SavedModel. Received: {signature.name!r}. Pass the object that "
            "tf.saved_model.load returned."
        ) from error


def _signature_inputs(signature: Any, x: Any) -> dict[str, tf.Tensor]:
    specs = signature.structured_input_signature[1]
    given = x if isinstance(x, dict) else keras.tree.flatten(x)
    # A SavedModel keeps the names of its inputs, not their order.
    if not isinstance(x, dict) and len(given) == len(specs) == 1:
        given = dict(zip(specs, given, strict=True))
    try:
        taken = named.of_signature(specs, given if isinstance(given, dict) else {})
    except KeyError:
        raise ValueError(
            f"`x` must give the inputs {sorted(specs)} of the teacher's signature. "
            f"Received: {keras.tree.map_structure(lambda t: tuple(t.shape), x)}. "
            "Pass a dict with these names."
        ) from None
    return {name: tf.cast(taken[name], spec.dtype) for name, spec in specs.items()}
