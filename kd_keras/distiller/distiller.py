"""The Distiller: a Keras model that trains a student on labels and a teacher."""

import keras

from kd_keras.distiller import settings
from kd_keras.distiller.features import (
    Features,
    build_projections,
    hint_parts,
    restore_projections,
)
from kd_keras.distiller.hard import check_hard_loss
from kd_keras.distiller.holder import TeacherHolder
from kd_keras.distiller.live import LiveNumber, live_property
from kd_keras.distiller.objective import (
    Schedule,
    align_outputs,
    count_entries,
    hard_parts,
    regularization_parts,
    soft_parts,
    total_loss,
)
from kd_keras.distiller.outputs import split_targets
from kd_keras.distiller.student import StudentTrainer
from kd_keras.table import Table

_SHOWN = ("temperature", "alpha", "soft_loss", "head", "teacher_outputs")


@keras.saving.register_keras_serializable(package="kd_keras")
class Distiller(StudentTrainer, TeacherHolder):
    """Trains a student on labels and on a teacher's predictions.

    loss = (1 - alpha) * hard + alpha * T^2 * soft + hints + regularization

    The student gives logits. Calling, saving and predicting with the distiller
    mean the student; the teacher is only read, and no file holds it.

    A batch is x, (x, y) or (x, y, sample_weight); without y the hard term is
    left out. A y that is a dict with the keys "teacher_logits" or "temperature",
    and "labels" where there are labels, brings the teacher's logits, in the
    structure of the student's outputs, or one temperature per example, `[batch]`.

    Args:
        student: `keras.Model` that gives logits `[batch, ..., classes]`.
        teacher: Built `keras.Model`, `keras.layers.TFSMLayer`, loaded SavedModel
            or signature of one; a list of several; or None if it is attached
            later or the batches bring "teacher_logits".
        temperature: Softens both predictions. Positive number or
            `LearningRateSchedule` over the optimizer's steps.
        alpha: Share of the soft term, in [0, 1], or a `LearningRateSchedule`.
        soft_loss: Name in `kd_keras.losses.SOFTMAX_LOSSES`, a
            `kd_keras.losses.DecoupledLoss` or `DistLoss`, a
            `keras.distillation.DistillationLoss` (which brings its own
            temperature), or a function (teacher_logits, student_logits,
            temperature) -> `[batch, ...]`.
        head: What makes predictions of logits: "softmax", "sigmoid", or None for
            an output without a soft term; shared or per output.
        teacher_outputs: "logits" or "probabilities", shared or per output.
        hints: `kd_keras.losses.FeatureHint`s.
        scale_by_temperature_squared: Whether the soft term has the factor T^2.
        teacher_weights: Weights of several teachers, scaled to sum to 1.
        combine_teachers: What is averaged over several teachers: "losses",
            "probabilities" (softened) or "logits".
        name: Name of the model.

    Raises:
        ValueError: If an argument is not as described.

    Example:

    ```python
    distiller = Distiller(student, teacher, temperature=4.0, alpha=0.8)
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
        student,
        teacher=None,
        *,
        temperature=4.0,
        alpha=0.8,
        soft_loss="kl",
        head="softmax",
        teacher_outputs="logits",
        hints=(),
        scale_by_temperature_squared=True,
        teacher_weights=None,
        combine_teachers="probabilities",
        name="distiller",
    ):
        settings.check_student(student)
        settings.check_heads(head, soft_loss, teacher_outputs, combine_teachers)
        settings.check_temperature(temperature)
        settings.check_alpha(alpha)
        settings.check_hint_names(hints)
        super().__init__(name=name, dtype=student.dtype_policy)
        self.student = student
        self.soft_loss = soft_loss
        self.head = head
        self.teacher_outputs = teacher_outputs
        self.scale_by_temperature_squared = scale_by_temperature_squared
        self.teacher_weights = teacher_weights
        self.combine_teachers = combine_teachers
        self.hints = list(hints)
        if hasattr(student, "output_names"):
            self.output_names = student.output_names
        self._temperature = LiveNumber(self, "temperature", temperature)
        self._alpha = LiveNumber(self, "alpha", alpha)
        logged = ["hard_loss", "soft_loss", *(h.name for h in hints), "agreement"]
        self._means = {name: keras.metrics.Mean(name=name) for name in logged}
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

    def build(self, input_shape):
        """Creates the projections that hints between other widths need."""
        if self.hints and self._teachers and not self.projections:
            self.projections = build_projections(
                self._features, self._teachers, self.student, input_shape
            )

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **kwargs):
        """As `keras.Model.compile`; `loss` is the hard loss.

        Args:
            optimizer: Optimizer of the student and of projections.
            loss: Loss on logits, shared or per output; None for no hard term,
                which needs alpha=1 wherever there are labels.
            loss_weights: Weights of the outputs, in the hard and the soft term.
            **kwargs: Further arguments of `keras.Model.compile`.

        Raises:
            ValueError: If a loss contradicts the head, for example by applying
                softmax to probabilities.
        """
        heads = set(keras.tree.flatten(self.head))
        if len(heads) == 1:
            for leaf in keras.tree.flatten(loss):
                check_hard_loss(leaf, next(iter(heads)))
        super().compile(optimizer, loss, loss_weights, **kwargs)

    def compile_from_config(self, config):
        """Compiles as saved, with the optimizer ready for its saved state."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _teach(self, x, y):
        """Outputs of each teacher and the teacher's side of each hint."""
        cached = split_targets(y).teacher_logits
        if cached is not None and not self.hints:
            return [cached], []
        if not self._teachers:
            raise ValueError(
                "`teacher` is None, so every batch needs the teacher's logits. "
                f"Received: {type(y).__name__} as y, hints={self.hints}. Set "
                "distiller.teacher, or pass y={'labels': ..., 'teacher_logits': ...} "
                "and no hints."
            )
        outputs, features = self._features.of_teachers(self._teachers, x)
        return outputs if cached is None else [cached], features

    def _loss(self, x, y, sample_weight, taught, training):
        """The student's outputs and this replica's share of the loss."""
        targets = split_targets(y, sample_weight)
        with self._features.of_student() as student_features:
            y_pred = self(x, training=training)
        outputs = align_outputs(self, y_pred, taught[0], targets)
        schedule = self._schedule(targets.temperature)
        parts = soft_parts(outputs, self, schedule)
        if targets.labels is not None:
            if self.loss is None:
                settings.check_soft_only(self.alpha)
            parts += hard_parts(outputs, self, schedule)
        parts += hint_parts(self, taught[1], student_features, targets.sample_weight)
        parts += regularization_parts(self.losses)
        share, loss, logs = total_loss(parts)
        self._loss_tracker.update_state(loss, count_entries(outputs))
        for name, (value, entries) in logs.items():
            self._means[name].update_state(value, entries)
        return y_pred, share

    def _schedule(self, temperature):
        step = 0 if self.optimizer is None else self.optimizer.iterations
        if temperature is None:
            temperature = self._temperature.at(step)
        return Schedule(temperature, self._alpha.at(step), step)

    def _repr_html_(self):
        teachers = [teacher.model for teacher in self._teachers]
        rows = [
            ("student", _described(self.student)),
            ("teacher", ", ".join(map(_described, teachers)) or "none"),
            *((name, str(getattr(self, name))) for name in _SHOWN),
        ]
        rows += [("hint", hint.name) for hint in self.hints]
        return Table(self.name, ("Distiller", ""), rows).html()

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "student": serialize(self.student),
            "temperature": serialize(self.temperature),
            "alpha": serialize(self.alpha),
            "soft_loss": serialize(self.soft_loss),
            "head": self.head,
            "teacher_outputs": self.teacher_outputs,
            "hints": [serialize(hint) for hint in self.hints],
            "scale_by_temperature_squared": self.scale_by_temperature_squared,
            "teacher_weights": self.teacher_weights,
            "combine_teachers": self.combine_teachers,
            "teacher_fingerprint": self.teacher_fingerprint,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        fingerprint = config.pop("teacher_fingerprint")
        for key in ("student", "temperature", "alpha", "soft_loss", "hints"):
            config[key] = keras.saving.deserialize_keras_object(
                config[key], custom_objects=custom_objects
            )
        distiller = cls(**config)
        distiller._teacher_fingerprint = fingerprint
        return distiller

    def save_own_variables(self, store):
        for i, variable in enumerate(self._own_state()):
            store[str(i)] = variable

    def load_own_variables(self, store):
        for i, variable in enumerate(self._own_state()):
            variable.assign(store[str(i)])

    def _own_state(self):
        """Temperature, alpha, and the random seeds, which Keras does not save."""
        saved = {id(v) for v in self.student.weights + self.student.metrics_variables}
        seeds = [v for v in self.student.variables if id(v) not in saved]
        return [self._temperature.variable, self._alpha.variable, *seeds]

    def get_build_config(self):
        widths = [
            layer and [layer.kernel.shape[0], layer.units] for layer in self.projections
        ]
        return {**(super().get_build_config() or {}), "projections": widths}

    def build_from_config(self, config):
        config = dict(config)
        if widths := config.pop("projections"):
            self.projections = restore_projections(self.hints, widths)
        super().build_from_config(config)


def _described(model):
    if isinstance(model, keras.layers.Layer) and model.built:
        return f"{model.name}, {model.count_params():,} parameters"
    return getattr(model, "name", type(model).__name__)
