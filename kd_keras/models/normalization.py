"""Batch normalization in TensorFlow's fused kernels."""

import functools
from typing import Any

import keras
import tensorflow as tf

from kd_keras.keras_internals import replace_call


def fuse_batch_normalization(
    model: keras.Model, *, inference: bool = False
) -> keras.Model:
    """Lets the batch normalizations of `model` run in one kernel each.

    Keras builds them out of many small operations. Weights, outputs, gradients and
    moving statistics stay the same up to rounding. The layers stay
    `keras.layers.BatchNormalization`, so the model is saved and loaded as one without
    any custom object; a loaded or cloned model is slower, not different, until it is
    fused in turn.

    Args:
      model: changed in place. Layers that are not over the last of four axes, or
        compute in another dtype than float32, are left as they are.
      inference: whether inference is fused as well as training: for a teacher, which
        only infers. Without it the outputs in inference keep every bit.

    Returns:
      `model`.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            fuse_batch_normalization(layer, inference=inference)
        elif type(layer) is keras.layers.BatchNormalization and _is_fusible(layer):
            fused = functools.partial(_call, layer, fuse_inference=inference)
            replace_call(layer, fused)
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
    layer: Any,
    inputs: tf.Tensor,
    training: bool | None = None,
    mask: Any = None,
    *,
    fuse_inference: bool,
) -> tf.Tensor:
    infers = not training or not layer.trainable
    if mask is not None or (infers and not fuse_inference):
        return type(layer).call(layer, inputs, training=training, mask=mask)
    mean, variance = layer.moving_mean, layer.moving_variance
    parameters = {
        "scale": layer.gamma.value if layer.scale else tf.ones_like(mean),
        "offset": layer.beta.value if layer.center else tf.zeros_like(mean),
        "epsilon": layer.epsilon,
    }
    if infers:
        # TensorFlow makes one kernel of a convolution, this, and a ReLU. It takes
        # float32 statistics whatever the layer computes in.
        statistics = {"mean": mean.value, "variance": variance.value}
        for name in ("scale", "offset"):
            statistics[name] = parameters.pop(name)
        statistics = {k: tf.cast(v, tf.float32) for k, v in statistics.items()}
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs, is_training=False, **statistics, **parameters
        ).y
    outputs, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(
        inputs, is_training=True, **parameters
    )
    # The kernel returns the unbiased variance, Keras keeps the population's.
    count = tf.cast(tf.size(inputs) / tf.size(batch_mean), batch_variance.dtype)
    batch_variance *= (count - 1.0) / count
    for moving, batch in ((mean, batch_mean), (variance, batch_variance)):
        moving.assign(moving * layer.momentum + batch * (1.0 - layer.momentum))
    return outputs
