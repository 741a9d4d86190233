"""Fits a `Stack`, going on from the backup of a killed one."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets.batches import (
    epoch_orders,
    pair,
    weighted_pair,
    without_autotune,
)
from kd_keras.datasets.spec import Dataset, DatasetSpec
from kd_keras.teacher_cache import TeacherCache
from kd_keras.teacher_cache.identity import example_keys
from kd_keras.training.fitting import steps_per_epoch
from kd_keras.training.stack import Stack

EVALUATION_BATCH = 256
# The split's logits of a member, and what to add to its logs: at the end of an epoch.
Measure = Callable[[int, int, np.ndarray], Mapping[str, float]]


class Member(NamedTuple):
    """One model of a stack.

    Attributes:
      name: in a backup; another name is another training.
      seed: fixes the order of its data.
      caches: logits of its teacher for the splits validation and train; None for none.
    """

    name: str
    seed: int
    caches: tuple[TeacherCache, TeacherCache] | None = None


def fit_stack(
    stack: Stack,
    members: Sequence[Member],
    dataset: Dataset,
    *,
    path: str,
    epochs: int,
    batch_size: int,
    shuffle_buffer: int = 0,
    measure: Measure | None = None,
    on_epoch_end: Callable[[int, list[list[dict[str, float]]]], None] | None = None,
) -> list[list[dict[str, float]]]:
    """Fits all members at once, each as `fit` would fit it alone.

    The splits are held in memory.

    Args:
      stack: the members, in their order.
      members: what tells them apart.
      dataset: its splits "train" and "validation" are read.
      path: file of the backup, an .npz. One that holds further members is used too,
        one that lacks a member is not.
      epochs: number of epochs, at least 1.
      batch_size: examples in a batch of each member.
      shuffle_buffer: examples to shuffle among; 0 is the whole split.
      measure: function of (epoch, member, logits of the validation split).
      on_epoch_end: function of (epoch, all logs so far, member by member).

    Returns:
      The logs of every epoch, member by member.

    Raises:
      ValueError: if an argument is not as described, or the backup cannot be read.
    """
    if epochs < 1:
        raise ValueError(f"`epochs` must be at least 1. Received: {epochs}.")
    train = _Columns(stack, members, dataset, "train", 1, weighted_pair)
    validation = _Columns(stack, members, dataset, "validation", 0, pair)
    stack.keep_rows_of(train.x, validation.x)
    steps = steps_per_epoch(dataset, batch_size)
    first = [state.numpy() for state in stack.random_states()]
    history = _restore(path, stack, members)
    orders = _Orders(members, train.size, shuffle_buffer or train.size)
    for epoch in range(len(history[0]), epochs):
        for state, start in zip(stack.random_states(), first, strict=True):
            # As `fit` begins an epoch.
            passed = np.tile([0, epoch * steps], stack.members)
            state.assign(start + passed.astype(start.dtype))
        logs = _train(stack, train, orders.of_epoch(epoch), batch_size)
        logits = _validate(stack, validation)
        for i, of_member in enumerate(stack.logs()):
            logs[i] |= {f"val_{name}": value for name, value in of_member.items()}
            logs[i] |= measure(epoch, i, logits[i]) if measure else {}
            history[i].append(logs[i])
        _back_up(path, stack, members, history)
        if on_epoch_end:
            on_epoch_end(epoch, history)
    return history


def _train(
    stack: Stack, train: "_Columns", rows: np.ndarray, batch_size: int
) -> list[dict[str, float]]:
    """An epoch over `rows` `[members, examples]`; the members' logs."""
    stack.reset_metrics()
    for begin in range(0, train.size, batch_size):
        stack.train_batch(*train.batch(rows[:, begin : begin + batch_size]))
    return stack.logs()


def _validate(stack: Stack, validation: "_Columns") -> np.ndarray:
    """Measures the members; their logits `[members, examples, classes]`."""
    stack.reset_metrics()
    rows = np.arange(validation.size)
    parts = np.array_split(rows, range(EVALUATION_BATCH, len(rows), EVALUATION_BATCH))
    logits = [
        stack.test_batch(*validation.batch(np.tile(part, (stack.members, 1)))).numpy()
        for part in parts
    ]
    return np.concatenate(logits, axis=1)


class _Columns:
    """A split in memory, served to members that each have their own rows."""

    def __init__(
        self,
        stack: Stack,
        members: Sequence[Member],
        dataset: Dataset,
        split: str,
        which: int,
        batch: Callable[[Any, DatasetSpec], tuple],
    ):
        examples, spec = dataset.splits[split], dataset.spec
        self._columns = _read(
            examples.batch(4096).map(lambda rows: batch(rows, spec)), stack.front
        )
        self.x = self._columns[0]
        self.size = int(keras.tree.flatten(self._columns)[0].shape[0])
        of_members = [m.caches[which] for m in members if m.caches]
        if len(of_members) not in (0, len(members)):
            raise ValueError(
                "`members` must all have caches, or none. Received: "
                f"{len(of_members)} of {len(members)} with caches. Make two stacks."
            )
        self._logits = None
        if of_members:
            keys = _keys(examples, spec)
            different = {id(cache): cache for cache in of_members}
            taught = [cache.in_memory(keys) for cache in different.values()]
            self._logits = tf.constant(np.concatenate(taught))
            codes = {key: i * self.size for i, key in enumerate(different)}
            first = [[codes[id(cache)]] for cache in of_members]
            self._first = tf.constant(first, tf.int64)
        self.batch = tf.function(self._batch, autograph=False, reduce_retracing=True)

    def _batch(self, rows: tf.Tensor) -> tuple:
        """Batch of rows `[members, batch]`: x, y and perhaps weights."""
        x, y, *weights = keras.tree.map_structure(
            lambda column: tf.gather(column, rows), self._columns
        )
        if self._logits is not None:
            y = y if isinstance(y, dict) else {"labels": y}
            y["teacher_logits"] = tf.gather(self._logits, rows + self._first)
        return x, y, *weights


def _read(batches: tf.data.Dataset, front: keras.Model | None) -> Any:
    """All batches as one, with what `front` makes of x."""
    read = []
    for x, *others in without_autotune(batches):
        read.append((x if front is None else front(x, training=False), *others))
    return keras.tree.map_structure(lambda *parts: tf.concat(parts, 0), *read)


def _keys(examples: tf.data.Dataset, spec: DatasetSpec) -> np.ndarray:
    """What the caches know the examples by; their order is that of every cache."""
    keys = examples.batch(4096).map(lambda rows: example_keys(rows, spec))
    return np.concatenate(list(without_autotune(keys).as_numpy_iterator()))


class _Orders:
    """The rows in the order in which each member sees them."""

    def __init__(self, members: Sequence[Member], size: int, shuffle_buffer: int):
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._of_seed = {
            seed: epoch_orders(
                size, seed=seed, epoch=self._epoch, shuffle_buffer=shuffle_buffer
            )
            for seed in {member.seed for member in members}
        }
        self._seeds = [member.seed for member in members]

    def of_epoch(self, epoch: int) -> np.ndarray:
        """int64 `[members, examples]`."""
        self._epoch.assign(epoch)
        orders = {
            seed: next(orders.as_numpy_iterator())
            for seed, orders in self._of_seed.items()
        }
        return np.stack([orders[seed] for seed in self._seeds])


def members_of_backup(path: str) -> list[str]:
    """Names of the members in the backup of a stack; ValueError if it is none."""
    return _read_backup(path)[0]["members"]


def _back_up(
    path: str,
    stack: Stack,
    members: Sequence[Member],
    history: list[list[dict[str, float]]],
) -> None:
    about = {"members": [member.name for member in members], "history": history}
    arrays = {f"state{i}": value for i, value in enumerate(stack.state())}
    with files.written_locally(path, ".npz") as local:
        np.savez(local, about=np.array(json.dumps(about)), **arrays)


def _restore(
    path: str, stack: Stack, members: Sequence[Member]
) -> list[list[dict[str, float]]]:
    """Takes the members' state from a backup; their logs so far."""
    begin: list[list[dict[str, float]]] = [[] for _ in members]
    if not files.exists(path):
        return begin
    about, state = _read_backup(path)
    places = {name: i for i, name in enumerate(about["members"])}
    if not places.keys() >= {member.name for member in members}:
        return begin
    there = [places[member.name] for member in members]
    try:
        stack.restore([value[there] if value.ndim else value for value in state])
    except (ValueError, IndexError) as error:
        raise _unusable(path, error) from error
    return [about["history"][i] for i in there]


def _read_backup(path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    try:
        with (
            files.read_locally(path, ".npz") as local,
            np.load(local, allow_pickle=False) as arrays,
        ):
            about = json.loads(str(arrays["about"]))
            state = [arrays[f"state{i}"] for i in range(len(arrays.files) - 1)]
        if len(about["members"]) != len(about["history"]):
            raise ValueError("it has logs of other members")
        return about, state
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _unusable(path, error) from error


def _unusable(path: str, error: Exception) -> ValueError:
    return ValueError(
        f"The backup {path} cannot be used: {error}. Delete it and run again: its runs "
        "are then trained from their beginning."
    )
