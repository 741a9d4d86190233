"""The order of training data depends on seed and epoch alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.datasets.batches import evaluation_batches, training_batches


def _labels(dataset):
    return np.concatenate([labels.numpy() for _, labels in dataset])


@pytest.fixture
def order(tiny_dataset):
    """Sum of each image's pixels, in the order in which an epoch serves them."""

    def of(seed: int, epoch: int, batch_size: int = 16) -> list[int]:
        batches = training_batches(
            tiny_dataset.splits["train"],
            tiny_dataset.spec,
            batch_size=batch_size,
            seed=seed,
            epoch=tf.Variable(epoch, dtype=tf.int64),
            shuffle_buffer=90,
        )
        return [int(s) for x, _ in batches for s in np.sum(x, (1, 2, 3), np.int64)]

    return of


def test_equal_seed_and_epoch_give_equal_order(order):
    expected = order(seed=1, epoch=4)
    assert order(seed=1, epoch=4) == expected
    assert order(seed=1, epoch=4, batch_size=7) == expected
    for seed in (0, 5):
        keras.utils.set_random_seed(seed)
        assert order(seed=1, epoch=4) == expected


@pytest.mark.parametrize("other", [(2, 4), (1, 5)], ids=["seed", "epoch"])
def test_another_seed_or_epoch_gives_another_order(order, other):
    one, two = order(1, 4), order(*other)
    assert one != two
    assert sorted(one) == sorted(two)


def test_the_epoch_is_read_at_each_iteration(tiny_dataset, order):
    epoch = tf.Variable(0, dtype=tf.int64)
    batches = training_batches(
        tiny_dataset.splits["train"],
        tiny_dataset.spec,
        batch_size=16,
        seed=1,
        epoch=epoch,
        shuffle_buffer=90,
    )
    assert int(batches.cardinality()) == 6  # ceil(90 / 16)
    first = _labels(batches)
    epoch.assign(1)
    second = _labels(batches)
    epoch.assign(0)
    assert (first != second).any()
    np.testing.assert_array_equal(first, _labels(batches))


def test_evaluation_keeps_the_order(tiny_dataset):
    split = tiny_dataset.splits["test"]
    expected = [example["channel"] for example in split.as_numpy_iterator()]
    batches = evaluation_batches(split, tiny_dataset.spec, batch_size=16)
    assert list(_labels(batches)) == expected
