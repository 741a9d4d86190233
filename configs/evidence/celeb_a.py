"""CelebA at 48 pixels, ten seeds: findings 2, 3 and 4, on the study's own data set."""

import ml_collections

from configs import _protocol, celeb_a_resnet50_resnet18
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = celeb_a_resnet50_resnet18.get_config()
    _plan.decide(config, "celeb_a_evidence", seeds=10)
    config.dataset.image_size = 48
    config.teacher = _recipe("resnet20", epochs=12)
    config.student = _recipe("lenet5", epochs=15)
    config.teacher_cache = "float32"
    return config


def _recipe(model: str, epochs: int) -> ml_collections.ConfigDict:
    return _protocol.recipe(
        model,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=epochs,
        batch_size=64,
    )
