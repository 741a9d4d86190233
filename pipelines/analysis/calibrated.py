"""Calibration of all examples, and of bootstrap draws of them."""

import numpy as np
import scipy.special

from kd_keras.fairness import calibration


def calibration_values(
    labels: np.ndarray, logits: np.ndarray, metric: str, replicates: int = 0
) -> np.ndarray:
    """Calibration of all examples, then of bootstrap replicates, `[1 + replicates]`.

    Calls with equally many examples draw the same ones.

    Args:
      labels: int64 `[examples]`.
      logits: float32 `[examples, classes]`.
      metric: "ece", "brier" or "nll".
      replicates: number of replicates.
    """
    examples = len(labels)
    probabilities = scipy.special.softmax(logits.astype(np.float64), axis=-1)
    share = np.full(examples, 1 / examples)
    draws = np.random.default_rng(0).multinomial(examples, share, replicates)
    nobody = np.full(examples, None)
    found = [
        calibration(labels, probabilities, groups=nobody, sample_weight=weights)[0]
        for weights in (None, *draws)
    ]
    return np.array([getattr(values, metric) for values in found])
