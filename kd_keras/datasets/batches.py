"""Batches for training and evaluation, reproducible epoch by epoch."""

from collections.abc import Callable

import tensorflow as tf

from kd_keras.datasets import augment
from kd_keras.datasets.spec import DatasetSpec

# Key of an example's weight in training, where a data set has weights.
WEIGHT = "sample_weight"
# Key of an example's group, where the loss reads groups.
GROUPS = "loss_group"


def training_batches(
    examples: tf.data.Dataset,
    spec: DatasetSpec,
    *,
    batch_size: int,
    seed: int,
    epoch: tf.Variable,
    shuffle_buffer: int,
    augmentation: str = "",
    views: int = 0,
) -> tf.data.Dataset:
    """Shuffled batches `(inputs, labels)` of one epoch per iteration.

    Examples with the key `WEIGHT` give `(inputs, labels, weights)`. Of those with the
    key `GROUPS` the labels are a dict, as a `Distiller` takes it, with the groups.

    Args:
      examples: single examples, dicts under the spec's keys.
      spec: the data set's spec.
      batch_size: examples in a batch; the last one of an epoch may be smaller.
      seed: with the epoch it fixes the order, so a run that is resumed at epoch k
        sees what an undisturbed one sees.
      epoch: int64 scalar variable, read when an iteration begins.
      shuffle_buffer: number of examples to draw from; the size of the split gives a
        uniform permutation.
      augmentation: a key of `augment.AUGMENTATIONS`, which changes the images; "" is
        none. The view of an example depends on seed, epoch and example id alone.
      views: number of views of each example; epoch e gets those of epoch e modulo
        `views`. 0 is a new one in every epoch.

    Raises:
      ValueError: if there is no such augmentation, or the images differ in size and
        no augmentation brings them to the spec's.
    """
    view = augment.view(augmentation, examples, spec)

    def augmented(order: tf.data.Dataset) -> tf.data.Dataset:
        now = epoch.read_value()
        return order.map(
            lambda example: view(example, seed, now % views if views else now),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    dataset = _shuffled(
        examples, seed, epoch, shuffle_buffer, augmented if augmentation else None
    )
    dataset = dataset.batch(batch_size).map(lambda batch: weighted_pair(batch, spec))
    return without_autotune(dataset.prefetch(2))


def epoch_orders(
    size: int, *, seed: int, epoch: tf.Variable, shuffle_buffer: int
) -> tf.data.Dataset:
    """The order of `training_batches` as row numbers, int64 `[size]` each iteration.

    Args:
      size: number of examples.
      seed, epoch, shuffle_buffer: as of `training_batches`.
    """
    rows = _shuffled(tf.data.Dataset.range(size), seed, epoch, shuffle_buffer)
    return without_autotune(rows.batch(size))


def _shuffled(
    examples: tf.data.Dataset,
    seed: int,
    epoch: tf.Variable,
    shuffle_buffer: int,
    change: Callable[[tf.data.Dataset], tf.data.Dataset] | None = None,
) -> tf.data.Dataset:
    """Shuffles anew in every iteration, as seed and epoch say, and nothing else."""

    def shuffled(_: tf.Tensor) -> tf.data.Dataset:
        # The seed of this function's graph, in place of TensorFlow's global one. It
        # may not be 0, which would stand for "none".
        tf.compat.v1.set_random_seed(seed + 1)
        now = epoch.read_value()
        order = examples.shuffle(shuffle_buffer, now, reshuffle_each_iteration=False)
        return change(order) if change else order

    dataset = tf.data.Dataset.from_tensors(0).flat_map(shuffled)
    return dataset.apply(
        tf.data.experimental.assert_cardinality(examples.cardinality())
    )


def evaluation_batches(
    examples: tf.data.Dataset, spec: DatasetSpec, *, batch_size: int = 256
) -> tf.data.Dataset:
    """Batches `(inputs, labels)` in the order of the split."""
    dataset = examples.batch(batch_size).map(lambda batch: pair(batch, spec))
    return without_autotune(dataset.prefetch(2))


def without_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Switches tf.data's autotuner off.

    In TensorFlow 2.21 the end of an iteration waits for the tuner's next tick, which
    doubles each time: a 2.8 s epoch takes 5.1 s.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def weighted_pair(batch: dict[str, tf.Tensor], spec: DatasetSpec) -> tuple:
    """`(inputs, labels)` of a batch to train on, or `(inputs, labels, weights)`."""
    found = pair(batch, spec)
    return (*found, batch[WEIGHT]) if WEIGHT in batch else found


def pair(batch: dict[str, tf.Tensor], spec: DatasetSpec) -> tuple:
    """`(inputs, labels)` of a batch; labels with groups are a dict."""
    label = batch[spec.label]
    if GROUPS in batch:
        beside = label if isinstance(label, dict) else {"labels": label}
        label = {**beside, "groups": batch[GROUPS]}
    return spec.inputs(batch), label
