"""How far predictions are from fulfilling a constraint, for many of them at once."""

import dataclasses
import math

import numpy as np

from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.intervals import wilson
from kd_keras.fairness.rates import divide
from kd_keras.mitigation.constraints import DENOMINATORS, Constraint


@dataclasses.dataclass(frozen=True)
class Measure:
    """A constraint on units of examples, with their labels.

    Attributes:
      constraint: what is asked.
      weights: sum of weights by unit and label, `[units, classes]`.
      effective: (sum of weights)^2 / sum of squared weights, `[units, classes]`.
      width: the largest allowed gap, with what is kept free taken off.
    """

    constraint: Constraint
    weights: np.ndarray
    effective: np.ndarray
    width: float = math.inf

    def gap(self, selected: np.ndarray, hits: np.ndarray) -> np.ndarray:
        """The gap, as `kd_keras.fairness.gap` has it; 0 where it is undefined.

        Args:
          selected: weight of the examples that are predicted a class,
            `[..., units, classes]`.
          hits: of those among them whose label it is.

        Returns:
          `[...]`.
        """
        if self.constraint.gap is None:
            return np.zeros(selected.shape[:-2])
        gaps = [
            GAPS[self.constraint.gap].compare(self.rate(name, selected, hits), None)
            for name in self.constraint.rates
        ]
        by_class = np.maximum.reduce(gaps)  # NaN where either is.
        defined = np.isfinite(by_class)
        total = np.where(defined, by_class, 0).sum(-1)
        return total / np.maximum(defined.sum(-1), 1)

    def violation(self, selected: np.ndarray, hits: np.ndarray) -> np.ndarray:
        """By how much the gap is too large and floors are missed, `[...]`."""
        missed = np.maximum(self.gap(selected, hits) - self.width - 1e-12, 0)
        for name, least in self.constraint.floor.items():
            ends = self._lower_ends(name, selected, hits)
            short = np.where(np.isnan(ends), 0, least - 1e-12 - ends)
            missed = missed + np.maximum(short, 0).max((-2, -1))
        return missed

    def lowest(self, name: str, selected: np.ndarray, hits: np.ndarray) -> float:
        """The lowest of the units' and classes' rates, by their intervals' ends."""
        return float(np.nanmin(self._lower_ends(name, selected, hits)))

    def rate(self, name: str, selected: np.ndarray, hits: np.ndarray) -> np.ndarray:
        """A rate, one-vs-rest, `[..., units, classes]`; NaN where it is undefined.

        Of two classes there is the second alone, and of accuracy a single one.
        """
        total = self.weights.sum(-1, keepdims=True)
        if name == "accuracy":
            return divide(hits.sum(-1, keepdims=True), total)
        rates = {
            "selection_rate": (selected, total),
            "true_positive_rate": (hits, self.weights),
            "false_positive_rate": (selected - hits, total - self.weights),
            "true_negative_rate": (
                total - self.weights - selected + hits,
                total - self.weights,
            ),
        }
        rate = divide(*rates[name])
        return rate[..., 1:] if rate.shape[-1] == 2 else rate

    def trials(self, name: str) -> np.ndarray:
        """The effective number of examples of a rate, `[units, classes]`."""
        total = self.effective.sum(-1, keepdims=True)
        if name == "accuracy":
            return total
        by_label = {
            (0, 1): np.broadcast_to(total, self.effective.shape),
            (1,): self.effective,
            (0,): total - self.effective,
        }
        trials = by_label[DENOMINATORS[name]]
        return trials[:, 1:] if trials.shape[-1] == 2 else trials

    def standard_error(self, selected: np.ndarray, hits: np.ndarray) -> float:
        """Of the gap, at most: that of a class's rate, as in `constraints`, averaged.

        The largest of several rates; the mean over classes bounds that of their mean.
        """
        errors = [0.0]
        for name in self.constraint.rates:
            rate, trials = self.rate(name, selected, hits), self.trials(name)
            found = np.where(np.isnan(rate), 0, rate) * trials
            common = (found.sum(0) + 2) / (trials.sum(0) + 4)
            few = np.sort(np.where(trials > 0, trials, np.inf), axis=0)[:2]
            by_class = np.sqrt(common * (1 - common) * (1 / few).sum(0))
            errors.append(float(by_class.mean()))
        return max(errors)

    def _lower_ends(
        self, name: str, selected: np.ndarray, hits: np.ndarray
    ) -> np.ndarray:
        rate = self.rate(name, selected, hits)
        margin = self.constraint.margin
        if margin == 0:
            return rate
        trials = np.broadcast_to(self.trials(name), rate.shape)
        return wilson(rate * trials, trials, level=math.erf(margin / math.sqrt(2)))[0]
