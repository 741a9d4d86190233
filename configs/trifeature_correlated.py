"""Trifeature whose color goes with the shape in training, ResNet-20 -> LeNet-5.

The label is the shape; validation and test have every color with every shape. So a
student that reads the color fails them. Methods that mend are compared. Not a
published row.
"""

import ml_collections

from configs import trifeature_resnet20_lenet5


def get_config() -> ml_collections.ConfigDict:
    config = trifeature_resnet20_lenet5.get_config()
    config.name = "trifeature_correlated"
    # P(color = the shape's match) in training; 0.1 is chance.
    config.dataset.color_correlation = 0.9
    # A method needs every combination of shape and color, if rarely, in training.
    config.dataset.split = "version"
    config.dataset.versions = 100
    config.dataset.validation_fraction = 0.1
    config.dataset.test_fraction = 0.2
    config.attributes = ("color",)
    config.temperatures = (4.0,)
    config.methods = ("plain", "reweighed", "balanced", "group_dro", "min_diff")
    config.method_options = ml_collections.ConfigDict({"min_diff": {"on": "positives"}})
    return config
