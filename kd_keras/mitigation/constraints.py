"""What a mended model must fulfil, with room for chance."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.intervals import wilson
from kd_keras.mitigation.curves import Curve

# Rate -> the labels of the examples that it is a share of.
DENOMINATORS: Mapping[str, tuple[int, ...]] = {
    "accuracy": (0, 1),
    "selection_rate": (0, 1),
    "true_positive_rate": (1,),
    "false_positive_rate": (0,),
    "true_negative_rate": (0,),
}
COUNTED = {(0, 1): "examples", (1,): "positives", (0,): "negatives"}

# A gap -> the rate that tells whether a group is better or worse off.
BENEFITS = {
    "demographic_parity_difference": "selection_rate",
    "equal_opportunity_difference": "true_positive_rate",
    "equalized_odds_difference": "true_positive_rate",
    "false_positive_rate_difference": "true_negative_rate",
    "accuracy_gap": "accuracy",
}
FLOORS = ("accuracy", "selection_rate", "true_positive_rate", "true_negative_rate")


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A gap that may be at most so large, or floors that every group must reach.

    Attributes:
      gap: a key of BENEFITS; None for floors alone.
      at_most: the largest allowed gap, in [0, 1].
      floor: rate -> the least value of every group, in [0, 1].
      margin: standard errors kept free between what is measured and what is allowed.

    Raises:
      ValueError: if there is nothing to fulfil, or a value is out of its domain.
    """

    gap: str | None = None
    at_most: float | None = None
    floor: Mapping[str, float] = dataclasses.field(default_factory=dict)
    margin: float = 0.0

    def __post_init__(self) -> None:
        if self.gap is None and not self.floor:
            raise ValueError(
                "`gap` or `floor` is needed. Received: neither. Pass "
                'gap="equal_opportunity_difference" with at_most=0.02, or '
                'floor={"true_positive_rate": 0.8}.'
            )
        if self.gap == "worst_group_accuracy":
            raise ValueError(
                "`gap` must be a difference. Received: 'worst_group_accuracy'. Pass "
                'floor={"accuracy": 0.8} in its place.'
            )
        if self.gap is not None and self.gap not in BENEFITS:
            raise ValueError(
                f"`gap` must be one of {list(BENEFITS)}. Received: {self.gap!r}."
            )
        if (self.gap is None) != (self.at_most is None):
            raise ValueError(
                "`gap` and `at_most` belong together. Received: "
                f"gap={self.gap!r}, at_most={self.at_most!r}. Pass both."
            )
        if self.at_most is not None:
            _check_share("at_most", self.at_most)
        for rate, least in self.floor.items():
            if rate not in FLOORS:
                raise ValueError(
                    f"`floor` must name rates of {list(FLOORS)}. Received: {rate!r}."
                )
            _check_share(f"floor[{rate!r}]", least)
        if not 0 <= self.margin < math.inf:
            raise ValueError(
                "`margin` must be a number of standard errors, at least 0. Received: "
                f"{self.margin!r}."
            )

    @property
    def rates(self) -> tuple[str, ...]:
        """The rates that are compared between groups."""
        return GAPS[self.gap].rates if self.gap else ()

    @property
    def benefit(self) -> str:
        """The rate by which a group is better or worse off."""
        return BENEFITS[self.gap] if self.gap else next(iter(self.floor))

    def counted(self, examples: Sequence[int]) -> int:
        """How many examples of a group count for the rate that has the fewest.

        Args:
          examples: their number by label, `[classes]`. Of two labels, 1 is the positive
            one; of more each is in its turn.
        """
        positive = range(len(examples)) if len(examples) > 2 else (1,)
        total = sum(examples)
        of_labels = {
            (0, 1): total,
            (1,): min(examples[label] for label in positive),
            (0,): min(total - examples[label] for label in positive),
        }
        return min(of_labels[DENOMINATORS[n]] for n in (*self.rates, *self.floor))

    def errors(self, curve: Curve) -> np.ndarray:
        """Weight of wrong predictions of each cut, inf where a floor is not reached.

        A floor is reached when the lower end of the rate's Wilson interval, `margin`
        standard errors wide, reaches it.
        """
        errors = curve.errors
        for name, least in self.floor.items():
            reached = lower_end(curve, name, self.margin) >= least - 1e-12
            errors = np.where(reached, errors, np.inf)
        return errors


def lower_end(curve: Curve, name: str, margin: float) -> np.ndarray:
    """The lower end of a rate's interval for each cut, `[cuts]`."""
    rate = curve.rate(name)
    if margin == 0:
        return rate
    trials = sum(curve.effective[label] for label in DENOMINATORS[name])
    level = math.erf(margin / math.sqrt(2))
    return wilson(rate * trials, np.full(len(rate), trials), level=level)[0]


def standard_error(name: str, curves: Sequence[Curve], cuts: Sequence[int]) -> float:
    """Of the difference of a rate between the two groups that have the fewest examples.

    The variance of a single example is the same in all groups, as it is where there
    is no gap (the pooled test of two proportions), with two successes and two failures
    more than there are, so that it is not 0 (Agresti and Caffo 2000).

    Args:
      name: a key of DENOMINATORS.
      curves: of the groups, at least two.
      cuts: the cuts at which the rate is taken.
    """
    variance = pooled_variance(name, curves, cuts)
    trials = sorted(
        sum(curve.effective[label] for label in DENOMINATORS[name]) for curve in curves
    )
    return math.sqrt(variance * (1 / trials[0] + 1 / trials[1]))


def pooled_variance(name: str, curves: Sequence[Curve], cuts: Sequence[int]) -> float:
    """Variance of a rate's single example, all groups together."""
    successes = trials = 0.0
    for curve, cut in zip(curves, cuts, strict=True):
        n = sum(curve.effective[label] for label in DENOMINATORS[name])
        successes += float(curve.rate(name)[cut]) * n
        trials += n
    rate = (successes + 2) / (trials + 4)
    return rate * (1 - rate)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must lie in [0, 1]. Received: {value!r}.")
