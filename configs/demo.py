"""A small Trifeature study in some minutes on two cores; not the published row.

Nearly all red images that train are triangles, and one in ten of those that judge:
will the student take a red square for a triangle? It is split by combination: the test
split's combinations are unseen in training.
"""

import ml_collections

from configs import trifeature_resnet20_lenet5


def get_config() -> ml_collections.ConfigDict:
    config = trifeature_resnet20_lenet5.get_config()
    config.name = "demo"
    config.seeds = (0, 1)
    config.temperatures = (1.0, 4.0, 10.0)
    # What goes with the label is the color alone.
    config.attributes = ("color",)
    config.dataset.versions = 9
    config.dataset.split = "combination"
    # Offsets are fitted on 180 images of each color, and judged on 360.
    config.dataset.validation_fraction = 0.2
    config.dataset.test_fraction = 0.4
    config.dataset.color_correlation = 0.95
    config.dataset.correlated_labels = ("triangle",)
    config.dataset.image_size = 24
    config.dataset.texture_scale = 47  # Wide textures can still be seen.
    for recipe in (config.teacher, config.student):
        recipe.learning_rate = 3e-3
        recipe.schedule = "cosine"
        recipe.epochs = 10
    config.teacher.model = "resnet14"  # In place of 20 layers: it takes less time.
    return config
