"""The Vision Transformer of Dosovitskiy et al. 2021, through KerasHub."""

from collections.abc import Sequence

import keras

from kd_keras.models import layers
from kd_keras.models.hub import import_keras_hub


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    patch_size: int = 16,
    num_layers: int = 12,
    num_heads: int = 12,
    hidden_dim: int = 768,
    mlp_dim: int = 3072,
    dropout: float = 0.0,
    mean: Sequence[float] = (0.5, 0.5, 0.5),
    std: Sequence[float] = (0.5, 0.5, 0.5),
    name: str | None = None,
) -> keras.Model:
    """ViT; its defaults are those of ViT-B/16.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255]; the patches
        divide height and width.
      num_classes: number of logits.
      patch_size: side of a patch, in pixels.
      num_layers: number of encoder layers.
      num_heads: number of attention heads; divides `hidden_dim`.
      hidden_dim: width of a token.
      mlp_dim: width of the hidden layer after the attention.
      dropout: dropout rate of the encoder layers.
      mean: per channel, of pixels in [0, 1].
      std: per channel, of pixels in [0, 1].
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`.

    Source: https://arxiv.org/abs/2010.11929, table 1.
    """
    hub = import_keras_hub()
    inputs, x = layers.pixels(input_shape, mean, std)
    tokens = hub.models.ViTBackbone(
        image_shape=tuple(input_shape),
        patch_size=patch_size,
        num_layers=num_layers,
        num_heads=num_heads,
        hidden_dim=hidden_dim,
        mlp_dim=mlp_dim,
        dropout_rate=dropout,
        name="backbone",
    )(x)
    logits = layers.logits(tokens[:, 0], num_classes, kernel_initializer="zeros")
    return keras.Model(inputs, logits, name=name or "vit")
