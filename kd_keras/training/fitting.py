"""Fits one model, going on from the backup of a killed run."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from kd_keras import keras_internals, strategy
from kd_keras.datasets.batches import evaluation_batches, training_batches
from kd_keras.datasets.spec import Dataset
from kd_keras.teacher_cache import TeacherCache
from kd_keras.training.backup import Backup


def steps_per_epoch(dataset: Dataset, batch_size: int) -> int:
    """Number of batches in an epoch of the training split, the last one included.

    Raises:
      ValueError: if it has no examples, or an unknown number of them.
    """
    examples = int(dataset.splits["train"].cardinality())
    if examples < 1:
        raise ValueError(
            "The split 'train' must have a known number of examples, at least one. "
            f"Received: cardinality {examples}. Apply "
            "tf.data.experimental.assert_cardinality to it."
        )
    return -(-examples // batch_size)


def fit(
    model: keras.Model,
    dataset: Dataset,
    *,
    directory: str,
    epochs: int,
    batch_size: int,
    seed: int,
    augmentation: str = "",
    views: int = 0,
    shuffle_buffer: int = 0,
    cache: TeacherCache | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict[str, float]]:
    """Fits a compiled model, going on from the backup in `directory` if there is one.

    An interrupted and continued fit gives the weights of an undisturbed one: the
    order of the data depends on seed and epoch alone.

    Args:
      model: a compiled and built model with integer labels.
      dataset: its splits "train" and "validation" are read.
      directory: where history.csv and the directory `BACKUP` are kept. The caller
        deletes the backup when it has saved the model: until then a killed call
        need not train again.
      epochs: number of epochs in all; 0 only evaluates, on the validation split.
      batch_size: examples in a batch.
      seed: fixes the order of the data, and the views of an augmentation.
      augmentation: a key of `kd_keras.datasets.augment.AUGMENTATIONS`; "" is none.
      views: number of views of each example; 0 is a new one in every epoch.
      shuffle_buffer: examples to shuffle among; 0 is the whole split.
      cache: logits of the teacher for the split "train", made with this augmentation,
        seed and number of views. The batches are those without it, and their labels
        bring the logits.
      callbacks: further Keras callbacks.

    The model may be of any tf.distribute strategy. `batch_size` is that of all
    replicas together; each worker reads the whole split and takes its part of every
    batch. Only the chief writes; the others need to see `directory` too.

    Returns:
      The logs of every epoch, in order, as in history.csv.
    """
    examples = dataset.splits["train"]
    steps = steps_per_epoch(dataset, batch_size)
    keras_internals.let_steps_go(model.optimizer)
    backup = Backup(directory, strategy.is_chief(model.distribute_strategy))
    validation = _shared_by_batch(
        evaluation_batches(dataset.splits["validation"], dataset.spec)
    )
    if not epochs:
        logs = model.evaluate(validation, return_dict=True, verbose=0)
        backup.record({f"val_{name}": value for name, value in logs.items()})
        return backup.history
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    train = training_batches(
        cache.join(examples, epoch) if cache else examples,
        dataset.spec,
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
        shuffle_buffer=shuffle_buffer or int(examples.cardinality()),
        # The cache serves augmented images.
        augmentation="" if cache else augmentation,
        views=views,
    )
    begin_epoch = keras.callbacks.LambdaCallback(
        on_epoch_begin=_epoch_beginner(model, epoch, steps)
    )
    model.fit(
        _shared_by_batch(train),
        epochs=epochs,
        initial_epoch=backup.restore(model),
        validation_data=validation,
        callbacks=[begin_epoch, *callbacks, backup],
        shuffle=False,
        verbose=0,
    )
    return backup.history


def _epoch_beginner(
    model: keras.Model, epoch: tf.Variable, steps: int
) -> Callable[[int, Any], None]:
    """Sets what an epoch of `steps` batches begins with, as its number alone says."""
    seeds = [v for v in model.variables if v.name == "seed_generator_state"]
    first = [state.numpy() for state in seeds]

    def begin_epoch(index: int, logs: Any) -> None:
        epoch.assign(index)
        # Keras does not save dropout's state: a resumed fit would repeat its masks.
        for state, start in zip(seeds, first, strict=True):
            state.assign([start[0], start[1] + index * steps])

    return begin_epoch


def _shared_by_batch(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Has every worker take its part of each batch, not of the files."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return batches.with_options(options)
