"""Group, class and individual fairness, from mergeable counts of examples."""

from kd_keras.fairness import named_gaps
from kd_keras.fairness.bootstrap import bootstrap_interval, bootstrap_values
from kd_keras.fairness.calibration import Calibration, calibration
from kd_keras.fairness.class_bias import ClassBias, class_bias
from kd_keras.fairness.disagreement import disagreement_matrix
from kd_keras.fairness.gap_groups import Deciding, GroupSize
from kd_keras.fairness.gap_intervals import Change
from kd_keras.fairness.gap_table import GAPS, GapDefinition
from kd_keras.fairness.gaps import Gap, UndefinedRate, gap, gap_values
from kd_keras.fairness.group_counts import GroupCounts
from kd_keras.fairness.hard_predictions import hard_predictions
from kd_keras.fairness.impact import ImpactRatios, impact_ratios
from kd_keras.fairness.individual import (
    IndividualFairness,
    individual_fairness,
    individual_fairness_ratio,
)
from kd_keras.fairness.intervals import Interval, wilson
from kd_keras.fairness.mcnemar import mcnemar
from kd_keras.fairness.multiplicity import adjust_p_values
from kd_keras.fairness.named_gaps import *  # noqa: F403
from kd_keras.fairness.paired_counts import PairedCounts
from kd_keras.fairness.rates import GroupRates
from kd_keras.fairness.stereotypes import (
    Preference,
    PreferenceChange,
    preference_changes,
    preferences,
)
from kd_keras.fairness.temperature_scaling import calibration_temperature

__all__ = [
    "GAPS",
    "Calibration",
    "Change",
    "ClassBias",
    "Deciding",
    "Gap",
    "GapDefinition",
    "GroupCounts",
    "GroupRates",
    "GroupSize",
    "ImpactRatios",
    "IndividualFairness",
    "Interval",
    "PairedCounts",
    "Preference",
    "PreferenceChange",
    "UndefinedRate",
    "adjust_p_values",
    "bootstrap_interval",
    "bootstrap_values",
    "calibration",
    "calibration_temperature",
    "class_bias",
    "disagreement_matrix",
    "gap",
    "gap_values",
    "hard_predictions",
    "impact_ratios",
    "individual_fairness",
    "individual_fairness_ratio",
    "mcnemar",
    "preference_changes",
    "preferences",
    "wilson",
]
# One for each row of GAPS.
__all__ += named_gaps.__all__
