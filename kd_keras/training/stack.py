"""Several models of one architecture as one program."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras.distiller.student import StudentTrainer
from kd_keras.keras_internals import is_functional, let_steps_go, replace_call
from kd_keras.training.embedding_rows import Read, looked_up, rows_read
from kd_keras.training.front import split_front
from kd_keras.training.stackable import why_single
from kd_keras.training.vectorized import vectorized_map


def state_of(trainer: keras.Model) -> list[np.ndarray]:
    """What a trainer begins with: all its variables but those of metrics."""
    return [variable.numpy() for variable in _own(trainer)]


class Stack:
    """Models that differ in the values of their variables alone, trained together.

    Each variable is held once, member after member, so that a layer is one product over
    all of them. A member sees its own batches, and ends where it would have ended
    alone, but for the order in which numbers are added up.

    Args:
      trainer: a compiled and built `Distiller` without a teacher, or a `Supervised`. It
        says what the members have in common, and cannot be trained itself afterwards.
      members: `state_of` of each member's trainer.

    Attributes:
      front: model from a member's inputs to the x of its batches; None where they are
        the same.

    Raises:
      ValueError: if the trainer cannot be stacked, see `why_single`.
    """

    def __init__(
        self, trainer: StudentTrainer, members: Sequence[Sequence[np.ndarray]]
    ):
        why = why_single(trainer)
        if why:
            raise ValueError(f"`trainer` cannot be stacked: {why}. Train it alone.")
        self.members = len(members)
        self._trainer = trainer
        self._own = _own(trainer)
        trained = {id(variable) for variable in trainer.trainable_variables}
        is_trained = [id(variable) in trained for variable in self._own]
        self._trained = [i for i, is_weight in enumerate(is_trained) if is_weight]
        self._fixed = [i for i, is_weight in enumerate(is_trained) if not is_weight]
        # Each variable of all members; of an embedding, what is held of it.
        self._whole = [np.stack(values) for values in zip(*members, strict=True)]
        self._read: dict[int, Read] = {}
        # Those of the trained ones that the loss reads; known once a step is traced.
        self._taught: list[int] = []
        self._hold()
        self._first: list[np.ndarray] = []
        self._counted: list[keras.Variable] = []
        self.front, self._back = self._split()
        replace_call(trainer, lambda x, training=None: self._back(x, training=training))
        self._step = tf.function(self._traced_step, autograph=False)
        self._results = tf.function(self._traced_results, autograph=False)

    def keep_rows_of(self, *examples: Any) -> None:
        """Trains only those rows of embeddings that these examples read, from now on.

        The others have no gradient, so nothing changes them but a weight decay. To be
        called before the first batch.

        Args:
          *examples: x of all that the members will see, `[examples, ...]`.
        """
        if self._read or getattr(self.optimizer, "weight_decay", None):
            return
        read = rows_read(self._back, examples)
        found = {index: read.get(id(self._called[index])) for index in self._trained}
        self._read = {index: of for index, of in found.items() if of}
        self._hold()

    def _split(self) -> tuple[keras.Model | None, keras.Model]:
        """The student in two parts; those of a copy, for they change its layers."""
        student = copy = self._trainer.student
        if is_functional(student):
            copy = keras.models.clone_model(student)
        pairs = zip(student.variables, copy.variables, strict=True)
        twins = {id(own): twin for own, twin in pairs}
        # The variables that a step reads in the place of the trainer's own.
        self._called = [twins.get(id(own), own) for own in self._own]
        return split_front(copy)

    def train_batch(self, *batch: Any) -> None:
        """One update of every member.

        Args:
          *batch: x, y and perhaps sample weights as of the trainer's `fit`, each
            `[members, batch, ...]`; x is what `front` gives.
        """
        self._count(batch)
        self._step(batch, training=True)

    def test_batch(self, *batch: Any) -> tf.Tensor:
        """Adds a batch to the metrics; returns the logits `[members, batch, classes]`.

        Args:
          *batch: as of `train_batch`.
        """
        self._count(batch)
        return self._step(batch, training=False)

    def reset_metrics(self) -> None:
        """Begins the metrics anew."""
        for variable, first in zip(self._counted, self._first, strict=True):
            variable.assign(first)

    def logs(self) -> list[dict[str, float]]:
        """What the metrics say, member by member."""
        values = {name: value.numpy() for name, value in self._results().items()}
        return [
            {name: float(value[i]) for name, value in values.items()}
            for i in range(self.members)
        ]

    def state(self) -> list[np.ndarray]:
        """What an epoch begins with: arrays `[members, ...]`, or a scalar for all."""
        values = [variable.numpy() for variable in self._kept()]
        return [
            value.reshape(self.members, -1, *value.shape[1:]) if value.ndim else value
            for value in values
        ]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Goes on from what `state` gave, or from some members of it."""
        for variable, value in zip(self._kept(), state, strict=True):
            variable.assign(value.reshape(variable.shape))

    def student(self, index: int) -> keras.Model:
        """The student with the weights of a member; always the same model."""
        for i, (own, values) in enumerate(
            zip(self._own, self._by_member(), strict=True)
        ):
            if i in self._read:
                whole = self._whole[i][index].copy()
                whole[self._read[i].rows] = values[index]
                own.assign(whole)
            else:
                own.assign(values[index])
        return self._trainer.student

    def random_states(self) -> list[keras.Variable]:
        """The states of random layers: (seed, counter), member after member."""
        pairs = zip(self._own, self._held, strict=True)
        return [held for own, held in pairs if own.name == "seed_generator_state"]

    def _hold(self) -> None:
        """Makes the variables of all members, and what optimizes them."""
        self._held = []
        for i, (own, whole) in enumerate(zip(self._own, self._whole, strict=True)):
            values = whole[:, self._read[i].rows] if i in self._read else whole
            values = values.reshape(-1, *values.shape[2:])
            trainable = i in self._trained
            self._held.append(
                keras.Variable(values, dtype=own.dtype, trainable=trainable)
            )
        trainer = self._trainer
        make = type(trainer.optimizer)
        self.optimizer = make.from_config(trainer.optimizer.get_config())
        let_steps_go(self.optimizer)
        self.optimizer.build(self._weights())

    def _weights(self) -> list[keras.Variable]:
        return [self._held[i] for i in self._trained]

    def _kept(self) -> list[keras.Variable]:
        return [*self._held, *self.optimizer.variables]

    def _count(self, batch: Any) -> None:
        """Makes the metrics, which Keras does at the first batch that they see."""
        if self._counted:
            return
        self._trainer.test_step(tf.nest.map_structure(lambda x: x[0], batch))
        weights = self._back.trainable_variables
        if len(self._back.losses) > sum(bool(w.regularizer) for w in weights):
            raise ValueError(
                "`trainer` cannot be stacked: a layer of the student calls add_loss. "
                "Train it alone."
            )
        self._trainer.reset_metrics()
        counts = [variable.numpy() for variable in self._trainer.metrics_variables]
        self._first = [np.stack([count] * self.members) for count in counts]
        self._counted = [keras.Variable(v, trainable=False) for v in self._first]

    def _traced_step(self, batch: Any, training: bool) -> Any:
        held = self._by_member()
        counted = [variable.value for variable in self._counted]
        y_pred, grads, changed, counted = vectorized_map(
            lambda given: self._of_member(given[0], given[1], given[2], training),
            (held, counted, batch),
        )
        for index, value in zip(self._fixed, changed, strict=True):
            held = self._held[index]
            held.assign(tf.reshape(value, held.shape))
        for variable, value in zip(self._counted, counted, strict=True):
            variable.assign(value)
        if training:
            weights = [self._held[i] for i in self._taught]
            pairs = zip(grads, weights, strict=True)
            self.optimizer.apply([self._of_all(*pair) for pair in pairs], weights)
        return y_pred

    def _by_member(self) -> list[tf.Tensor]:
        """What is held, `[members, ...]`."""
        values = []
        for held, own in zip(self._held, self._own, strict=True):
            shape = [held.shape[0] // self.members, *held.shape[1:]]
            shape = shape if len(own.shape) else []
            values.append(tf.reshape(held.value, [self.members, *shape]))
        return values

    def _of_all(self, gradient: Any, weight: keras.Variable) -> Any:
        """One gradient of what is held, of the members' gradients."""
        if tf.is_tensor(gradient):
            return tf.reshape(gradient, weight.shape)
        values, rows = gradient
        each = weight.shape[0] // self.members
        rows += each * tf.range(self.members, dtype=rows.dtype)[:, tf.newaxis]
        values = tf.reshape(values, (-1, *weight.shape[1:]))
        return tf.IndexedSlices(values, tf.reshape(rows, [-1]), weight.shape)

    def _of_member(
        self, held: Any, counted: Any, batch: Any, training: bool
    ) -> tuple[Any, Any, Any, Any]:
        """Logits, gradients, and the new values of what no gradient changes."""
        trainer = self._trainer
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        weights = [held[i] for i in self._trained]
        values = [
            *zip(trainer.metrics_variables, counted, strict=True),
            (trainer.optimizer.iterations, self.optimizer.iterations),
        ]
        with (
            tf.GradientTape() as tape,
            keras.StatelessScope(values) as scope,
            looked_up(self._read.values()),
        ):
            # Of an embedding they may be fewer rows. Regularizers read the own ones.
            for variables in (self._own, self._called):
                for update in zip(variables, held, strict=True):
                    scope.add_update(update)
            tape.watch(weights)
            taught = trainer._teach(x, y)
            y_pred, loss = trainer._loss(x, y, sample_weight, taught, training)
            trainer.compute_metrics(x, y, y_pred, sample_weight)
        changed = [scope.get_current_value(self._called[i]) for i in self._fixed]
        counted = [scope.get_current_value(v) for v in trainer.metrics_variables]
        grads = []
        if training:
            found = dict(zip(self._trained, tape.gradient(loss, weights), strict=True))
            self._taught = [i for i, g in found.items() if g is not None]
            # Not added up: Keras' Adam squares the gradient of each row that was read,
            # and then adds up those of equal rows.
            grads = [
                (g.values, g.indices) if isinstance(g, tf.IndexedSlices) else g
                for g in (found[i] for i in self._taught)
            ]
        return y_pred, grads, changed, counted

    def _traced_results(self) -> dict[str, tf.Tensor]:
        def of_member(counted: list[tf.Tensor]) -> dict[str, tf.Tensor]:
            values = zip(self._trainer.metrics_variables, counted, strict=True)
            with keras.StatelessScope(values):
                return self._trainer.get_metrics_result()

        counted = [variable.value for variable in self._counted]
        return vectorized_map(of_member, counted)


def _own(trainer: keras.Model) -> list[keras.Variable]:
    counted = {id(variable) for variable in trainer.metrics_variables}
    return [variable for variable in trainer.variables if id(variable) not in counted]
