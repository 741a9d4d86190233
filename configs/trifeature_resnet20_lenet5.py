"""Trifeature, ResNet-20 -> LeNet-5: the published study's protocol."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.name = "trifeature_resnet20_lenet5"
    # Every model is trained once per seed: teacher, nds and ds(T).
    config.seeds = (0, 1, 2, 3, 4)
    config.temperatures = tuple(float(t) for t in (*range(1, 11), 20, 30, 40))
    # Weight of the distillation term; the hard labels' term has 1 - alpha.
    config.alpha = 0.8
    # Multiply the distillation term by T squared (Hinton et al. 2015).
    config.scale_by_temperature_squared = True

    # Sensitive attributes, of those that the data set has.
    config.attributes = ("color", "texture")

    # Hermann & Lampinen 2020: the label is the shape.
    config.dataset = ml_collections.ConfigDict()
    config.dataset.name = "trifeature"
    config.dataset.data_dir = ""  # Empty: the default of TensorFlow Datasets.
    config.dataset.label = "shape"
    config.dataset.image_size = 224  # Pixels.
    config.dataset.versions = 100  # Images per combination.
    # By "combination" the test split's combinations are unseen in training; or by
    # "version".
    config.dataset.split = "combination"
    config.dataset.validation_fraction = 0.1
    config.dataset.test_fraction = 0.2
    # In pixels of a 224-pixel image: side of the shape, period of the texture.
    config.dataset.shape_size = 128
    config.dataset.texture_scale = 10
    # P(texture or color = the label's match) in training; 0.1 is chance.
    config.dataset.texture_correlation = 0.1
    config.dataset.color_correlation = 0.1
    config.dataset.seed = 0

    # Recipe: Hermann & Lampinen 2020, Adam 3e-4, batch 64, no augmentation.
    config.teacher = _recipe("resnet20", epochs=30)
    config.student = _recipe("lenet5", epochs=30)

    config.evaluation = ml_collections.ConfigDict()
    config.evaluation.split = "test"
    config.evaluation.confidence_intervals = False  # TFMA's jackknife; slow.
    return config


def _recipe(model: str, epochs: int) -> ml_collections.ConfigDict:
    recipe = ml_collections.ConfigDict()
    recipe.model = model
    recipe.epochs = epochs
    recipe.batch_size = 64
    recipe.optimizer = "adam"
    recipe.learning_rate = 3e-4
    recipe.schedule = "constant"  # Or "cosine", "step".
    return recipe
