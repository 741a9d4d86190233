"""The correlated Trifeature with small images and short training."""

import ml_collections

from configs import trifeature_correlated


def get_config() -> ml_collections.ConfigDict:
    config = trifeature_correlated.get_config()
    config.dataset.versions = 10
    config.dataset.image_size = 32
    # Small shapes make it hard for the student, which then reads the color.
    config.dataset.shape_size = 96
    config.dataset.texture_scale = 35
    for recipe in (config.teacher, config.student):
        recipe.learning_rate = 3e-3
        recipe.schedule = "cosine"
    config.teacher.epochs = 6
    config.student.epochs = 10
    return config
