"""A Keras model that trains on labels alone, on any number of replicas."""

import keras
import tensorflow as tf

from kd_keras.distiller.labels import LabelOptional
from kd_keras.distiller.objective import (
    Schedule,
    align_outputs,
    count_entries,
    hard_parts,
    regularization_parts,
    total_loss,
)
from kd_keras.distiller.outputs import split_targets
from kd_keras.distiller.workers import MultiWorkerModel


class Supervised(MultiWorkerModel, LabelOptional):
    """Trains a model as its own `fit` does on one device.

    Keras averages the mean losses of the replicas, which is another number where they
    share a batch unevenly; here the loss is the mean over the whole batch. It is what
    a `Distiller` with alpha=0 does, without a teacher.

    Args:
        student: The model to train, which gives logits.
    """

    head = None
    teacher_outputs = "logits"

    def __init__(self, student):
        super().__init__(name="supervised", dtype=student.dtype_policy)
        self.student = student
        self.output_names = student.output_names
        self.build(None)

    def build(self, input_shape):
        """Nothing to create: the student is built."""

    def call(self, inputs, training=None):
        """The student's outputs."""
        return self.student(inputs, training=training)

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **kwargs):
        """As `keras.Model.compile`."""
        super().compile(optimizer, loss, loss_weights, **kwargs)
        self.loss_weights = loss_weights
        # It divides by this replica's batch; hard_parts divides by the whole one.
        self._compile_loss = None

    def train_step(self, data):
        """One update; see `keras.Model.train_step`."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred, loss = self._loss(x, y, sample_weight, training=True)
            loss = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data):
        """The logs of a batch; changes nothing but the metrics."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred, _ = self._loss(x, y, sample_weight, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _loss(self, x, y, sample_weight, training):
        """The outputs and this replica's share of the loss."""
        y_pred = self(x, training=training)
        outputs = align_outputs(self, y_pred, [], split_targets(y, sample_weight))
        parts = hard_parts(outputs, self, Schedule(1.0, 0.0, 0))
        parts += regularization_parts(self.losses)
        share, loss, _ = total_loss(parts)
        self._loss_tracker.update_state(loss, count_entries(outputs))
        return y_pred, share
