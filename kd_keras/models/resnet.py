"""The ImageNet ResNets of He et al. 2016, section 4.1."""

from collections.abc import Sequence
from typing import Any

import keras

from kd_keras.models import layers

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    depth: int,
    stem: str = "imagenet",
    mean: Sequence[float] = layers.IMAGENET_MEAN,
    std: Sequence[float] = layers.IMAGENET_STD,
    name: str | None = None,
) -> keras.Model:
    """ResNet-18, ResNet-34 or ResNet-50.

    A bottleneck's stride is in its 3x3 convolution, as in the implementations with
    published weights (torchvision, timm, KerasHub); the paper has it in the first 1x1.
    The layers have KerasHub's names, by which its presets are loaded.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      depth: 18, 34 or 50.
      stem: "imagenet", or "small": one 3x3 convolution, for images of 32 or 64 pixels.
      mean: per channel, of pixels in [0, 1].
      std: per channel, of pixels in [0, 1].
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`.

    Raises:
      ValueError: if there is no such depth or stem.

    Source: https://arxiv.org/abs/1512.03385, table 1.
    """
    if depth not in BLOCKS:
        raise ValueError(f"`depth` must be 18, 34 or 50. Received: depth={depth}.")
    layers.require_stem(stem)
    inputs, x = layers.pixels(input_shape, mean, std)
    if stem == "imagenet":
        x = layers.imagenet_stem(x)
    else:
        x = _convolution(x, 64, 3, 1, "conv1")
        x = keras.layers.ReLU()(x)
    residual = _bottleneck if depth >= 50 else _basic
    for stack, blocks in enumerate(BLOCKS[depth]):
        for block in range(blocks):
            strides = 2 if stack > 0 and block == 0 else 1
            prefix = f"stack{stack}_block{block}"
            x = _add(x, residual(x, 64 * 2**stack, strides, prefix), strides, prefix)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = layers.logits(x, num_classes)
    return keras.Model(inputs, logits, name=name or f"resnet{depth}")


def _basic(x: Any, filters: int, strides: int, name: str) -> Any:
    x = keras.layers.ReLU()(_convolution(x, filters, 3, strides, f"{name}_1"))
    return _convolution(x, filters, 3, 1, f"{name}_2")


def _bottleneck(x: Any, filters: int, strides: int, name: str) -> Any:
    x = keras.layers.ReLU()(_convolution(x, filters, 1, 1, f"{name}_1"))
    x = keras.layers.ReLU()(_convolution(x, filters, 3, strides, f"{name}_2"))
    return _convolution(x, 4 * filters, 1, 1, f"{name}_3")


def _add(shortcut: Any, residual: Any, strides: int, name: str) -> Any:
    filters = residual.shape[-1]
    if shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1, strides, f"{name}_0")
    return keras.layers.ReLU()(keras.layers.add([residual, shortcut]))


def _convolution(x: Any, filters: int, size: int, strides: int, name: str) -> Any:
    x = layers.convolution(x, filters, size, strides=strides, name=f"{name}_conv")
    return layers.batch_normalization(x, name=f"{name}_bn")
