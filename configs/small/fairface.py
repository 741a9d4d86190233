"""The FairFace study of docs/results: 32 pixels, small models, short training."""

import ml_collections

from configs import _protocol, fairface_resnet50_resnet18


def get_config() -> ml_collections.ConfigDict:
    config = fairface_resnet50_resnet18.get_config()
    config.name = "fairface"
    config.seeds = (0, 1, 2)
    config.temperatures = (1.0, 4.0, 10.0)
    config.dataset.image_size = 32
    config.teacher = _recipe("resnet20", epochs=4)
    config.student = _recipe("lenet5", epochs=5)
    config.teacher_cache = "float32"
    return config


def _recipe(model: str, epochs: int) -> ml_collections.ConfigDict:
    return _protocol.recipe(
        model,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=epochs,
        batch_size=128,
    )
