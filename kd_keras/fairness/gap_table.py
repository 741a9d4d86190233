"""The gaps between groups: one row each.

The library's functions and methods, the TFMA metric, the report, the gate and HParams
take a gap from its row here.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from kd_keras.fairness.rates import RATES, divide

# What a gap compares: two groups by difference or ratio, or one, the lowest.
Contrast = Literal["difference", "ratio", "lowest"]


@dataclasses.dataclass(frozen=True)
class GapDefinition:
    """What a gap is.

    Attributes:
      rates: names of the rates that are compared between groups, keys of RATES;
        "accuracy" stands alone, since it has no positive class.
      compare: rates `[..., groups, classes]` of the groups, and those of all
        examples `[..., 1, classes]` or None -> gaps `[..., classes]`, NaN where
        undefined.
      text: what it is, and where it comes from.
      short: what people call it, where the field has such a name.
      higher_is_better: whether a fair model has a high value (a ratio) or a low one.
      domain: lowest and highest value that it can have; intervals end there.
      contrast: the comparison of which `compare` takes the most unequal one; None
        where it does something else, so that intervals are bootstrapped.

    Raises:
      ValueError: if `rates` are not those of RATES, or have accuracy and another.
    """

    rates: tuple[str, ...]
    compare: Callable[[np.ndarray, np.ndarray | None], np.ndarray]
    text: str
    short: str = ""
    higher_is_better: bool = False
    domain: tuple[float, float] = (0.0, 1.0)
    contrast: Contrast | None = None

    def __post_init__(self) -> None:
        alone = "accuracy" not in self.rates or self.rates == ("accuracy",)
        if not self.rates or not {*self.rates} <= RATES.keys() or not alone:
            raise ValueError(
                f"`rates` must be some of {list(RATES)}, accuracy alone. Received: "
                f"{self.rates!r}."
            )

    @property
    def worst_case(self) -> Callable[..., np.ndarray]:
        """Which one of the gaps of several rates is the worst."""
        return np.minimum if self.higher_is_better else np.maximum


def _difference(rates: np.ndarray, overall: np.ndarray | None) -> np.ndarray:
    """Compares groups with each other, or with `overall` unless it is None.

    Args:
      rates: `[..., groups, classes]`, NaN where undefined.
      overall: `[..., 1, classes]`.

    Returns:
      `[..., classes]`, NaN with fewer than two defined groups.
    """
    if overall is None:
        return _needing(2, rates, _highest(rates) - _lowest(rates))
    return _needing(2, rates, _highest(abs(rates - overall)))


def _ratio(rates: np.ndarray, overall: np.ndarray | None) -> np.ndarray:
    if overall is None:
        return _needing(2, rates, divide(_lowest(rates), _highest(rates)))
    folded = divide(np.minimum(rates, overall), np.maximum(rates, overall))
    return _needing(2, folded, _lowest(folded))


def _worst(rates: np.ndarray, overall: np.ndarray | None) -> np.ndarray:
    return _needing(1, rates, _lowest(rates))


def _highest(rates: np.ndarray) -> np.ndarray:
    return np.fmax.reduce(rates, axis=-2, initial=-np.inf)


def _lowest(rates: np.ndarray) -> np.ndarray:
    return np.fmin.reduce(rates, axis=-2, initial=np.inf)


def _needing(groups: int, rates: np.ndarray, values: np.ndarray) -> np.ndarray:
    defined = np.isfinite(rates).sum(axis=-2)
    return np.where(defined >= groups, values, np.nan)


_ODDS = ("true_positive_rate", "false_positive_rate")

GAPS: Mapping[str, GapDefinition] = {
    "demographic_parity_difference": GapDefinition(
        ("selection_rate",),
        _difference,
        "Highest minus lowest selection rate, P(prediction = 1 | group) (Agarwal et "
        "al. 2018).",
        short="DPD",
        contrast="difference",
    ),
    "demographic_parity_ratio": GapDefinition(
        ("selection_rate",),
        _ratio,
        "Lowest over highest selection rate, P(prediction = 1 | group), as in "
        "Fairlearn. It is undefined when no group has a prediction of 1.",
        higher_is_better=True,
        contrast="ratio",
    ),
    "equalized_odds_difference": GapDefinition(
        _ODDS,
        _difference,
        "Larger of the gaps of TPR and FPR (Hardt et al. 2016), or their mean. It is "
        "undefined when either gap is: odds cannot be called equal on one label.",
        short="EOD",
        contrast="difference",
    ),
    "equalized_odds_ratio": GapDefinition(
        _ODDS,
        _ratio,
        "Smaller of the ratios of TPR and FPR, lowest over highest group, or their "
        "mean, as in Fairlearn. It is undefined when either ratio is.",
        higher_is_better=True,
        contrast="ratio",
    ),
    "equal_opportunity_difference": GapDefinition(
        ("true_positive_rate",),
        _difference,
        "Highest minus lowest TPR, P(prediction = 1 | label = 1, group) (Hardt et al. "
        "2016).",
        contrast="difference",
    ),
    "false_positive_rate_difference": GapDefinition(
        ("false_positive_rate",),
        _difference,
        "Highest minus lowest FPR, P(prediction = 1 | label = 0, group): predictive "
        "equality (Corbett-Davies et al. 2017).",
        contrast="difference",
    ),
    "base_rate_difference": GapDefinition(
        ("base_rate",),
        _difference,
        "Highest minus lowest P(label = 1 | group): the demographic parity difference "
        "that a perfect model would have.",
        short="base rate gap",
        contrast="difference",
    ),
    "accuracy_gap": GapDefinition(
        ("accuracy",),
        _difference,
        "Highest minus lowest accuracy, P(prediction = label | group): overall "
        "accuracy equality (Berk et al. 2021).",
        contrast="difference",
    ),
    "worst_group_accuracy": GapDefinition(
        ("accuracy",),
        _worst,
        "Lowest accuracy, P(prediction = label | group) (Sagawa et al. 2020); one "
        "group suffices, and `method` changes nothing.",
        higher_is_better=True,
        contrast="lowest",
    ),
}
