"""The one number that calibrates the logits of a trained model."""

import numpy as np
import scipy.optimize

from kd_keras.fairness.encoding import check_classes, check_length, check_weights

# exp of these; a model that is right everywhere would like to be infinitely sure.
_BOUNDS = (np.log(0.01), np.log(1000.0))


def calibration_temperature(y_true, logits, *, sample_weight=None) -> float:
    """The temperature T at which softmax(logits / T) has the smallest NLL.

    It changes how sure a model is and not what it predicts (Guo et al. 2017, On
    Calibration of Modern Neural Networks, section 4.2). Fit it on examples that are not
    those on which calibration is measured. It is no temperature of distillation.

    Args:
      y_true: labels, class indices `[examples]`.
      logits: float `[examples, classes]`.
      sample_weight: `[examples]`; None for ones.

    Returns:
      T, in [0.01, 1000]; 1 where all logits of each example are equal. Examples of
      weight 0 are absent.

    Raises:
      ValueError: if lengths differ, there is no example of a weight above 0, or a logit
        is not finite.
    """
    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2 or not logits.size or not np.isfinite(logits).all():
        raise ValueError(
            "`logits` must be finite, [examples, classes], with an example at least. "
            f"Received: shape {logits.shape}, {np.isfinite(logits).sum()} finite."
        )
    examples, classes = logits.shape
    labels = check_classes("y_true", y_true, classes)
    check_length("y_true", labels, examples)
    weights = check_weights(sample_weight, examples)
    # Only differences to the label's logit matter.
    margins = logits - logits[np.arange(examples), labels][:, np.newaxis]
    margins, weights = margins[weights > 0], weights[weights > 0]
    if not len(weights):
        raise ValueError("`sample_weight` must not be 0 for all examples.")
    if not margins.any():
        return 1.0

    def slope(log_temperature: float) -> float:
        """d NLL / d(1 / T), in which the NLL is convex: it falls as T rises."""
        scaled = margins / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        odds = np.exp(scaled, out=scaled)
        expected = np.einsum("ec,ec->e", odds, margins) / odds.sum(axis=1)
        return float(weights @ expected)

    coldest, hottest = _BOUNDS
    if slope(coldest) <= 0:
        return float(np.exp(coldest))
    if slope(hottest) >= 0:
        return float(np.exp(hottest))
    return float(np.exp(scipy.optimize.brentq(slope, *_BOUNDS, xtol=1e-9)))
