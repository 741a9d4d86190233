"""The architectures are the published ones."""

import keras
import numpy as np
import pytest

from kd_keras import models
from kd_keras.models.normalization import FusedBatchNormalization


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        # He et al. 2016, table 6: 0.27 M and 0.85 M; exact counts by hand:
        # 432 + 3n * 9 * (16^2 + 32^2 + 64^2) * 2 - ... + 650 + batch norms.
        ("resnet20", 269_722),
        ("resnet56", 853_018),
        ("lenet5", 62_006),
    ],
)
def test_trainable_weights(name, weights):
    model = models.build(name, (32, 32, 3), 10)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == weights


def test_any_size_and_class_count():
    for name in ("resnet20", "lenet5"):
        assert models.build(name, (48, 40, 1), 7).output_shape == (None, 7)


def test_unknown_architecture_and_depth():
    with pytest.raises(ValueError, match=r"'resnet21'.*lenet5, resnet110"):
        models.build("resnet21", (32, 32, 3), 10)
    with pytest.raises(ValueError, match="Received: depth=21"):
        models.resnet_cifar.build((32, 32, 3), 10, depth=21)


def test_option_a_shortcut_passes_every_second_pixel_between_zeros():
    x = np.arange(2 * 4 * 4 * 16, dtype=np.float32).reshape(2, 4, 4, 16)
    wide = keras.KerasTensor((2, 2, 2, 32))
    inputs = keras.Input(batch_shape=(2, 4, 4, 16))
    shortcut = models.resnet_cifar._option_a(inputs, wide)
    out = keras.Model(inputs, shortcut).predict(x, verbose=0)
    np.testing.assert_array_equal(out[..., 8:24], x[:, ::2, ::2])
    assert not out[..., :8].any()
    assert not out[..., 24:].any()


@pytest.mark.parametrize("flags", [{}, {"scale": False}, {"center": False}])
def test_fused_batch_normalization_equals_keras(flags):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(2, 3, (4, 5, 5, 6)), tf.float32)
    layers = [
        cls(momentum=0.7, **flags)
        for cls in (keras.layers.BatchNormalization, FusedBatchNormalization)
    ]
    results = []
    for layer in layers:
        layer.build(x.shape)
        for weight in layer.trainable_weights:
            weight.assign(np.linspace(0.5, 1.5, 6))
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=True)
            loss = tf.reduce_sum(outputs**3)
        gradients = tape.gradient(loss, [x, *layer.trainable_variables])
        results.append([outputs, *gradients, *layer.non_trainable_variables, layer(x)])
    for stock, fused in zip(*results, strict=True):
        np.testing.assert_allclose(fused, stock, rtol=1e-4, atol=1e-4)


def test_frozen_fused_batch_normalization_moves_nothing():
    layer = FusedBatchNormalization()
    layer.trainable = False
    layer(np.ones((2, 3, 3, 4), np.float32), training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(4))
