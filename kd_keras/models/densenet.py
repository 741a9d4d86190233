"""The DenseNets of Huang et al. 2017."""

from collections.abc import Sequence
from typing import Any

import keras

from kd_keras.models import layers

BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32)}


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    depth: int,
    stem: str = "imagenet",
    growth_rate: int = 32,
    mean: Sequence[float] = layers.IMAGENET_MEAN,
    std: Sequence[float] = layers.IMAGENET_STD,
    name: str | None = None,
) -> keras.Model:
    """DenseNet-121 or DenseNet-169, with bottlenecks and compression by a half.

    The layers have the names of keras.applications, by which its weights are loaded.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      depth: 121 or 169.
      stem: "imagenet", or "small": one 3x3 convolution to twice the growth rate, as in
        the paper's CIFAR networks.
      growth_rate: number of channels that a layer adds.
      mean: per channel, of pixels in [0, 1].
      std: per channel, of pixels in [0, 1].
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`.

    Raises:
      ValueError: if there is no such depth or stem.

    Source: https://arxiv.org/abs/1608.06993, table 1 and section 3.
    """
    if depth not in BLOCKS:
        raise ValueError(f"`depth` must be 121 or 169. Received: depth={depth}.")
    layers.require_stem(stem)
    inputs, x = layers.pixels(input_shape, mean, std)
    if stem == "imagenet":
        x = layers.imagenet_stem(x)
    else:
        x = layers.convolution(x, 2 * growth_rate, 3, name="conv1_conv")
    for block, size in enumerate(BLOCKS[depth], start=2):
        if block > 2:
            x = _transition(x, f"pool{block - 1}")
        for layer in range(1, size + 1):
            new = _dense_layer(x, growth_rate, f"conv{block}_block{layer}")
            x = keras.layers.concatenate([x, new])
    x = keras.layers.ReLU()(layers.batch_normalization(x, name="bn"))
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = layers.logits(x, num_classes)
    return keras.Model(inputs, logits, name=name or f"densenet{depth}")


def _dense_layer(x: Any, growth_rate: int, name: str) -> Any:
    x = keras.layers.ReLU()(layers.batch_normalization(x, name=f"{name}_0_bn"))
    x = layers.convolution(x, 4 * growth_rate, 1, name=f"{name}_1_conv")
    x = keras.layers.ReLU()(layers.batch_normalization(x, name=f"{name}_1_bn"))
    return layers.convolution(x, growth_rate, 3, name=f"{name}_2_conv")


def _transition(x: Any, name: str) -> Any:
    x = keras.layers.ReLU()(layers.batch_normalization(x, name=f"{name}_bn"))
    x = layers.convolution(x, x.shape[-1] // 2, 1, name=f"{name}_conv")
    return keras.layers.AveragePooling2D(2)(x)
