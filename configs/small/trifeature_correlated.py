"""The correlated Trifeature with small images, a small teacher and short training."""

import ml_collections

from configs import trifeature_correlated


def get_config() -> ml_collections.ConfigDict:
    config = trifeature_correlated.get_config()
    # 8,000 training images, 2,000 and 10,000 of every combination to judge by.
    config.dataset.versions = 20
    config.dataset.validation_fraction = 0.1
    config.dataset.test_fraction = 0.5
    config.dataset.image_size = 32
    # Small shapes make it hard for the student, which then reads the color.
    config.dataset.shape_size = 96
    config.dataset.texture_scale = 35
    for recipe in (config.teacher, config.student):
        recipe.learning_rate = 3e-3
        recipe.schedule = "cosine"
    config.teacher.model_options = ml_collections.ConfigDict({"depth": 8})
    config.teacher.epochs = 6
    config.student.epochs = 10
    return config
