"""Hard predictions from scores."""

import numpy as np


def hard_predictions(scores, *, threshold: float = 0.5) -> np.ndarray:
    """Turns scores into class indices.

    Args:
      scores: `[examples]` or `[examples, 1]`, scores of class 1, or
        `[examples, classes]`, probabilities or logits.
      threshold: of a single score: class 1 means strictly greater, as in TFMA. Use 0
        for logits.

    Returns:
      int64 `[examples]`: with several classes the highest score, the first of equal
      ones.

    Raises:
      ValueError: if a score is NaN or the shape is another one.
    """
    scores = np.asarray(scores)
    if scores.ndim not in (1, 2):
        raise ValueError(
            "`scores` must have shape [examples] or [examples, classes]. Received: "
            f"{scores.shape}."
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"`scores` must not be NaN. Received: {int(np.isnan(scores).sum())} NaN "
            f"of {scores.size} values. Check that training did not diverge."
        )
    if scores.ndim == 2 and scores.shape[1] > 1:
        return scores.argmax(axis=1)
    return (scores.reshape(-1) > threshold).astype(np.int64)
