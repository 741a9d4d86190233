"""Attention within windows, with relative position biases, of TinyViT and LeViT."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="kd_keras")
class WindowAttention(keras.layers.Layer):
    """Layer normalization, then multi-head attention of the tokens of one window.

    A head adds to its scores a bias for every vertical and horizontal distance. A map
    that the window does not divide is padded below and to the right with zeros, which
    take part in the attention, as in the authors' code.

    Args:
      num_heads: number of heads; divides the number of channels.
      window: side of a window, in tokens.

    Input and output: `[batch, height, width, channels]`.

    Source: Wu et al. 2022, section 4.2; the biases are those of Graham et al. 2021
    (LeViT), section 4.
    """

    def __init__(self, num_heads: int, window: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.window = window

    def build(self, input_shape: tuple[int, ...]) -> None:
        channels = input_shape[-1]
        tokens = (None, self.window**2, channels)
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)
        self.qkv = keras.layers.Dense(3 * channels, kernel_initializer=initializer)
        self.projection = keras.layers.Dense(channels, kernel_initializer=initializer)
        for layer in (self.norm, self.qkv, self.projection):
            layer.build(tokens)
        self.bias = self.add_weight(
            shape=(self.num_heads, self.window**2), initializer="zeros", name="bias"
        )
        # Of every pair of tokens: index of its (vertical, horizontal) distance.
        row, column = np.divmod(np.arange(self.window**2), self.window)
        self.distance = self.window * abs(row[:, None] - row) + abs(
            column[:, None] - column
        )

    def call(self, inputs: Any) -> Any:
        _, height, width, channels = inputs.shape
        side = self.window
        rows, columns = -(-height // side), -(-width // side)
        below, right = rows * side - height, columns * side - width
        x = ops.pad(inputs, [[0, 0], [0, below], [0, right], [0, 0]])
        x = ops.reshape(x, (-1, rows, side, columns, side, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = self._attend(ops.reshape(x, (-1, side * side, channels)))
        x = ops.reshape(x, (-1, rows, columns, side, side, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, rows * side, columns * side, channels))
        return x[:, :height, :width]

    def _attend(self, x: Any) -> Any:
        """Attention among tokens `[windows, tokens, channels]`."""
        _, tokens, channels = x.shape
        qkv = self.qkv(self.norm(x))
        qkv = ops.reshape(
            qkv, (-1, tokens, self.num_heads, 3 * channels // self.num_heads)
        )
        query, key, value = ops.split(qkv, 3, axis=-1)
        bias = ops.take(self.bias, self.distance, axis=1)[None]
        x = ops.dot_product_attention(query, key, value, bias=bias)
        return self.projection(ops.reshape(x, (-1, tokens, channels)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(num_heads=self.num_heads, window=self.window)
        return config
