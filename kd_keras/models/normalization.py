"""Batch normalization that trains with TensorFlow's fused kernel."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kd_keras")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last of four axes, quicker.

    Keras builds the training step out of many small operations; here it is one
    fused kernel. Weights, outputs, gradients and moving statistics are those of the
    parent class, so `load_weights` works both ways. Inference is the parent's.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        fused = (
            training
            and self.trainable
            and mask is None
            and not self.renorm
            and inputs.dtype == tf.float32
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            scale=self.gamma.value if self.scale else tf.ones_like(self.moving_mean),
            offset=self.beta.value if self.center else tf.zeros_like(self.moving_mean),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel returns the unbiased variance, Keras keeps the population's.
        count = tf.cast(tf.size(inputs) / tf.size(mean), variance.dtype)
        variance *= (count - 1.0) / count
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs
