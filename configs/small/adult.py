"""Adult with fewer temperatures and epochs, five seeds."""

import ml_collections

from configs import adult_wide_and_deep_mlp


def get_config() -> ml_collections.ConfigDict:
    config = adult_wide_and_deep_mlp.get_config()
    config.name = "adult"
    config.temperatures = (1.0, 4.0, 10.0, 40.0)
    config.teacher.epochs = 5
    config.student.epochs = 10
    return config
