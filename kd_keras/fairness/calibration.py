"""Calibration per group: ECE, Brier score and negative log-likelihood."""

from typing import NamedTuple

import numpy as np

from kd_keras.fairness.encoding import (
    Group,
    check_classes,
    check_length,
    check_minus_one,
    check_weights,
    encode_groups,
)
from kd_keras.fairness.rates import divide


class Calibration(NamedTuple):
    """Calibration of one group; NaN without examples.

    Attributes:
      ece: expected calibration error of the predicted class, in [0, 1]: mean over
        equal-width bins of |accuracy - confidence| (Guo et al. 2017).
      brier: mean squared error of the probabilities, summed over classes, and
        halved for two classes, so that it is the mean of (p - y)^2.
      nll: mean of -log p(label), in nats; infinite if a label has probability 0.
      examples: number of examples with a positive weight.
    """

    ece: float
    brier: float
    nll: float
    examples: int


def calibration(
    y_true, probabilities, *, groups, sample_weight=None, num_bins: int = 15
) -> tuple[Calibration, dict[Group, Calibration]]:
    """Measures calibration overall and per group.

    Args:
      y_true: labels, class indices `[examples]`.
      probabilities: `[examples, classes]`, or of class 1 only, `[examples]`.
      groups: group of each example, `[examples]`; None and NaN are missing. -1 beside
        integers from 0 on is refused, for it may be a group or a missing one.
      sample_weight: `[examples]`; None for ones.
      num_bins: equal-width bins of the confidence for the ECE.

    Returns:
      Calibration of all examples, and group -> calibration.

    Raises:
      ValueError: if lengths differ, probabilities are NaN, outside [0, 1] or do not
        sum to 1, or -1 may be a missing group.
    """
    probabilities = _check_probabilities(probabilities)
    num_examples, num_classes = probabilities.shape
    labels = check_classes("y_true", y_true, num_classes)
    check_length("y_true", labels, num_examples)
    names, index = encode_groups("groups", groups)
    check_length("groups", index, num_examples)
    weights = check_weights(sample_weight, num_examples)
    kept = weights > 0
    check_minus_one("groups", names, index[kept])
    examples = (probabilities[kept], labels[kept], weights[kept])
    overall = _calibration(*examples, np.zeros(kept.sum(), np.int64), 1, num_bins)
    by_group = _calibration(*examples, index[kept], len(names), num_bins)
    return overall[0], dict(zip(names, by_group, strict=True))


def _calibration(
    probabilities, labels, weights, index, num_groups: int, num_bins: int
) -> list[Calibration]:
    member = index >= 0
    probabilities, labels = probabilities[member], labels[member]
    weights, index = weights[member], index[member]
    of_label = probabilities[np.arange(len(labels)), labels]
    squares = (probabilities**2).sum(axis=1) - 2 * of_label + 1
    if probabilities.shape[1] == 2:
        squares = squares / 2
    with np.errstate(divide="ignore"):
        surprise = -np.log(of_label)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    # Bins are open on the left and closed on the right, as in Guo et al.
    bins = (np.ceil(confidence * num_bins) - 1).astype(int)
    off = np.bincount(
        index * num_bins + bins, weights * (right - confidence), num_groups * num_bins
    )
    total = np.bincount(index, weights, num_groups)
    columns = (
        divide(np.abs(off).reshape(num_groups, num_bins).sum(axis=1), total),
        divide(np.bincount(index, weights * squares, num_groups), total),
        divide(np.bincount(index, weights * surprise, num_groups), total),
        np.bincount(index, minlength=num_groups),
    )
    return [
        Calibration(*row)
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _check_probabilities(values) -> np.ndarray:
    probabilities = np.asarray(values, np.float64)
    if probabilities.ndim == 1:
        probabilities = np.column_stack([1 - probabilities, probabilities])
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise ValueError(
            "`probabilities` must have shape [examples] or [examples, classes]. "
            f"Received: {probabilities.shape}."
        )
    inside = (probabilities >= 0) & (probabilities <= 1)
    # Sums of low-precision probabilities are off by their rounding.
    if not inside.all() or (np.abs(probabilities.sum(axis=1) - 1) > 1e-2).any():
        raise ValueError(
            "`probabilities` must lie between 0 and 1, sum to 1 and not be NaN. "
            "Apply softmax to logits first."
        )
    return probabilities
