"""The CIFAR ResNets of He et al. 2016, section 4.2."""

import keras

from kd_keras.models.normalization import FusedBatchNormalization


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    depth: int = 20,
    name: str | None = None,
) -> keras.Model:
    """A ResNet of 6n+2 layers with parameter-free (option A) shortcuts.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      depth: 20, 32, 44, 56 or 110.
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`. ResNet-20 has 0.27 million weights on CIFAR-10.

    Raises:
      ValueError: if `depth` is not 6n+2.

    Source: https://arxiv.org/abs/1512.03385, section 4.2. Weight decay belongs to
    the optimizer.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(
            f"`depth` must be 6n + 2, such as 20, 32, 44, 56. Received: depth={depth}."
        )
    inputs = keras.Input(input_shape, name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    x = _convolution(x, 16, 1, "conv1")
    x = keras.layers.ReLU()(FusedBatchNormalization(name="bn1")(x))
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range((depth - 2) // 6):
            strides = 2 if stage > 1 and block == 0 else 1
            x = _block(x, filters, strides, f"stage{stage}_block{block}")
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name or f"resnet{depth}")


def _block(x, filters, strides, name):
    shortcut = x
    x = _convolution(x, filters, strides, f"{name}_conv1")
    x = keras.layers.ReLU()(FusedBatchNormalization(name=f"{name}_bn1")(x))
    x = _convolution(x, filters, 1, f"{name}_conv2")
    x = FusedBatchNormalization(name=f"{name}_bn2")(x)
    return keras.layers.ReLU()(keras.layers.add([x, _option_a(shortcut, x)]))


def _option_a(shortcut, x):
    """Every second pixel, and new channels of zeros on both sides."""
    more = x.shape[-1] - shortcut.shape[-1]
    if not more:
        return shortcut
    shortcut = keras.layers.AveragePooling2D(1, strides=2)(shortcut)
    before = keras.ops.zeros_like(shortcut[..., : more // 2])
    after = keras.ops.zeros_like(shortcut[..., : more - more // 2])
    return keras.ops.concatenate([before, shortcut, after], axis=-1)


def _convolution(x, filters, strides, name):
    # Padding by one pixel on every side, as in the paper's implementation; "same"
    # would pad a strided convolution below and to the right only.
    if strides > 1:
        x = keras.layers.ZeroPadding2D(1)(x)
    return keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
