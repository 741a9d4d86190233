"""A Keras model that trains on labels alone, on any number of replicas."""

from typing import Any

import keras
import tensorflow as tf

from kd_keras.distiller.batch import Batch, align_outputs
from kd_keras.distiller.hard import HardPart
from kd_keras.distiller.objective import Part, regularization_part, total_loss
from kd_keras.distiller.outputs import split_targets
from kd_keras.distiller.student import StudentTrainer
from kd_keras.keras_internals import loss_tracker


class Supervised(StudentTrainer):
    """Trains a model as its own `fit` does on one device.

    Keras averages the mean losses of the replicas, which is another number where they
    share a batch unevenly; here the loss is the mean over the whole batch. It is what
    a `Distiller` with alpha=0 does, without a teacher.

    Args:
      student: the model to train, which gives logits.
    """

    def __init__(self, student: keras.Model):
        super().__init__(name="supervised", dtype=student.dtype_policy)
        self.student = student
        if hasattr(student, "output_names"):  # A Sequential has none.
            self.output_names = student.output_names
        self.build(None)

    def build(self, input_shape: Any) -> None:
        """Nothing to create: the student is built."""

    def _loss(
        self, x: Any, y: Any, sample_weight: Any, taught: Any, training: bool
    ) -> tuple[Any, tf.Tensor]:
        """The student's outputs and this replica's share of the loss."""
        y_pred = self(x, training=training)
        targets = split_targets(y, sample_weight)
        batch = Batch(
            align_outputs(self.student, None, "logits", y_pred, [], targets),
            targets,
            regularization=self.losses,
            training=training,
        )
        hard: Part = HardPart(self.loss, self.loss_weights)
        share, loss, _ = total_loss([hard, regularization_part], batch)
        loss_tracker(self).update_state(loss, batch.entries())
        return y_pred, share
