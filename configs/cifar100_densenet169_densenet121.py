"""CIFAR-100, DenseNet-169 -> DenseNet-121.

Not as published, as far as is known: the study names no validation split. Here a
tenth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "cifar100_densenet169_densenet121",
        dataset={"name": "cifar100", "validation_fraction": 0.1},
        teacher=_recipe("densenet169"),
        student=_recipe("densenet121"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # Huang et al. 2017, section 4.2: 300 epochs of 64 images, a tenth of the learning
    # rate from 50 % and from 75 % on, Nesterov momentum 0.9, weight decay 1e-4, over
    # 1 - momentum.
    return _protocol.recipe(
        model,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="step",
        epochs=300,
        batch_size=64,
        augmentation="pad_crop_flip",
        model_options={"stem": "small"},
        optimizer_options={"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    )
