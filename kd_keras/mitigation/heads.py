"""A head on a student's features that tells the group, where it is not known."""

from typing import Any

import keras
import numpy as np
import scipy.optimize
import scipy.special

from kd_keras.fairness.encoding import check_length
from kd_keras.keras_internals import layer_behind


def group_head(
    student: keras.Model,
    x: Any,
    groups: Any,
    *,
    layer: str | None = None,
    l2: float = 1e-4,
) -> keras.Model:
    """Fits a multinomial logistic regression from a student's features to the group.

    It is the convex problem's solution (L-BFGS), hence deterministic. Neither the
    student nor its weights change. Fit it on training examples, and the thresholds on
    validation examples with the groups that it tells there.

    Args:
      student: a functional or sequential model.
      x: what the student takes, arrays of `[examples, ...]`.
      groups: index of each example's group, 0 to groups - 1, `[examples]`; -1 where
        it is missing.
      layer: name of the layer whose output are the features; None for what goes into
        the last one.
      l2: penalty on the squared coefficients of standardized features, per example.

    Returns:
      A model from the student's inputs to one logit per group. It shares the student's
      layers, and `wrap` computes them once for both.

    Raises:
      ValueError: if there are fewer than two groups, or an index is no integer.
    """
    codes = np.asarray(groups)
    if codes.dtype.kind not in "iu" or codes.ndim != 1 or not (codes > 0).any():
        raise ValueError(
            "`groups` must be indices, integers [examples], of at least two groups. "
            f"Received: {codes.dtype} of shape {codes.shape}, the highest "
            f"{codes.max(initial=-1) if codes.dtype.kind in 'iu' else '-'}. Number "
            "the groups 0, 1, ..."
        )
    features = (
        layer_behind(student.outputs[0]).input
        if layer is None
        else student.get_layer(layer).output
    )
    if len(features.shape) > 2:
        features = keras.layers.Flatten()(features)
    inputs = student.inputs if isinstance(student, keras.Sequential) else student.input
    read = keras.Model(inputs, features)
    values = np.asarray(read.predict(x, verbose=0), np.float64)
    check_length("groups", codes, len(values))
    kernel, bias = _fitted(values[codes >= 0], codes[codes >= 0], l2)
    head = keras.layers.Dense(kernel.shape[1], dtype="float32", name="group")
    model = keras.Model(inputs, head(features), name=f"{student.name}_group")
    head.set_weights([kernel, bias])
    return model


def _fitted(
    values: np.ndarray, codes: np.ndarray, l2: float
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel `[features, groups]` and bias `[groups]` of the raw features."""
    mean, deviation = values.mean(0), values.std(0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    x = np.append((values - mean) / deviation, np.ones((len(values), 1)), axis=1)
    target = np.eye(codes.max() + 1)[codes]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(x.shape[1], -1)
        logits = x @ weights
        log_p = logits - scipy.special.logsumexp(logits, axis=1, keepdims=True)
        penalized = np.where(np.arange(len(weights))[:, None] < len(weights) - 1, l2, 0)
        value = -(target * log_p).sum(1).mean() + (penalized * weights**2).sum() / 2
        gradient = x.T @ (np.exp(log_p) - target) / len(x) + penalized * weights
        return float(value), gradient.ravel()

    start = np.zeros(x.shape[1] * target.shape[1])
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x
    weights = found.reshape(x.shape[1], -1)
    kernel = weights[:-1] / deviation[:, None]
    return kernel, weights[-1] - mean @ kernel
