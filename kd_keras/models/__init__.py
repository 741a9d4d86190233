"""Architectures: raw features in, logits out."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from kd_keras.models import lenet, resnet_cifar

MODELS: dict[str, Callable[..., keras.Model]] = {
    "lenet5": lenet.build,
    "resnet20": functools.partial(resnet_cifar.build, depth=20),
    "resnet32": functools.partial(resnet_cifar.build, depth=32),
    "resnet44": functools.partial(resnet_cifar.build, depth=44),
    "resnet56": functools.partial(resnet_cifar.build, depth=56),
    "resnet110": functools.partial(resnet_cifar.build, depth=110),
}


def build(
    name: str, input_shape: tuple[int, ...], num_classes: int, **options: Any
) -> keras.Model:
    """Builds the architecture `name`; ValueError where there is no such one."""
    if name not in MODELS:
        raise ValueError(
            f"Unknown architecture {name!r}. Available: {', '.join(sorted(MODELS))}."
        )
    return MODELS[name](input_shape, num_classes, **options)
