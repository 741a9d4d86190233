"""FairFace (40 or older), ResNet-50 -> ResNet-18."""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "fairface_resnet50_resnet18",
        dataset={
            "name": "fairface",
            "image_size": 64,  # Pixels.
            "validation_fraction": 0.1,
        },
        attributes=("race", "gender"),
        teacher=_recipe("resnet50"),
        student=_recipe("resnet18"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # Karkkainen & Joo 2021: ResNet-34 by Adam 1e-4. Epochs and batch size
    # are not published.
    return _protocol.recipe(
        model,
        optimizer="adam",
        learning_rate=1e-4,
        schedule="constant",
        epochs=20,
        batch_size=64,
        augmentation="flip",
        model_options={"stem": "small"},
    )
