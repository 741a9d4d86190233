"""CIFAR-100-LT with short training."""

import ml_collections

from configs import cifar100lt_resnet56_resnet20


def get_config() -> ml_collections.ConfigDict:
    config = cifar100lt_resnet56_resnet20.get_config()
    config.name = "cifar100lt"
    config.teacher.model = "resnet20"
    for recipe in (config.teacher, config.student):
        recipe.epochs = 8
        recipe.schedule = "cosine"
        recipe.augmentation = ""
    config.teacher_cache = "float32"
    return config
