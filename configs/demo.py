"""A small Trifeature study in some minutes on two cores; not the published row.

It is split by combination: the test split's combinations are unseen in training.
"""

import ml_collections

from configs import trifeature_resnet20_lenet5


def get_config() -> ml_collections.ConfigDict:
    config = trifeature_resnet20_lenet5.get_config()
    config.name = "demo"
    config.seeds = (0, 1)
    config.temperatures = (1.0, 4.0, 10.0)
    config.dataset.versions = 5
    config.dataset.split = "combination"
    config.dataset.validation_fraction = 0.1
    config.dataset.test_fraction = 0.2
    config.dataset.image_size = 32
    # Small shapes make it hard for the student; wide textures can still be seen.
    config.dataset.shape_size = 96
    config.dataset.texture_scale = 35
    # Validation has five images of each shape in each color.
    config.evaluation.min_examples = 5
    for recipe in (config.teacher, config.student):
        recipe.learning_rate = 3e-3
        recipe.schedule = "cosine"
    config.teacher.epochs = 12
    config.student.epochs = 15
    return config
