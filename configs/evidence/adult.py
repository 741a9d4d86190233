"""Adult, thirty seeds: findings 2, 3 and 4."""

import ml_collections

from configs import adult_wide_and_deep_mlp
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = adult_wide_and_deep_mlp.get_config()
    _plan.decide(config, "adult_evidence", seeds=30)
    # As in configs/small: the teacher is at its best after five epochs.
    config.teacher.epochs = 5
    config.student.epochs = 10
    return config
