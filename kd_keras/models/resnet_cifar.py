"""The CIFAR ResNets of He et al. 2016, section 4.2."""

from collections.abc import Sequence
from typing import Any

import keras

from kd_keras.models import layers


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    depth: int = 20,
    shortcut: str = "A",
    mean: Sequence[float] = layers.IMAGENET_MEAN,
    std: Sequence[float] = layers.IMAGENET_STD,
    name: str | None = None,
) -> keras.Model:
    """A ResNet of 6n+2 layers.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      depth: 20, 32, 44, 56 or 110; any 6n+2.
      shortcut: where the number of channels grows, "A" is every second pixel between
        channels of zeros, "B" a strided 1x1 convolution.
      mean: per channel, of pixels in [0, 1].
      std: per channel, of pixels in [0, 1].
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`. ResNet-20 has 0.27 million weights on CIFAR-10.

    Raises:
      ValueError: if `depth` is not 6n+2, or there is no such shortcut.

    Source: https://arxiv.org/abs/1512.03385, section 4.2. Weight decay belongs to
    the optimizer.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(
            f"`depth` must be 6n + 2, such as 20, 32, 44, 56. Received: depth={depth}."
        )
    if shortcut not in ("A", "B"):
        raise ValueError(
            '`shortcut` must be "A" (no weights) or "B" (1x1 convolution). '
            f"Received: shortcut={shortcut!r}."
        )
    inputs, x = layers.pixels(input_shape, mean, std)
    x = _convolution(x, 16, 3, 1, "1")
    x = keras.layers.ReLU()(x)
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range((depth - 2) // 6):
            strides = 2 if stage > 1 and block == 0 else 1
            x = _block(x, filters, strides, shortcut, f"stage{stage}_block{block}_")
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = layers.logits(x, num_classes)
    return keras.Model(inputs, logits, name=name or f"resnet{depth}")


def _block(x: Any, filters: int, strides: int, shortcut: str, name: str) -> Any:
    residual = _convolution(x, filters, 3, strides, "1", name)
    residual = keras.layers.ReLU()(residual)
    residual = _convolution(residual, filters, 3, 1, "2", name)
    if strides > 1 and shortcut == "A":
        x = _option_a(x, filters)
    elif strides > 1:
        x = _convolution(x, filters, 1, strides, "0", name)
    return keras.layers.ReLU()(keras.layers.add([residual, x]))


def _option_a(x: Any, filters: int) -> Any:
    """Every second pixel, and new channels of zeros on both sides."""
    more = filters - x.shape[-1]
    x = keras.layers.AveragePooling2D(1, strides=2)(x)
    before = keras.ops.zeros_like(x[..., : more // 2])
    after = keras.ops.zeros_like(x[..., : more - more // 2])
    return keras.ops.concatenate([before, x, after], axis=-1)


def _convolution(
    x: Any, filters: int, size: int, strides: int, number: str, prefix: str = ""
) -> Any:
    x = layers.convolution(
        x, filters, size, strides=strides, name=f"{prefix}conv{number}"
    )
    return layers.batch_normalization(x, name=f"{prefix}bn{number}")
