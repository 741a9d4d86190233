"""CIFAR-10, ResNet-56 -> ResNet-20.

Not as published, as far as is known: the study names no validation split. Here a
tenth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "cifar10_resnet56_resnet20",
        dataset={"name": "cifar10", "validation_fraction": 0.1},
        teacher=recipe("resnet56"),
        student=recipe("resnet20"),
    )


def recipe(model: str) -> ml_collections.ConfigDict:
    # He et al. 2016, section 4.2: 64,000 updates of 128 images, and a tenth of the
    # learning rate from 32,000 and from 48,000 on. Weight decay 5e-4 as in Zagoruyko &
    # Komodakis 2016, over 1 - momentum.
    return _protocol.recipe(
        model,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="step",
        epochs=182,
        batch_size=128,
        augmentation="pad_crop_flip",
        optimizer_options={"momentum": 0.9, "weight_decay": 5e-3},
    )
