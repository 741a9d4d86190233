"""Keras callbacks: fairness measured while a model trains."""

import functools
import math
import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras.auditing.batches import Labelled, decoded, in_batches
from kd_keras.auditing.options import check_attributes
from kd_keras.auditing.scores import Reader
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.distiller.teacher import Teacher
from kd_keras.fairness import GroupCounts, PairedCounts, gap
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gaps import notes_of
from kd_keras.fairness.hard_predictions import Scores, check_scores, check_threshold
from kd_keras.fairness.names import attribute_name, log_name
from kd_keras.known_scores import Known, of_keras

_MEASURED = (
    "demographic_parity_difference",
    "equalized_odds_difference",
    "worst_group_accuracy",
)


class FairnessMonitor(keras.callbacks.Callback):
    """Adds fairness to the logs at the end of an epoch, in one pass over a data set.

    It adds `val_dpd_<attribute>` and `val_eod_<attribute>` for each attribute,
    `val_worst_group_accuracy` over the groups of all attributes, and
    `val_agreement`, the share of examples on which a Distiller's student and its
    single teacher predict the same class. The crossing ("sex", "race") is logged as
    `sex_x_race`. An undefined gap is NaN, on which nothing improves.

    Keras calls callbacks in their order: put the monitor before those that read its
    logs, such as EarlyStopping, ModelCheckpoint and TensorBoard.

    Args:
      dataset: as `kd_keras.audit` takes it: a table, or a tf.data.Dataset of examples,
        single or in batches. Where a `TeacherCache` has joined it, the agreement is
        with its logits.
      spec: the data set's spec.
      every: measure each `every` epochs, counted from the first.
      run_teacher: whether to run the Distiller's teacher for the agreement where no
        cache has its logits; a teacher costs more than the student.
      scores: what the model gives, "logits" or "probabilities", where neither its last
        layer nor its loss says so.
      threshold: probability of class 1 that has to be exceeded to predict it.
      attributes: attributes and crossings; None for each attribute of the spec.
      sample_weight: key of the examples' weights; None for ones.
      min_examples: a rate of fewer examples is in no gap, and in no worst group; 0 or
        1 leaves nothing out. On a small validation split the default may leave fewer
        than two groups to compare: the gap is then NaN, and a warning at the first
        measurement names the groups and their sizes.
      batch_size: examples in a batch, where `dataset` has single ones.

    Raises:
      TypeError: if `dataset` is nothing that can be audited.
      ValueError: if `every` is not positive, a key is missing in `dataset`, or another
        argument is not as described.

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
        dataset: Any,
        spec: DatasetSpec,
        every: int = 1,
        run_teacher: bool = True,
        *,
        scores: Scores | None = None,
        threshold: float = 0.5,
        attributes: Sequence[Attribute] | None = None,
        sample_weight: str | None = None,
        min_examples: int = 10,
        batch_size: int = 256,
    ):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be a positive number. Received: {every}.")
        check_scores(scores)
        check_threshold(threshold)
        self.attributes = check_attributes(attributes, tuple(spec.groups))
        self.dataset = in_batches(dataset, spec, sample_weight, batch_size)
        self.spec = spec
        self.every = every
        self.run_teacher = run_teacher
        self.scores = scores
        self.threshold = threshold
        self.sample_weight = sample_weight
        self.min_examples = min_examples
        self._told = False
        self._labelled: list[Labelled] | None = None

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
        self._read_as(self.scores, of_keras(self.model))
        batches = decoded(self.dataset, self.spec, self.sample_weight)
        counts = functools.reduce(operator.add, map(self._count, batches))
        logs.update(self._logs(counts))

    def measure(self, logits: np.ndarray) -> dict[str, float]:
        """What `on_epoch_end` logs, for logits that are at hand.

        The data set is read once, and its features are not kept.

        Args:
          logits: of the model, `[examples, classes]`, in the order of the data set.

        Returns:
          The logs.

        Raises:
          ValueError: if there are more or fewer rows than examples.
        """
        if self._labelled is None:
            batches = decoded(self.dataset, self.spec, self.sample_weight)
            self._labelled = [batch._replace(examples={}) for batch in batches]
        self._read_as("logits", None)
        examples = sum(len(batch.labels) for batch in self._labelled)
        if len(logits) != examples:
            raise ValueError(
                "`logits` must have one row for each example of the data set. "
                f"Received: {len(logits)} for {examples}."
            )
        counts, first = [], 0
        for batch in self._labelled:
            scores = logits[first : first + len(batch.labels)]
            counts.append(self._counts(batch, scores, None))
            first += len(batch.labels)
        return self._logs(functools.reduce(operator.add, counts))

    def _read_as(self, scores: Scores | None, known: Known | None) -> None:
        """Begins to read scores of the model and of its teacher."""
        model = getattr(self, "_model", None)
        kind: Any = getattr(model, "teacher_outputs", "logits")
        self._student = self._reader("the model", scores, known)
        self._of_teacher = self._reader("the teacher", kind, None)
        self._of_cache = self._reader("the teacher's cache", "logits", None)

    def _reader(self, name: str, scores: Scores | None, known: Any) -> Reader:
        return Reader(name, self.spec.class_names, scores, known, self.threshold)

    def _predictions(self, inputs: Any) -> tuple[Any, Any]:
        student = self.model(inputs, training=False)
        return student, Teacher(self._teacher)(inputs) if self._teacher else None

    def _count(self, batch: Labelled) -> GroupCounts | PairedCounts:
        return self._counts(batch, *self._predict(self.spec.inputs(batch.examples)))

    def _counts(
        self, batch: Labelled, scores: Any, teacher: Any
    ) -> GroupCounts | PairedCounts:
        size = len(batch.labels)
        student = self._student(scores, 0, size)
        options = {
            "groups": batch.groups,
            "sample_weight": batch.weights,
            "num_classes": self.spec.num_classes,
        }
        read = self._of_teacher
        if batch.teacher_logits is not None:
            teacher, read = batch.teacher_logits, self._of_cache
        if teacher is None:
            return GroupCounts.from_predictions(batch.labels, student, **options)
        return PairedCounts.from_predictions(
            batch.labels, read(teacher, 0, size), student, **options
        )

    def _logs(self, counts: GroupCounts | PairedCounts) -> dict[str, float]:
        logs = {}
        if isinstance(counts, PairedCounts):
            logs["val_agreement"] = counts.agreement()
            counts = counts.b
        return logs | (self._group_logs(counts) if self.attributes else {})

    def _group_logs(self, counts: GroupCounts) -> dict[str, float]:
        logs, worst = {}, []
        undefined: dict[str, list[str]] = {}
        for attribute in self.attributes:
            name = log_name(attribute)
            dpd, eod, lowest = (
                gap(counts, of, attribute=attribute, min_examples=self.min_examples)
                for of in _MEASURED
            )
            logs[f"val_dpd_{name}"] = float(dpd)
            logs[f"val_eod_{name}"] = float(eod)
            worst.append(float(lowest))
            if math.isnan(dpd.value) or math.isnan(eod.value):
                notes = notes_of([dpd, eod])
                undefined[attribute_name(attribute)] = notes or [eod.reason]
        defined = [value for value in worst if not math.isnan(value)]
        logs["val_worst_group_accuracy"] = min(defined, default=math.nan)
        self._tell(undefined)
        return logs

    def _tell(self, undefined: Mapping[str, Sequence[str]]) -> None:
        """Warns once of gaps that have nothing to compare."""
        if undefined and not self._told:
            of = (f"{name} ({'; '.join(notes)})" for name, notes in undefined.items())
            warnings.warn(
                f"FairnessMonitor logs NaN for gaps by {', '.join(of)}: a rate of "
                f"fewer than min_examples={self.min_examples} examples is in no gap. "
                "Give it more examples, or min_examples=1.",
                stacklevel=2,
            )
        self._told = True
