"""The Distiller: a Keras model that trains a student on labels and a teacher."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from kd_keras.distiller import settings
from kd_keras.distiller.added import AddedParts
from kd_keras.distiller.batch import Batch, Schedule, align_outputs
from kd_keras.distiller.compiled_metrics import metrics_of_logits
from kd_keras.distiller.features import Features, HintParts, build_projections
from kd_keras.distiller.finite import require_finite
from kd_keras.distiller.hard import HardPart, check_hard_loss
from kd_keras.distiller.live import LiveNumber, live_property
from kd_keras.distiller.objective import Part, regularization_part, total_loss
from kd_keras.distiller.outputs import Targets, split_targets
from kd_keras.distiller.saving import SavedDistiller
from kd_keras.distiller.shown import html_table
from kd_keras.distiller.soft import SoftPart
from kd_keras.distiller.student import StudentTrainer
from kd_keras.distiller.tokens import Source, TokenChunks, means_in_chunks
from kd_keras.keras_internals import let_steps_go, loss_tracker
from kd_keras.losses import FeatureHint, LossPart


@keras.saving.register_keras_serializable(package="kd_keras")
class Distiller(StudentTrainer, SavedDistiller):
    """Trains a student on labels and on a teacher's predictions.

    loss = (1 - alpha) * hard + alpha * T^2 * soft + hints + parts + regularization

    The student gives logits. Calling, saving and predicting with the distiller
    mean the student; the teacher is only read, and no file holds it.

    A batch is x, (x, y) or (x, y, sample_weight); without y the hard term is
    left out. A y that is a dict with the keys "teacher_logits", "temperature" or
    "groups", and "labels" where there are labels, brings the teacher's logits, in the
    structure of the student's outputs, one temperature per example, `[batch]`, or the
    groups that the examples belong to, `[batch]` or a dict of such. "teacher_inputs" is
    what the teacher sees where it is not x; "loss_mask", booleans `[batch, ...]`,
    leaves out positions.

    All arguments are keywords: `keras.distillation.Distiller` has another order. A
    teacher that gives NaN or Inf ends the training, with the batch.

    Args:
      student: `keras.Model` that gives logits `[batch, ..., classes]`.
      teacher: built `keras.Model`, `keras.layers.TFSMLayer`, loaded SavedModel
        or signature of one; a list of several; or None if it is attached
        later or the batches bring "teacher_logits".
      temperature: softens both predictions. Positive number or
        `LearningRateSchedule` over the optimizer's steps.
      alpha: share of the soft term, in [0, 1], or a `LearningRateSchedule`.
      soft_loss: name in `kd_keras.losses.SOFTMAX_LOSSES`, a
        `kd_keras.losses.LossPart` such as `DecoupledLoss` or `DistLoss`, a
        `keras.distillation.DistillationLoss` (which brings its own
        temperature), or a function (teacher_logits, student_logits,
        temperature) -> `[batch, ...]`.
      head: what makes predictions of logits: "softmax", "sigmoid", or None for
        an output without a soft term, which the teacher need not have; shared or
        per output.
      teacher_outputs: "logits" or "probabilities", shared or per output.
      hints: `kd_keras.losses.FeatureHint`s.
      parts: further `kd_keras.losses.LossPart`s, such as objectives over groups; each
        is added to the loss of every output that has a head.
      scale_by_temperature_squared: whether the soft term has the factor T^2.
      teacher_weights: weights of several teachers, scaled to sum to 1.
      combine_teachers: what is averaged over several teachers: "losses",
        "probabilities" (softened) or "logits".
      time_chunk: for logits `[batch, time, vocabulary]`: positions whose logits are
        made and held at a time, with the same loss and gradient; None for all.
      name: name of the model.
      **kwargs: further arguments of `keras.Model`, `trainable` and `dtype`.

    Raises:
      TypeError: if an argument is given by its position.
      ValueError: if an argument is not as described.

    Example:

    ```python
    distiller = Distiller(student=student, teacher=teacher, temperature=4.0, alpha=0.8)
    distiller.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    distiller.fit(x, y, epochs=10)
    distiller.student.save("student.keras")
    ```
    """

    def __init__(
        self,
        *,
        student: keras.Model,
        teacher: Any = None,
        temperature: float | LearningRateSchedule = 4.0,
        alpha: float | LearningRateSchedule = 0.8,
        soft_loss: str | Callable = "kl",
        head: Any = "softmax",
        teacher_outputs: Any = "logits",
        hints: Sequence[FeatureHint] = (),
        parts: Sequence[LossPart] = (),
        scale_by_temperature_squared: bool = True,
        teacher_weights: Sequence[float] | None = None,
        combine_teachers: str = "probabilities",
        time_chunk: int | None = None,
        name: str = "distiller",
        **kwargs: Any,
    ):
        settings.check_student(student)
        settings.check_heads(head, soft_loss, teacher_outputs, combine_teachers)
        settings.check_temperature(temperature)
        settings.check_alpha(alpha)
        settings.check_whole_loss(soft_loss, alpha)
        settings.check_parts(hints, parts, head)
        settings.check_time_chunk(time_chunk, hints, [soft_loss, *parts])
        super().__init__(name=name, **{"dtype": student.dtype_policy, **kwargs})
        self.student = student
        self.soft_loss = soft_loss
        self.head = head
        self.teacher_outputs = teacher_outputs
        self.scale_by_temperature_squared = scale_by_temperature_squared
        self.teacher_weights = teacher_weights
        self.combine_teachers = combine_teachers
        self.time_chunk = time_chunk
        self._chunks = TokenChunks(student, time_chunk) if time_chunk else None
        self.hints = list(hints)
        self.parts = list(parts)
        self._make_state(temperature, alpha)
        self.projections = []
        self._features = Features(student, self.hints)
        if teacher is not None:
            self.attach_teacher(teacher)
        if getattr(student, "inputs", None) and (teacher is not None or not hints):
            self.build(None)

    temperature = live_property(
        "temperature",
        settings.check_temperature,
        "Temperature, a float or a schedule; may be set while training.",
    )
    alpha = live_property(
        "alpha",
        settings.check_alpha,
        "Share of the soft term, a float or a schedule; may be set while training.",
        # Without a loss there must not be a hard term.
        assumed=lambda model: getattr(model, "loss", None) is None,
    )

    def _make_state(self, temperature: Any, alpha: Any) -> None:
        """Variables and metrics beside those of the student."""
        if hasattr(self.student, "output_names"):
            self.output_names = self.student.output_names
        self._temperature = LiveNumber(self, "temperature", temperature)
        self._alpha = LiveNumber(self, "alpha", alpha)
        added = [*self.hints, *self.parts]
        logged = ["hard_loss", "soft_loss", *(p.name for p in added), "agreement"]
        self._means = {name: keras.metrics.Mean(name=name) for name in logged}
        if isinstance(self.soft_loss, LossPart):
            added.append(self.soft_loss)
        self.part_variables = [v for part in added for v in part.variables]

    def build(self, input_shape: Any) -> None:
        """Creates the projections that hints between other widths need."""
        if self.hints and self._teachers and not self.projections:
            self.projections = build_projections(
                self._features, self._teachers, self.student, input_shape
            )

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`; `loss` is the hard loss.

        Args:
          optimizer: optimizer of the student and of projections.
          loss: loss on logits, shared or per output; None for no hard term,
            which needs alpha=1 wherever there are labels.
          loss_weights: weights of the outputs, in the hard and the soft term.
          **kwargs: further arguments of `keras.Model.compile`. An "accuracy" of an
            output with the head "sigmoid" cuts its logits at 0.

        Raises:
          ValueError: if a loss contradicts the head, for example by applying
            softmax to probabilities, or a metric of Keras takes logits for
            probabilities; or `time_chunk` leaves no logits for it.
        """
        settings.check_chunked_compile(self.time_chunk, loss, kwargs)
        for name in ("metrics", "weighted_metrics"):
            if name in kwargs:
                kwargs[name] = metrics_of_logits(kwargs[name], self.head)
        heads = set(keras.tree.flatten(self.head))
        if len(heads) == 1:
            for leaf in keras.tree.flatten(loss):
                check_hard_loss(leaf, next(iter(heads)))
        super().compile(optimizer, loss, loss_weights, **kwargs)
        let_steps_go(self.optimizer)

    def _teach(self, x: Any, y: Any) -> tuple[list[Any], list[tf.Tensor]]:
        """Outputs of each teacher, in chunks `Source`s; their side of each hint."""
        targets = split_targets(y)
        cached = targets.teacher_logits
        x = x if targets.teacher_inputs is None else targets.teacher_inputs
        if self._chunks and cached is not None:
            return [Source(keras.tree.flatten(cached)[0])], []
        if cached is not None and not self.hints:
            return [cached], []
        if not self._teachers:
            raise ValueError(
                "`teacher` is None, so every batch needs the teacher's logits. "
                f"Received: {type(y).__name__} as y, hints={self.hints}. Set "
                "distiller.teacher, or pass y={'labels': ..., 'teacher_logits': ...} "
                "and no hints."
            )
        if self._chunks:
            return self._chunks.of_teachers(self._teachers, x), []
        outputs, features = self._features.of_teachers(self._teachers, x)
        return (outputs if cached is None else [cached]), features

    def _loss(
        self, x: Any, y: Any, sample_weight: Any, taught: Any, training: bool
    ) -> tuple[Any, tf.Tensor]:
        """The student's outputs and this replica's share of the loss."""
        targets = split_targets(y, sample_weight)
        if targets.labels is not None and self.loss is None:
            settings.check_soft_only(self.alpha)
        teachers, teacher_features = taught
        if self._chunks:
            student = self._chunks.of_student(x, training)
            size = self._chunks.size
            return None, self._loss_in_chunks(
                student, teachers, targets, size, training
            )
        with self._features.of_student() as student_features:
            y_pred = self(x, training=training)
        batch = self._batch(
            y_pred, teachers, targets, self._schedule(targets), training
        )
        batch = batch._replace(
            teacher_features=teacher_features,
            student_features=student_features,
            regularization=self.losses,
        )
        return y_pred, self._share(self._parts(), batch, batch.entries())

    def _loss_in_chunks(
        self,
        student: Source,
        teachers: list[Source],
        targets: Targets,
        size: int,
        training: bool,
    ) -> tf.Tensor:
        """As `_loss`, for logits that are never there all at once."""
        schedule = self._schedule(targets)

        def batch_of(y_pred: Any, of_teachers: Any, targets: Targets) -> Batch:
            return self._batch(y_pred, of_teachers, targets, schedule, training)

        reading = [part for part in self._parts() if part is not regularization_part]
        means, entries = means_in_chunks(
            reading, batch_of, student, teachers, targets, size
        )
        batch = Batch([], targets, regularization=self.losses)
        return self._share([lambda _: means, regularization_part], batch, entries)

    def _batch(
        self,
        y_pred: Any,
        teachers: list[Any],
        targets: Targets,
        schedule: Schedule,
        training: bool,
    ) -> Batch:
        """What the parts of the loss read of the outputs."""
        outputs = align_outputs(
            self.student, self.head, self.teacher_outputs, y_pred, teachers, targets
        )
        # What has no weight is blank by now, and may have been anything.
        require_finite([output.teacher for output in outputs], schedule.step)
        return Batch(outputs, targets, schedule, training=training)

    def _share(self, parts: list[Part], batch: Batch, entries: tf.Tensor) -> tf.Tensor:
        """This replica's share of the loss, which is logged with its parts."""
        share, loss, logs = total_loss(parts, batch)
        loss_tracker(self).update_state(loss, entries)
        for name, (value, of) in logs.items():
            self._means[name].update_state(value, of)
        return share

    def _parts(self) -> list[Part]:
        """Everything that the loss is the sum of."""
        teachers = (self.teacher_weights, self.combine_teachers)
        scaled, weights = self.scale_by_temperature_squared, self.loss_weights
        return [
            SoftPart(self.soft_loss, *teachers, scaled, weights),
            HardPart(self.loss, weights),
            HintParts(self.hints, self.projections),
            AddedParts(self.parts, *teachers, weights),
            regularization_part,
        ]

    def _schedule(self, targets: Targets) -> Schedule:
        step = 0 if self.optimizer is None else self.optimizer.iterations
        temperature = targets.temperature
        if temperature is None:
            temperature = self._temperature.at(step)
        return Schedule(temperature, self._alpha.at(step), step)

    _repr_html_ = html_table
