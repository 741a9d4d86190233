"""Group, class and individual fairness, from mergeable counts of examples."""

from kd_keras.fairness.arrays import (
    accuracy_gap,
    base_rate_difference,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    equalized_odds_ratio,
    false_positive_rate_difference,
    worst_group_accuracy,
)
from kd_keras.fairness.bootstrap import bootstrap_interval, bootstrap_values
from kd_keras.fairness.calibration import Calibration, calibration
from kd_keras.fairness.class_bias import ClassBias, class_bias
from kd_keras.fairness.counts import GroupCounts
from kd_keras.fairness.disagreement import disagreement_matrix
from kd_keras.fairness.gap_intervals import Change
from kd_keras.fairness.gap_values import GAPS, gap_values
from kd_keras.fairness.gaps import Gap, UndefinedRate
from kd_keras.fairness.individual import (
    IndividualFairness,
    individual_fairness,
    individual_fairness_ratio,
)
from kd_keras.fairness.intervals import Interval, wilson
from kd_keras.fairness.multiplicity import adjust_p_values
from kd_keras.fairness.paired import mcnemar
from kd_keras.fairness.paired_counts import PairedCounts
from kd_keras.fairness.predictions import hard_predictions
from kd_keras.fairness.rates import GroupRates

__all__ = [
    "GAPS",
    "Calibration",
    "Change",
    "ClassBias",
    "Gap",
    "GroupCounts",
    "GroupRates",
    "IndividualFairness",
    "Interval",
    "PairedCounts",
    "UndefinedRate",
    "accuracy_gap",
    "adjust_p_values",
    "base_rate_difference",
    "bootstrap_interval",
    "bootstrap_values",
    "calibration",
    "class_bias",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "disagreement_matrix",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "false_positive_rate_difference",
    "gap_values",
    "hard_predictions",
    "individual_fairness",
    "individual_fairness_ratio",
    "mcnemar",
    "wilson",
    "worst_group_accuracy",
]
