"""The thresholds of all groups: least error under a constraint."""

from collections.abc import Sequence

import numpy as np

from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.curves import Curve
from kd_keras.mitigation.windows import ROUNDING, choose_one_rate, choose_two_rates


class Search:
    """The groups' curves, in the form in which choices are looked for.

    Args:
      constraint: what is asked.
      curves: one for each group that the constraint holds for.
    """

    def __init__(self, constraint: Constraint, curves: Sequence[Curve]):
        self.rates = [[curve.rate(n) for n in constraint.rates] for curve in curves]
        self.errors = [constraint.errors(curve) for curve in curves]
        self.total = float(
            sum(c.true_positives[-1] + c.false_positives[-1] for c in curves)
        )
        # Accuracy neither rises nor falls with the threshold.
        self.order = [
            np.argsort(rates[0], kind="stable") if rates else np.arange(len(errors))
            for rates, errors in zip(self.rates, self.errors, strict=True)
        ]

    def gap(self, cuts: np.ndarray) -> float:
        """The largest difference of a rate between groups; 0 without rates."""
        chosen = [
            [rate[cut] for rate in rates]
            for rates, cut in zip(self.rates, cuts, strict=True)
        ]
        return float(np.ptp(chosen, axis=0).max(initial=0.0))

    def error(self, cuts: np.ndarray) -> float:
        """Weight of wrong predictions; inf where a floor is not reached."""
        chosen = [errors[cut] for errors, cut in zip(self.errors, cuts, strict=True)]
        return float(sum(chosen))

    def at_most(self, widths: Sequence[float]) -> np.ndarray | None:
        """The cuts of least error, `[groups]`.

        Args:
          widths: the largest allowed difference of each rate.

        Returns:
          None where no choice is allowed.
        """
        if not widths:
            cuts = np.array([int(errors.argmin()) for errors in self.errors])
            return None if np.isinf(self.error(cuts)) else cuts
        if len(widths) == 2:
            pairs = [(first, second) for first, second in self.rates]
            return choose_two_rates(pairs, self.errors, (widths[0], widths[1]))
        pairs_of = list(zip(self.rates, self.errors, self.order, strict=True))
        rates = [rates[0][order] for rates, _, order in pairs_of]
        errors = [errors[order] for _, errors, order in pairs_of]
        chosen = choose_one_rate(rates, errors, widths[0])
        if chosen is None:
            return None
        return np.array([o[i] for o, i in zip(self.order, chosen, strict=True)])

    def smallest_gap(self, cuts: np.ndarray, widths: Sequence[float]) -> np.ndarray:
        """The choice of the same error whose gap is the smallest."""
        while (gap := self.gap(cuts)) > 2 * ROUNDING:
            closer = self.at_most([min(w, gap - 2 * ROUNDING) for w in widths])
            if closer is None or self.error(closer) > self.error(cuts) * (1 + ROUNDING):
                break
            cuts = closer
        return cuts

    def frontier(self) -> list[np.ndarray]:
        """Every choice that no other beats in both error and gap, by falling gap."""
        rates = len(self.rates[0])
        cuts = self.at_most([1.0] * rates)
        found: list[np.ndarray] = []
        while cuts is not None:
            cuts = self.smallest_gap(cuts, [1.0] * rates)
            found.append(cuts)
            gap = self.gap(cuts)
            if gap <= 2 * ROUNDING:
                break
            cuts = self.at_most([gap - 2 * ROUNDING] * rates)
        return found

    def least_gap(self) -> float:
        """The smallest gap that any choice has; inf where a floor cannot be reached."""
        rates = len(self.rates[0])
        cuts = self.at_most([1.0] * rates)
        if cuts is None:
            return np.inf
        reachable, low = self.gap(cuts), 0.0
        while reachable - low > 1e-9:
            middle = (low + reachable) / 2
            cuts = self.at_most([middle] * rates)
            if cuts is None:
                low = middle
            else:
                reachable = min(middle, self.gap(cuts))
        return reachable
