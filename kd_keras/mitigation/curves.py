"""What every threshold does to the examples of one group."""

import dataclasses
import functools

import numpy as np

from kd_keras.fairness.rates import divide


@dataclasses.dataclass(frozen=True)
class Curve:
    """Counts of one group for every threshold that tells its examples apart.

    Cut k predicts class 1 for the k highest distinct scores; equal scores are never
    separated. Everything is summed by sample weight.

    Attributes:
      scores: the distinct scores, `[cuts - 1]`, falling.
      true_positives: weight of positives predicted 1, `[cuts]`, rising.
      false_positives: weight of negatives predicted 1, `[cuts]`, rising.
      effective: label -> (sum of weights)^2 / (sum of squared weights) of the group's
        examples with that label (Kish 1965): their number without weights.
      examples: label -> number of examples.
    """

    scores: np.ndarray
    true_positives: np.ndarray
    false_positives: np.ndarray
    effective: tuple[float, float]
    examples: tuple[int, int]

    @functools.cached_property
    def thresholds(self) -> np.ndarray:
        """`[cuts]`: inf (nobody), half way between scores, -inf (everybody).

        Class 1 means a score strictly above.
        """
        higher, lower = self.scores[:-1], self.scores[1:]
        between = lower + (higher - lower) / 2
        # Neighbours in floating point have nothing between them.
        inside = (lower < between) & (between < higher)
        middle = np.where(inside, between, lower)
        return np.concatenate([[np.inf], middle, [-np.inf][: len(self.scores)]])

    @functools.cached_property
    def errors(self) -> np.ndarray:
        """Weight of wrong predictions, `[cuts]`."""
        return self.false_positives + (self.true_positives[-1] - self.true_positives)

    def rate(self, name: str) -> np.ndarray:
        """A rate of every cut, `[cuts]`, NaN where its denominator is empty.

        Args:
          name: a key of `kd_keras.mitigation.constraints.DENOMINATORS`.
        """
        tp, fp = self.true_positives, self.false_positives
        total = tp[-1:] + fp[-1:]
        if name == "true_positive_rate":
            return divide(tp, tp[-1:])
        if name == "false_positive_rate":
            return divide(fp, fp[-1:])
        if name == "true_negative_rate":
            return divide(fp[-1] - fp, fp[-1:])
        if name == "selection_rate":
            return divide(tp + fp, total)
        return divide(total - self.errors, total)

    def cut(self, threshold: float) -> int:
        """The cut that a threshold makes."""
        return int((self.scores > threshold).sum())


def curve(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Curve:
    """Sorts the examples of one group once.

    Args:
      scores: `[examples]`, floats.
      labels: 0 or 1, `[examples]`.
      weights: positive, `[examples]`.

    Returns:
      The group's curve.
    """
    order = np.argsort(-scores, kind="stable")
    scores, labels, weights = scores[order], labels[order], weights[order]
    ends = np.append(np.nonzero(scores[1:] != scores[:-1])[0], len(scores) - 1)
    ends = ends[: len(scores)]  # None without examples.

    def summed(values: np.ndarray) -> np.ndarray:
        return np.append(0.0, np.cumsum(values)[ends])

    by_label = [weights[labels == label] for label in (0, 1)]
    return Curve(
        scores[ends],
        summed(weights * labels),
        summed(weights * (1 - labels)),
        (_kish(by_label[0]), _kish(by_label[1])),
        (len(by_label[0]), len(by_label[1])),
    )


def _kish(weights: np.ndarray) -> float:
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
