"""Every row of GAPS under its own name; `make stubs` writes this file."""

from typing import Any

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_blocks import Aggregation, Method
from kd_keras.fairness.gaps import Gap
from kd_keras.fairness.prediction_counts import PredictionCounts

__all__ = [
    "accuracy_gap",
    "base_rate_difference",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "false_positive_rate_difference",
    "worst_group_accuracy",
]

def demographic_parity_difference(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Highest minus lowest selection rate, P(prediction = 1 | group) (Agarwal et
    al. 2018).
    """

def demographic_parity_ratio(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Lowest over highest selection rate, P(prediction = 1 | group), as in
    Fairlearn. It is undefined when no group has a prediction of 1.
    """

def equalized_odds_difference(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
    agg: Aggregation = "worst_case",
) -> float:
    """Larger of the gaps of TPR and FPR (Hardt et al. 2016), or their mean. It is
    undefined when either gap is: odds cannot be called equal on one label.
    """

def equalized_odds_ratio(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
    agg: Aggregation = "worst_case",
) -> float:
    """Smaller of the ratios of TPR and FPR, lowest over highest group, or their
    mean, as in Fairlearn. It is undefined when either ratio is.
    """

def equal_opportunity_difference(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Highest minus lowest TPR, P(prediction = 1 | label = 1, group) (Hardt et al.
    2016).
    """

def false_positive_rate_difference(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Highest minus lowest FPR, P(prediction = 1 | label = 0, group): predictive
    equality (Corbett-Davies et al. 2017).
    """

def base_rate_difference(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Highest minus lowest P(label = 1 | group): the demographic parity difference
    that a perfect model would have.
    """

def accuracy_gap(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Highest minus lowest accuracy, P(prediction = label | group): overall
    accuracy equality (Berk et al. 2021).
    """

def worst_group_accuracy(
    y_true: Any,
    y_pred: Any,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    sample_weight: Any = None,
) -> float:
    """Lowest accuracy, P(prediction = label | group) (Sagawa et al. 2020); one
    group suffices, and `method` changes nothing.
    """

class GapMethods(PredictionCounts):
    """Counts with a method for every row of GAPS, which returns a Gap."""

    def demographic_parity_difference(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Highest minus lowest selection rate, P(prediction = 1 | group) (Agarwal et
        al. 2018).
        """

    def demographic_parity_ratio(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Lowest over highest selection rate, P(prediction = 1 | group), as in
        Fairlearn. It is undefined when no group has a prediction of 1.
        """

    def equalized_odds_difference(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        agg: Aggregation = "worst_case",
        min_examples: int = 1,
    ) -> Gap:
        """Larger of the gaps of TPR and FPR (Hardt et al. 2016), or their mean. It is
        undefined when either gap is: odds cannot be called equal on one label.
        """

    def equalized_odds_ratio(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        agg: Aggregation = "worst_case",
        min_examples: int = 1,
    ) -> Gap:
        """Smaller of the ratios of TPR and FPR, lowest over highest group, or their
        mean, as in Fairlearn. It is undefined when either ratio is.
        """

    def equal_opportunity_difference(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Highest minus lowest TPR, P(prediction = 1 | label = 1, group) (Hardt et al.
        2016).
        """

    def false_positive_rate_difference(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Highest minus lowest FPR, P(prediction = 1 | label = 0, group): predictive
        equality (Corbett-Davies et al. 2017).
        """

    def base_rate_difference(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Highest minus lowest P(label = 1 | group): the demographic parity difference
        that a perfect model would have.
        """

    def accuracy_gap(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Highest minus lowest accuracy, P(prediction = label | group): overall
        accuracy equality (Berk et al. 2021).
        """

    def worst_group_accuracy(
        self,
        attribute: Attribute | None = None,
        *,
        method: Method = "between_groups",
        min_examples: int = 1,
    ) -> Gap:
        """Lowest accuracy, P(prediction = label | group) (Sagawa et al. 2020); one
        group suffices, and `method` changes nothing.
        """
