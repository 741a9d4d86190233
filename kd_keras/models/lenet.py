"""LeNet-5 of LeCun et al. 1998, section II-B."""

import keras


def build(
    input_shape: tuple[int, int, int], num_classes: int, *, name: str | None = None
) -> keras.Model:
    """LeNet-5 with ReLU, max pooling and full connections, as it is used today.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`; 62,006 weights for 32x32x3 and 10 classes.

    Source: Gradient-based learning applied to document recognition, Proc. IEEE 1998.
    """
    inputs = keras.Input(input_shape, name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for filters in (6, 16):
        x = keras.layers.Conv2D(filters, 5, activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    for units in (120, 84):
        x = keras.layers.Dense(units, activation="relu")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name or "lenet5")
