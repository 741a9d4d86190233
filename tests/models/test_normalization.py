"""The fused batch normalization computes what Keras' computes, and saves as it."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.models.normalization import fuse_batch_normalization


def _model(**options):
    inputs = keras.Input((5, 5, 6))
    layer = keras.layers.BatchNormalization(momentum=0.7, **options)
    return keras.Model(inputs, layer(inputs))


def _is_fused(model, training=True):
    """Whether it runs in the fused kernel, as the traced graph says."""
    step = tf.function(lambda x: model(x, training=training))
    graph = step.get_concrete_function(tf.zeros((2, *model.input_shape[1:]))).graph
    return any("FusedBatchNorm" in op.type for op in graph.get_operations())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("flags", [{}, {"scale": False}, {"center": False}])
def test_fused_equals_keras(flags, training):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(2, 3, (4, 5, 5, 6)), tf.float32)
    results = []
    fused = fuse_batch_normalization(_model(**flags), inference=True)
    for model in (_model(**flags), fused):
        for weight in model.trainable_weights:
            weight.assign(np.linspace(0.5, 1.5, 6))
        layer = model.layers[-1]
        layer.moving_mean.assign(np.linspace(-1.0, 3.0, 6))
        layer.moving_variance.assign(np.linspace(0.2, 2.0, 6))
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = model(x, training=training)
            loss = tf.reduce_sum(outputs**3)
        gradients = tape.gradient(loss, [x, *model.trainable_variables])
        results.append([outputs, *gradients, *model.non_trainable_weights, model(x)])
    for stock, fused in zip(*results, strict=True):
        np.testing.assert_allclose(fused, stock, rtol=1e-4, atol=1e-4)


def test_inference_is_fused_on_demand():
    assert not _is_fused(fuse_batch_normalization(_model()), training=False)
    model = fuse_batch_normalization(_model(), inference=True)
    assert _is_fused(model, training=False)


def test_frozen_moves_nothing():
    model = fuse_batch_normalization(_model())
    model.layers[-1].trainable = False
    model(np.ones((2, 5, 5, 6), np.float32), training=True)
    np.testing.assert_array_equal(model.layers[-1].moving_mean, np.zeros(6))


@pytest.mark.parametrize(
    "options", [{"axis": 1}, {"renorm": True}, {"dtype": "mixed_float16"}]
)
def test_what_the_kernel_cannot_do_is_left_to_keras(options):
    assert not _is_fused(fuse_batch_normalization(_model(**options)))


def test_built_models_are_fused_and_saved_as_stock_layers(tmp_path):
    model = models.build("resnet20", (8, 8, 3), 3)
    assert _is_fused(model)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert b"kd_keras" not in archive.read("config.json")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not _is_fused(loaded)
    assert _is_fused(fuse_batch_normalization(loaded))


def test_nested_models_are_fused():
    inputs = keras.Input((5, 5, 6))
    assert _is_fused(fuse_batch_normalization(keras.Model(inputs, _model()(inputs))))
