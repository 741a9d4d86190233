"""Batch normalization that trains with TensorFlow's fused kernel."""

import types
from typing import Any

import keras
import tensorflow as tf


def fuse_batch_normalization(model: keras.Model) -> keras.Model:
    """Lets the batch normalizations of `model` train in one kernel each.

    Keras builds the training step out of many small operations. Weights, outputs,
    gradients and moving statistics stay the same, and so does inference. The layers
    stay `keras.layers.BatchNormalization`, so the model is saved and loaded as one
    without any custom object; a loaded or cloned model is slower, not different,
    until it is fused in turn.

    Args:
      model: changed in place. Layers that are not over the last of four axes, or
        compute in another dtype than float32, are left as they are.

    Returns:
      `model`.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            fuse_batch_normalization(layer)
        elif type(layer) is keras.layers.BatchNormalization and _is_fusible(layer):
            layer.call = types.MethodType(_call, layer)
    return model


def _is_fusible(layer: keras.layers.BatchNormalization) -> bool:
    return (
        layer.built
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and layer.compute_dtype == "float32"
        and not layer.renorm
        and not layer.synchronized
    )


def _call(
    layer: Any, inputs: tf.Tensor, training: bool | None = None, mask: Any = None
) -> tf.Tensor:
    if not training or not layer.trainable or mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    mean = layer.moving_mean
    outputs, batch_mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs,
        scale=layer.gamma.value if layer.scale else tf.ones_like(mean),
        offset=layer.beta.value if layer.center else tf.zeros_like(mean),
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The kernel returns the unbiased variance, Keras keeps the population's.
    count = tf.cast(tf.size(inputs) / tf.size(batch_mean), variance.dtype)
    variance *= (count - 1.0) / count
    for moving, batch in (
        (layer.moving_mean, batch_mean),
        (layer.moving_variance, variance),
    ):
        moving.assign(moving * layer.momentum + batch * (1.0 - layer.momentum))
    return outputs
