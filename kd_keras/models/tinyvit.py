"""TinyViT of Wu et al. 2022."""

from collections.abc import Sequence
from typing import Any

import keras

from kd_keras.models import layers
from kd_keras.models.window_attention import WindowAttention

# Table 8 of the paper: channels of the four stages; heads of the last three.
SIZES: dict[str, dict[str, Any]] = {
    "5m": {"channels": (64, 128, 160, 320), "heads": (4, 5, 10), "drop_path": 0.0},
    "11m": {"channels": (64, 128, 256, 448), "heads": (4, 8, 14), "drop_path": 0.1},
    "21m": {"channels": (96, 192, 384, 576), "heads": (6, 12, 18), "drop_path": 0.2},
}
DEPTHS = (2, 2, 6, 2)


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    size: str,
    windows: Sequence[int] = (7, 14, 7),
    drop_path: float | None = None,
    mean: Sequence[float] = layers.IMAGENET_MEAN,
    std: Sequence[float] = layers.IMAGENET_STD,
    name: str | None = None,
) -> keras.Model:
    """A stage of MBConvs, then three of windowed attention.

    Args:
      input_shape: height, width and channels of raw pixels in [0, 255].
      num_classes: number of logits.
      size: "5m", "11m" or "21m".
      windows: side of the attention's windows in the last three stages, in tokens; the
        default is for 224 pixels. A window is no larger than the feature map.
      drop_path: rate of stochastic depth in the last block; it grows linearly from 0
        in the first one. None is the paper's.
      mean: per channel, of pixels in [0, 1].
      std: per channel, of pixels in [0, 1].
      name: name of the model.

    Returns:
      A model from pixels `[batch, height, width, channels]` to logits
      `[batch, num_classes]`.

    Raises:
      ValueError: if there is no such size.

    Source: https://arxiv.org/abs/2207.10666, section 4.2.
    """
    if size not in SIZES:
        raise ValueError(f"`size` must be one of {list(SIZES)}. Received: {size!r}.")
    channels, heads = SIZES[size]["channels"], SIZES[size]["heads"]
    last = SIZES[size]["drop_path"] if drop_path is None else drop_path
    rates = [last * i / (sum(DEPTHS) - 1) for i in range(sum(DEPTHS))]

    inputs, x = layers.pixels(input_shape, mean, std)
    x = _convolution(x, channels[0] // 2, 3, 2, "patch_embed_1")
    x = _convolution(_gelu(x), channels[0], 3, 2, "patch_embed_2")
    for block in range(DEPTHS[0]):
        x = _mbconv(x, rates.pop(0), f"stage0_block{block}")
    for stage in range(1, 4):
        x = _merge_patches(x, channels[stage], f"stage{stage}_merge")
        for block in range(DEPTHS[stage]):
            x = _attention_block(
                x,
                heads[stage - 1],
                windows[stage - 1],
                rates.pop(0),
                f"stage{stage}_block{block}",
            )
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    logits = layers.logits(x, num_classes, kernel_initializer=_truncated())
    return keras.Model(inputs, logits, name=name or f"tinyvit_{size}")


def _mbconv(x: Any, drop_path: float, name: str) -> Any:
    residual = _gelu(_convolution(x, 4 * x.shape[-1], 1, 1, f"{name}_1"))
    residual = _gelu(_depthwise(residual, 1, f"{name}_2"))
    residual = _convolution(
        residual, x.shape[-1], 1, 1, f"{name}_3", gamma_initializer="zeros"
    )
    return _gelu(keras.layers.add([x, _stochastic_depth(residual, drop_path)]))


def _merge_patches(x: Any, channels: int, name: str) -> Any:
    x = _gelu(_convolution(x, channels, 1, 1, f"{name}_1"))
    x = _gelu(_depthwise(x, 2, f"{name}_2"))
    return _convolution(x, channels, 1, 1, f"{name}_3")


def _attention_block(
    x: Any, heads: int, window: int, drop_path: float, name: str
) -> Any:
    window = min(window, max(x.shape[1:3]))
    attended = WindowAttention(heads, window, name=f"{name}_attention")(x)
    x = keras.layers.add([x, _stochastic_depth(attended, drop_path)])
    x = _depthwise(x, 1, f"{name}_local")
    hidden = keras.layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(x)
    hidden = _gelu(_dense(hidden, 4 * x.shape[-1], f"{name}_mlp_1"))
    hidden = _dense(hidden, x.shape[-1], f"{name}_mlp_2")
    return keras.layers.add([x, _stochastic_depth(hidden, drop_path)])


def _stochastic_depth(x: Any, rate: float) -> Any:
    """Leaves out whole examples."""
    if not rate:
        return x
    return keras.layers.Dropout(rate, noise_shape=(None, 1, 1, 1))(x)


def _convolution(
    x: Any, filters: int, size: int, strides: int, name: str, **options: Any
) -> Any:
    x = layers.convolution(x, filters, size, strides=strides, name=f"{name}_conv")
    return layers.batch_normalization(x, name=f"{name}_bn", **options)


def _depthwise(x: Any, strides: int, name: str) -> Any:
    if strides > 1:
        x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        use_bias=False,
        depthwise_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.batch_normalization(x, name=f"{name}_bn")


def _dense(x: Any, units: int, name: str) -> Any:
    return keras.layers.Dense(units, kernel_initializer=_truncated(), name=name)(x)


def _gelu(x: Any) -> Any:
    return keras.layers.Activation("gelu")(x)


def _truncated() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)
