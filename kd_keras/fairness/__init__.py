"""Group, class and individual fairness, from mergeable counts of examples."""

from kd_keras.fairness.arrays import accuracy_gap as accuracy_gap
from kd_keras.fairness.arrays import base_rate_difference as base_rate_difference
from kd_keras.fairness.arrays import (
    demographic_parity_difference as demographic_parity_difference,
)
from kd_keras.fairness.arrays import (
    demographic_parity_ratio as demographic_parity_ratio,
)
from kd_keras.fairness.arrays import (
    equal_opportunity_difference as equal_opportunity_difference,
)
from kd_keras.fairness.arrays import (
    equalized_odds_difference as equalized_odds_difference,
)
from kd_keras.fairness.arrays import equalized_odds_ratio as equalized_odds_ratio
from kd_keras.fairness.arrays import (
    false_positive_rate_difference as false_positive_rate_difference,
)
from kd_keras.fairness.arrays import worst_group_accuracy as worst_group_accuracy
from kd_keras.fairness.bootstrap import bootstrap_interval as bootstrap_interval
from kd_keras.fairness.bootstrap import bootstrap_values as bootstrap_values
from kd_keras.fairness.calibration import Calibration as Calibration
from kd_keras.fairness.calibration import calibration as calibration
from kd_keras.fairness.class_bias import ClassBias as ClassBias
from kd_keras.fairness.class_bias import class_bias as class_bias
from kd_keras.fairness.counts import GroupCounts as GroupCounts
from kd_keras.fairness.disagreement import disagreement_matrix as disagreement_matrix
from kd_keras.fairness.gap_intervals import Change as Change
from kd_keras.fairness.gap_values import GAPS as GAPS
from kd_keras.fairness.gap_values import gap_values as gap_values
from kd_keras.fairness.gaps import Gap as Gap
from kd_keras.fairness.gaps import UndefinedRate as UndefinedRate
from kd_keras.fairness.individual import IndividualFairness as IndividualFairness
from kd_keras.fairness.individual import individual_fairness as individual_fairness
from kd_keras.fairness.individual import (
    individual_fairness_ratio as individual_fairness_ratio,
)
from kd_keras.fairness.intervals import Interval as Interval
from kd_keras.fairness.intervals import wilson as wilson
from kd_keras.fairness.multiplicity import adjust_p_values as adjust_p_values
from kd_keras.fairness.paired import mcnemar as mcnemar
from kd_keras.fairness.paired_counts import PairedCounts as PairedCounts
from kd_keras.fairness.predictions import hard_predictions as hard_predictions
from kd_keras.fairness.rates import GroupRates as GroupRates
