"""ImageNet, ResNet-50 -> ResNet-18.

Not as published, as far as is known: the study names no validation split. Here a
hundredth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "imagenet2012_resnet50_resnet18",
        dataset={
            "name": "imagenet2012",
            "image_size": 224,
            "validation_fraction": 0.01,
        },
        teacher=_recipe("resnet50"),
        student=_recipe("resnet18"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # He et al. 2019 (Bag of Tricks): 256 images, 120 epochs,
    # five of them warm-up, cosine schedule, weight decay 1e-4, over 1 - momentum.
    return _protocol.recipe(
        model,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="cosine",
        epochs=120,
        warmup_epochs=5.0,
        batch_size=256,
        augmentation="resized_crop_flip",
        shuffle_buffer=4096,  # About 2 GB of images.
        optimizer_options={"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    )
