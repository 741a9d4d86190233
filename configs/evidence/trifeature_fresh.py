"""Twenty thousand fresh images for the models of `trifeature.py`, all groups equal.

Twenty images of every combination of shape, texture and color, drawn by another seed.
Nothing is trained on them: see benchmarks/measured_elsewhere.py.
"""

import ml_collections

from configs.evidence import trifeature


def get_config() -> ml_collections.ConfigDict:
    config = trifeature.get_config()
    config.name = "trifeature_fresh"
    config.dataset.seed = 1
    config.dataset.split = "version"
    config.dataset.versions = 22
    config.dataset.validation_fraction = 1 / 22
    config.dataset.test_fraction = 20 / 22
    return config
