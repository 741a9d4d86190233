"""Disagreement of two models' hard predictions."""

import numpy as np

from kd_keras.fairness.encoding import check_classes, check_length


def disagreement_matrix(a, b, num_classes: int) -> np.ndarray:
    """Counts the examples on which two models predict different classes.

    Args:
      a: hard predictions of the first model (teacher), class indices `[examples]`.
      b: hard predictions of the second model (student), `[examples]`.
      num_classes: number of classes.

    Returns:
      int64 `[num_classes, num_classes]`: entry (i, j) counts the examples with
      prediction i of a and j of b; the diagonal is 0. The sum over all entries,
      divided by the number of examples, is E[CMP] of Mohammadshahi & Ioannou (2025).

    Raises:
      ValueError: if lengths differ, or a prediction is no class.
    """
    a = check_classes("a", a, num_classes)
    b = check_classes("b", b, num_classes)
    check_length("b", b, len(a))
    counts = np.bincount(a * num_classes + b, minlength=num_classes**2)
    matrix = counts.reshape(num_classes, num_classes)
    np.fill_diagonal(matrix, 0)
    return matrix
