"""A small teacher, and what training serves of its cache."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.datasets.batches import training_batches


@pytest.fixture(scope="session")
def network():
    """(seed) -> network from 12x12 pixels to 3 logits."""

    def of(seed):
        keras.utils.set_random_seed(seed)
        return keras.Sequential(
            [
                keras.Input((12, 12, 3)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Conv2D(8, 3, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(3),
            ]
        )

    return of


@pytest.fixture(scope="session")
def teacher(network):
    return network(3)


@pytest.fixture
def train(tiny_dataset):
    """90 examples of 12x12 pixels."""
    return tiny_dataset.splits["train"]


@pytest.fixture
def served(tiny_dataset):
    """What training serves in one epoch: x, labels and, if joined, teacher logits."""

    def of(examples, epoch, augmentation=""):
        batches = training_batches(
            examples,
            tiny_dataset.spec,
            batch_size=16,
            seed=5,
            epoch=epoch if isinstance(epoch, tf.Variable) else as_epoch(epoch),
            shuffle_buffer=90,
            augmentation=augmentation,
        )
        parts = [(x, *tf.nest.flatten(y)) for x, y in batches.as_numpy_iterator()]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    return of


def as_epoch(number):
    return tf.Variable(number, dtype=tf.int64)


@pytest.fixture
def small_shards(monkeypatch):
    """Files of 16 examples, so that 90 examples make six."""
    monkeypatch.setattr("kd_keras.teacher_cache.writing.SHARD_EXAMPLES", 16)
