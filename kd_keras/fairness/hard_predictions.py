"""Hard predictions from scores."""

import math
from typing import Literal, get_args

import numpy as np

# What a score is.
Scores = Literal["logits", "probabilities", "labels"]


def hard_predictions(
    values, *, scores: Scores | None = None, threshold: float = 0.5
) -> np.ndarray:
    """Turns scores into class indices.

    Args:
      values: `[examples]` or `[examples, 1]`, scores of class 1 of two, or
        `[examples, classes]`.
      scores: what a score is:

        - "logits": any real number; a single one is that of class 1 against class 0,
          like the margin of a support vector machine;
        - "probabilities": in [0, 1];
        - "labels": a class index, `[examples]` or `[examples, 1]`;
        - None: where the values settle it. The highest of several scores decides
          whatever they are; a single one outside of [0, 1] is a logit, 0 and 1 are
          the classes, and all others are asked for.
      threshold: probability of class 1 that has to be exceeded, in (0, 1); another
        one than 0.5 is for two classes.

    Returns:
      int64 `[examples]`: with several scores the highest, the first of equal ones.
      Class 1 means strictly greater than the threshold, as in TFMA.

    Raises:
      ValueError: if a score is NaN or infinite, contradicts `scores`, or may be a
        logit as well as a probability.
    """
    values = np.asarray(values)
    check_scores(scores)
    check_threshold(threshold)
    if values.ndim not in (1, 2) or (values.ndim == 2 and not values.shape[1]):
        raise ValueError(
            "Scores must have shape [examples] or [examples, classes]. Received: "
            f"{values.shape}."
        )
    single = values.ndim == 1 or values.shape[1] == 1
    check_finite(values)
    if scores == "labels":
        return _labels(values, single, threshold)
    if single:
        column = values.reshape(-1)
        kind = settled(column) if scores is None else scores
        _check_range(column, kind)
        return (column > _cut(kind, threshold)).astype(np.int64)
    _check_range(values, scores)
    if threshold == 0.5:
        return values.argmax(axis=1)
    if values.shape[1] != 2 or scores is None:
        raise ValueError(
            "A threshold is for the probability of class 1 of two, and what the scores "
            f"are must be said. Received: threshold={threshold}, scores={scores!r}, "
            f"{values.shape[1]} classes. Pass scores='probabilities' or 'logits'."
        )
    against = values[:, 1] if scores == "probabilities" else values[:, 1] - values[:, 0]
    return (against > _cut(scores, threshold)).astype(np.int64)


def settled(column: np.ndarray) -> Scores:
    """What single scores `[examples]` must be, judged by their values alone.

    Raises:
      ValueError: if they can be logits as well as probabilities.
    """
    if ((column == 0) | (column == 1)).all():
        return "probabilities"
    if (column < 0).any() or (column > 1).any():
        return "logits"
    raise ValueError(
        "One score for each example, all within [0, 1], may be probabilities or "
        f"logits. Received: {column.min():.4g} to {column.max():.4g}. Say what they "
        "are: scores='probabilities' or scores='logits'."
    )


def check_scores(scores) -> None:
    """Raises ValueError unless it says what a score is, or is None."""
    if scores is not None and scores not in get_args(Scores):
        raise ValueError(
            f"`scores` must be one of {list(get_args(Scores))}. Received: {scores!r}."
        )


def check_threshold(threshold: float) -> None:
    """Raises ValueError unless 0 < threshold < 1."""
    if not 0 < threshold < 1:
        raise ValueError(
            "`threshold` must be a probability between 0 and 1, also of logits. "
            f"Received: {threshold}."
        )


def check_finite(values: np.ndarray) -> None:
    """Raises ValueError for NaN, and for Inf unless it only says "impossible"."""
    if values.dtype.kind not in "f" and values.dtype.name != "bfloat16":
        return
    nan = int(np.isnan(values).sum())
    if nan:
        raise ValueError(
            f"Scores must not be NaN. Received: {nan} NaN of {values.size} values, the "
            f"first in row {_first_row(np.isnan(values))}. Check that training did not "
            "diverge."
        )
    # The logarithm of an impossible class's probability is -Inf beside finite ones.
    infinite = np.isinf(values)
    if values.ndim == 2 and values.shape[1] > 1:
        infinite = np.isinf(values.max(axis=1))
    if infinite.any():
        raise ValueError(
            f"Scores must be finite. Received: Inf in {int(infinite.sum())} of "
            f"{len(values)} rows, the first of them row {_first_row(infinite)}. Check "
            "that training did not diverge."
        )


def _first_row(wrong: np.ndarray) -> int:
    return int(np.nonzero(wrong)[0][0])


def _check_range(values: np.ndarray, scores: Scores | None) -> None:
    if scores != "probabilities":
        return
    # A softmax in half precision may exceed 1 by its last bit.
    slack = 0.01 if values.dtype.itemsize == 2 else 1e-6
    wrong = (values < -slack) | (values > 1 + slack)
    if wrong.any():
        raise ValueError(
            f"Probabilities must lie in [0, 1]. Received: {values[wrong][0]:.4g} in "
            f"row {_first_row(wrong)}. If they are logits, pass scores='logits'."
        )


def _cut(scores: Scores, threshold: float) -> float:
    if scores == "probabilities":
        return threshold
    return math.log(threshold / (1 - threshold))


def _labels(values: np.ndarray, single: bool, threshold: float) -> np.ndarray:
    if not single or threshold != 0.5:
        raise ValueError(
            "Labels are one class index for each example, and have no threshold. "
            f"Received: shape {values.shape}, threshold={threshold}."
        )
    column = values.reshape(-1)
    listed = [] if column.dtype.kind in "biu" else column.tolist()
    wrong = [v for v in listed if not isinstance(v, int | float) or v % 1]
    if wrong:
        raise ValueError(
            f"Labels must be class indices. Received: {wrong[0]!r}. If they are "
            "scores, pass scores='probabilities' or 'logits'."
        )
    return column.astype(np.int64)
