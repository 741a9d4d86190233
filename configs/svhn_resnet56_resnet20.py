"""SVHN, ResNet-56 -> ResNet-20.

Not as published, as far as is known: the study names no validation split. Here a
tenth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "svhn_resnet56_resnet20",
        dataset={"name": "svhn_cropped", "validation_fraction": 0.1},
        teacher=_recipe("resnet56"),
        student=_recipe("resnet20"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # Huang et al. 2017, section 4.2, as for CIFAR but 40 epochs and no augmentation;
    # without SVHN's additional training images. A digit may not be flipped.
    return _protocol.recipe(
        model,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="step",
        epochs=40,
        batch_size=64,
        optimizer_options={"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    )
