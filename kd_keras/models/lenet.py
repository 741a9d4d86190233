"""LeNet-5 of LeCun et al. 1998, section II-B."""

from collections.abc import Sequence

import keras

from kd_keras.models import layers


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    mean: Sequence[float] = (0.5, 0.5, 0.5),
    std: Sequence[float] = (0.5, 0.5, 0.5),
    name: str | None = None,
) -> keras.Model:
    """LeNet-5 with ReLU, max pooling and full connections, as it is used today.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      mean: per channel, of pixels in [0, 1].
      std: per channel, of pixels in [0, 1].
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`; 62,006 weights for 32x32x3 and 10 classes.

    Source: Gradient-based learning applied to document recognition, Proc. IEEE 1998.
    """
    inputs, x = layers.pixels(input_shape, mean, std)
    for filters in (6, 16):
        x = keras.layers.Conv2D(filters, 5, activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    for units in (120, 84):
        x = keras.layers.Dense(units, activation="relu")(x)
    logits = layers.logits(x, num_classes)
    return keras.Model(inputs, logits, name=name or "lenet5")
