"""Building blocks that the image architectures share."""

from collections.abc import Sequence
from typing import Any

import keras

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def pixels(
    input_shape: tuple[int, int, int], mean: Sequence[float], std: Sequence[float]
) -> tuple[Any, Any]:
    """The input `image`, raw pixels in [0, 255], and the standardized pixels.

    Args:
      input_shape: height, width and channels.
      mean: per channel, of pixels in [0, 1]. An image without three channels gets
        the mean over these numbers in every channel; the same holds for `std`.
      std: per channel, of pixels in [0, 1].
    """
    channels = input_shape[-1]
    if channels != len(mean):
        mean = [sum(mean) / len(mean)] * channels
        std = [sum(std) / len(std)] * channels
    inputs = keras.Input(input_shape, name="image")
    scale = [1 / (255 * s) for s in std]
    offset = [-m / s for m, s in zip(mean, std, strict=True)]
    return inputs, keras.layers.Rescaling(scale, offset)(inputs)


def convolution(
    x: Any, filters: int, size: int, *, strides: int = 1, name: str | None = None
) -> Any:
    """Convolution without bias, padded by size // 2 zeros on every side."""
    # "same" pads a strided convolution more below and to the right, which the
    # published weights do not expect.
    if strides > 1 and size > 1:
        x = keras.layers.ZeroPadding2D(size // 2)(x)
    return keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def batch_normalization(x: Any, *, name: str | None = None, **options: Any) -> Any:
    """With the epsilon and the momentum of the published implementations."""
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=name, **options
    )(x)


def imagenet_stem(x: Any) -> Any:
    """7x7 convolution and 3x3 max pooling, each with stride 2, of ResNet, DenseNet."""
    x = convolution(x, 64, 7, strides=2, name="conv1_conv")
    x = keras.layers.ReLU()(batch_normalization(x, name="conv1_bn"))
    x = keras.layers.ZeroPadding2D(1)(x)
    return keras.layers.MaxPooling2D(3, strides=2)(x)


def require_stem(stem: str) -> None:
    if stem not in ("imagenet", "small"):
        raise ValueError(
            '`stem` must be "imagenet" (7x7 convolution and pooling) or "small" (3x3 '
            f"convolution, for images of up to about 64 pixels). Received: {stem!r}."
        )


def logits(x: Any, num_classes: int, **options: Any) -> Any:
    return keras.layers.Dense(num_classes, dtype="float32", name="logits", **options)(x)
