"""CelebA (smiling), ResNet-50 -> ResNet-18.

The study does not say where its models began, nor at what size it showed the images.
Here they begin at random, and see 128 pixels.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "celeb_a_resnet50_resnet18",
        dataset={
            "name": "celeb_a",
            "image_size": 128,  # Pixels.
            # Both classes equally often in training.
            "undersample": True,
            "seed": 0,
        },
        attributes=("Young", "Male"),
        teacher=_recipe("resnet50"),
        student=_recipe("resnet18"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # No recipe is standard: Adam 1e-4 and flips as in Ramaswamy et al. 2021,
    # who classify CelebA's attributes with ResNet-50 in 20 epochs of 32 images.
    return _protocol.recipe(
        model,
        optimizer="adam",
        learning_rate=1e-4,
        schedule="constant",
        epochs=20,
        batch_size=32,
        augmentation="flip",
        shuffle_buffer=16384,  # 0.8 GB of images.
    )
