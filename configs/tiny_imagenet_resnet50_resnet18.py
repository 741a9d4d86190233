"""Tiny ImageNet, ResNet-50 -> ResNet-18.

Not as published, as far as is known: the study names no validation split. Here a
tenth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "tiny_imagenet_resnet50_resnet18",
        dataset={"name": "tiny_imagenet", "validation_fraction": 0.1},
        teacher=_recipe("resnet50"),
        student=_recipe("resnet18"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # No recipe is standard: the one of CIFAR (He et al. 2016; weight decay 5e-4, over
    # 1 - momentum) with the 100 epochs that are usual for ResNets at this size.
    return _protocol.recipe(
        model,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="cosine",
        epochs=100,
        batch_size=128,
        augmentation="pad_crop_flip",
        model_options={"stem": "small"},
        optimizer_options={"momentum": 0.9, "weight_decay": 5e-3},
    )
