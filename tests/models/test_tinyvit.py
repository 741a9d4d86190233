"""The parts of TinyViT against the paper's formulas."""

import keras
import numpy as np
import pytest

from kd_keras import models
from kd_keras.models.window_attention import WindowAttention


def _attention_of_a_window(x, heads, bias, norm, qkv, projection):
    """Rows of `x` are the tokens of one window, row by row."""
    side = int(len(x) ** 0.5)
    gamma, beta = norm
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    mixed = (x * gamma + beta) @ qkv[0] + qkv[1]
    out = []
    for head, part in enumerate(np.split(mixed, heads, axis=1)):
        query, key, value = np.split(part, 3, axis=1)
        scores = query @ key.T / np.sqrt(query.shape[1])
        for i in range(len(x)):
            for j in range(len(x)):
                down = abs(i // side - j // side)
                across = abs(i % side - j % side)
                scores[i, j] += bias[head, side * down + across]
        weights = np.exp(scores)
        out.append(weights / weights.sum(1, keepdims=True) @ value)
    return np.concatenate(out, axis=1) @ projection[0] + projection[1]


@pytest.mark.parametrize("size", [(4, 6), (3, 5)], ids=["divided", "padded"])
def test_window_attention_is_the_formula(size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *size, 8)).astype(np.float32)
    layer = WindowAttention(num_heads=2, window=2)
    layer.build(x.shape)
    layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.weights])
    result = layer(x).numpy()
    assert result.shape == x.shape

    parameters = [w.get_weights() for w in (layer.norm, layer.qkv, layer.projection)]
    height, width = -(-size[0] // 2) * 2, -(-size[1] // 2) * 2
    padded = np.zeros((2, height, width, 8))
    padded[:, : size[0], : size[1]] = x
    for row in range(0, height, 2):
        for column in range(0, width, 2):
            window = padded[0, row : row + 2, column : column + 2]
            expected = _attention_of_a_window(
                window.reshape(4, 8), 2, layer.bias.numpy(), *parameters
            ).reshape(2, 2, 8)
            received = result[0, row : row + 2, column : column + 2]
            expected = expected[: received.shape[0], : received.shape[1]]
            np.testing.assert_allclose(received, expected, atol=1e-4)


def test_stochastic_depth_leaves_out_whole_examples():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, models.tinyvit._stochastic_depth(inputs, 0.25))
    out = model(np.ones((400, 2, 2, 3), np.float32), training=True).numpy()
    # Kept examples are scaled by 1 / (1 - 0.25).
    assert all(np.unique(example).size == 1 for example in out)
    kept = out[:, 0, 0, 0] > 0
    np.testing.assert_allclose(out[kept], 4 / 3, rtol=1e-6)
    assert 0.65 < kept.mean() < 0.85  # 0.75 +- 4.6 standard deviations
