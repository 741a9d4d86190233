"""A Keras model that trains on labels alone, on any number of replicas."""

from kd_keras.distiller.objective import (
    Schedule,
    align_outputs,
    count_entries,
    hard_parts,
    regularization_parts,
    total_loss,
)
from kd_keras.distiller.outputs import split_targets
from kd_keras.distiller.student import StudentTrainer


class Supervised(StudentTrainer):
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

    def _loss(self, x, y, sample_weight, taught, training):
        """The student's outputs and this replica's share of the loss."""
        y_pred = self(x, training=training)
        outputs = align_outputs(self, y_pred, [], split_targets(y, sample_weight))
        parts = hard_parts(outputs, self, Schedule(1.0, 0.0, 0))
        parts += regularization_parts(self.losses)
        share, loss, _ = total_loss(parts)
        self._loss_tracker.update_state(loss, count_entries(outputs))
        return y_pred, share
