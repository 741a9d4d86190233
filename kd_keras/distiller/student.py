"""A Keras model that trains another one, its student."""

from typing import Any

import keras
import tensorflow as tf

from kd_keras.distiller.labels import LabelOptional
from kd_keras.distiller.workers import MultiWorkerModel
from kd_keras.keras_internals import forget_compiled_loss


class StudentTrainer(MultiWorkerModel, LabelOptional):
    """Calling and predicting with it mean `self.student`.

    Subclasses set `student` and say what the loss is, in `_loss`.
    """

    student: keras.Model
    loss: Any

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The student's outputs."""
        return self.student(inputs, training=training)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`."""
        super().compile(optimizer, loss, loss_weights, **kwargs)
        self.loss_weights = loss_weights
        # It divides by this replica's batch; HardPart divides by the whole one.
        forget_compiled_loss(self)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of the student; see `keras.Model.train_step`."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        taught = self._teach(x, y)
        with tf.GradientTape() as tape:
            y_pred, loss = self._loss(x, y, sample_weight, taught, training=True)
            loss = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The logs of a batch; changes nothing but the metrics."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        taught = self._teach(x, y)
        y_pred, _ = self._loss(x, y, sample_weight, taught, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _teach(self, x: Any, y: Any) -> Any:
        """What is known of a batch before the student sees it."""

    def _loss(
        self, x: Any, y: Any, sample_weight: Any, taught: Any, training: bool
    ) -> tuple[Any, tf.Tensor]:
        """The student's outputs and this replica's share of the loss."""
        raise NotImplementedError
