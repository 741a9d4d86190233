"""Trifeature with the published counts at 32 pixels, twenty seeds: findings 2 to 4."""

import ml_collections

from configs import trifeature_resnet20_lenet5
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = trifeature_resnet20_lenet5.get_config()
    _plan.decide(config, "trifeature_evidence", seeds=20)
    config.dataset.image_size = 32
    return config
