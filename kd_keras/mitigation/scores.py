"""Scores of two classes as one number per example."""

from typing import Any

import numpy as np

from kd_keras.fairness.encoding import check_length


def class_one_scores(scores: Any, from_logits: bool) -> np.ndarray:
    """The probability of class 1, or the logit of class 1 minus that of class 0.

    Args:
      scores: `[examples]` or `[examples, 1]` of class 1, or `[examples, 2]`.
      from_logits: whether they are logits; else probabilities in [0, 1].

    Returns:
      `[examples]`, of the dtype of `scores`, at least float32.

    Raises:
      ValueError: if the shape is another one, a score is not finite, or a probability
        lies outside of [0, 1].
    """
    array = np.asarray(scores)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`scores` must be numbers. Received: dtype {array.dtype}.")
    if array.dtype != np.float64:
        array = array.astype(np.float32)
    if array.ndim == 2 and array.shape[1] == 2:
        array = array[:, 1] - array[:, 0] if from_logits else array[:, 1]
    elif array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            "`scores` must have shape [examples], [examples, 1] or [examples, 2]. "
            f"Received: {array.shape}. For more classes use GroupOffsets."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"`scores` must be finite. Received: {(~np.isfinite(array)).sum()} that "
            "are not. Check that training did not diverge."
        )
    if not from_logits and len(array) and not 0 <= array.min() <= array.max() <= 1:
        raise ValueError(
            "`scores` must be probabilities in [0, 1]. Received: values from "
            f"{array.min():g} to {array.max():g}. Pass from_logits=True for logits."
        )
    return array


def binary_labels(labels: Any, num_examples: int) -> np.ndarray:
    """Labels as int64 `[examples]`, checked to be 0 or 1."""
    array = np.asarray(labels)
    check_length("labels", array, num_examples)
    if not np.isin(array, (0, 1)).all():
        bad = array[~np.isin(array, (0, 1))][0]
        raise ValueError(f"`labels` must be 0 or 1. Received: {bad!r}.")
    return array.astype(np.int64)
