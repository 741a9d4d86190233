"""Keras callbacks: fairness measured while a model trains."""

import functools
import operator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.distiller.teacher import Teacher
from kd_keras.fairness import GroupCounts, PairedCounts, hard_predictions


class FairnessMonitor(keras.callbacks.Callback):
    """Adds fairness to the logs at the end of an epoch, in one pass over a data set.

    It adds `val_dpd_<attribute>` and `val_eod_<attribute>` for each attribute of the
    spec, `val_worst_group_accuracy` over the groups of all attributes, and
    `val_agreement`, the share of examples on which a Distiller's student and its
    single teacher predict the same class. An undefined gap is NaN, on which nothing
    improves.

    Keras calls callbacks in their order: put the monitor before those that read its
    logs, such as EarlyStopping, ModelCheckpoint and TensorBoard.

    Args:
      dataset: batches of examples: dicts of tensors under the spec's keys. Where a
        `TeacherCache` has joined them, the agreement is with its logits.
      spec: the data set's spec.
      every: measure each `every` epochs, counted from the first.
      run_teacher: whether to run the Distiller's teacher for the agreement where no
        cache has its logits; a teacher costs more than the student.

    Raises:
      ValueError: if `every` is not positive.

    Example:

    ```python
    model.fit(
        train,
        epochs=20,
        callbacks=[
            FairnessMonitor(validation.batch(256), spec),
            keras.callbacks.EarlyStopping("val_eod_color", mode="min"),
        ],
    )
    ```
    """

    def __init__(
        self,
        dataset: tf.data.Dataset,
        spec: DatasetSpec,
        every: int = 1,
        run_teacher: bool = True,
    ):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be a positive number. Received: {every}.")
        self.dataset = dataset
        self.spec = spec
        self.every = every
        self.run_teacher = run_teacher

    def on_train_begin(self, logs: dict | None = None) -> None:
        joined = isinstance(self.dataset.element_spec[self.spec.label], dict)
        teacher = getattr(self.model, "teacher", None)
        if joined or not self.run_teacher:
            teacher = None
        # The agreement with several teachers has no single meaning.
        self._teacher = None if isinstance(teacher, list) else teacher
        self._predict = tf.function(self._predictions, reduce_retracing=True)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is None or (epoch + 1) % self.every:
            return
        counts = functools.reduce(operator.add, map(self._count, self.dataset))
        if isinstance(counts, PairedCounts):
            logs["val_agreement"] = counts.agreement()
            counts = counts.b
        if self.spec.groups:
            logs.update(_group_logs(counts))

    def _predictions(self, inputs: Any) -> tuple[Any, Any]:
        student = self.model(inputs, training=False)
        return student, Teacher(self._teacher)(inputs) if self._teacher else None

    def _count(self, batch: dict[str, tf.Tensor]) -> GroupCounts | PairedCounts:
        labels = batch[self.spec.label]
        student, teacher = self._predict(self.spec.inputs(batch))
        if isinstance(labels, dict):
            labels, teacher = labels["labels"], labels["teacher_logits"]
        labels = labels.numpy()
        student = hard_predictions(student.numpy(), threshold=0)
        options = {
            "groups": {
                # Index -1, missing, is the entry None.
                attribute: np.array([*names, None])[batch[attribute].numpy()]
                for attribute, names in self.spec.groups.items()
            },
            "num_classes": self.spec.num_classes,
        }
        if teacher is None:
            return GroupCounts.from_predictions(labels, student, **options)
        logits = getattr(self.model, "teacher_outputs", "logits") == "logits"
        teacher = hard_predictions(teacher.numpy(), threshold=0 if logits else 0.5)
        return PairedCounts.from_predictions(labels, teacher, student, **options)


def _group_logs(counts: GroupCounts) -> dict[str, float]:
    logs, worst = {}, []
    for attribute in counts.groups:
        dpd = counts.demographic_parity_difference(attribute)
        eod = counts.equalized_odds_difference(attribute)
        logs[f"val_dpd_{attribute}"] = float(dpd)
        logs[f"val_eod_{attribute}"] = float(eod)
        worst.append(float(counts.worst_group_accuracy(attribute)))
    logs["val_worst_group_accuracy"] = min(worst)
    return logs
