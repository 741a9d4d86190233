"""Builds a cache; as a script it kills itself, as kill -9 does, at example 40."""

import os
import signal
import sys

import keras
import tensorflow as tf

from kd_keras import teacher_cache
from kd_keras.datasets import DatasetSpec
from kd_keras.teacher_cache import writing

SPEC = DatasetSpec(
    name="numbers",
    features={"x": tf.TensorSpec((4,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={},
)


def build(directory, progress=None):
    """The cache of 90 examples."""
    keras.utils.set_random_seed(0)
    teacher = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    examples = tf.data.Dataset.range(90).map(
        lambda i: {
            "x": tf.random.stateless_uniform((4,), tf.stack([i, i])),
            "y": i % 2,
            "id": tf.strings.as_string(i),
        }
    )
    teacher_cache.build(
        directory, teacher, examples, SPEC, batch_size=8, progress=progress
    )


if __name__ == "__main__":
    writing.SHARD_EXAMPLES = 16
    done: list[int] = []

    def kill(examples: int) -> None:
        done.append(examples)
        if sum(done) == 40:
            os.kill(os.getpid(), signal.SIGKILL)

    build(sys.argv[1], kill)
