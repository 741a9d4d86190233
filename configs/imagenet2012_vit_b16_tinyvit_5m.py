"""ImageNet, ViT-B/16 -> TinyViT-5M.

Not as published, as far as is known: the study names no validation split. Here a
hundredth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "imagenet2012_vit_b16_tinyvit_5m",
        dataset={
            "name": "imagenet2012",
            "image_size": 224,
            "validation_fraction": 0.01,
        },
        teacher=_recipe("vit_b16"),
        student=_recipe("tinyvit_5m"),
    )


def _recipe(model: str) -> ml_collections.ConfigDict:
    # Touvron et al. 2021 (DeiT) and Wu et al. 2022 (TinyViT):
    # AdamW, 1e-3 for 1,024 images, weight decay 0.05, 300 epochs, cosine; five
    # epochs of warm-up as in DeiT. Without their further augmentations.
    return _protocol.recipe(
        model,
        optimizer="adamw",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=300,
        warmup_epochs=5.0,
        batch_size=1024,
        augmentation="resized_crop_flip",
        shuffle_buffer=4096,  # About 2 GB of images.
        optimizer_options={"weight_decay": 0.05, "global_clipnorm": 1.0},
    )
