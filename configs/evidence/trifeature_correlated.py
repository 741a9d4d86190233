"""Trifeature whose color goes with the shape in training and not in test, ten seeds.

Seven of ten training images have the color of their shape, so that a model which reads
the color fails shapes in other colors: a disparity to mend. As `trifeature.py` else.
"""

import ml_collections

from configs.evidence import _plan, trifeature


def get_config() -> ml_collections.ConfigDict:
    config = trifeature.get_config()
    _plan.decide(config, "trifeature_correlated_evidence", seeds=10)
    config.dataset.color_correlation = 0.7
    return config
