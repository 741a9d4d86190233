"""A study whose student cannot see one group's signal, which training alone mends.

Of a feature (u, v), u is the class in group a and chance in group b, where 3 v is the
class. In training 5 % are of b, so that a linear student learns u. For b it then has
four scores, class 1, 0, 1, 0 from the highest to the lowest: no threshold is right for
more than three in four. With b's examples counting as much as a's it learns v.
"""

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from configs import _protocol
from kd_keras.datasets import Dataset, DatasetSpec

SPEC = DatasetSpec(
    name="unseen_signal",
    features={"x": tf.TensorSpec((2,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={"side": ("a", "b")},
)


def load() -> Dataset:
    """380 and 20 examples to train with, 100 and 100 of each other split."""
    return Dataset(
        SPEC,
        {
            "train": _examples("train", 380, 20),
            "validation": _examples("validation", 100, 100),
            "test": _examples("test", 100, 100),
        },
    )


def _examples(split: str, of_a: int, of_b: int) -> tf.data.Dataset:
    side = np.repeat([0, 1], [of_a, of_b])
    # Class and chance are as often 0 as 1, and every pair of them as often.
    y, chance = np.arange(of_a + of_b) % 2, np.arange(of_a + of_b) // 2 % 2
    u, v = np.where(side == 0, y, chance), np.where(side == 0, 0.5, y)
    x = np.stack([2 * u - 1, 3 * (2 * v - 1)], -1)
    ids = [f"{split}{i}" for i in range(len(side))]
    columns = {"x": np.float32(x), "y": y, "side": side, "id": ids}
    return tf.data.Dataset.from_tensor_slices(columns)


def linear(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """A linear model that begins at 0."""
    logits = keras.layers.Dense(num_classes, kernel_initializer="zeros")
    return keras.Sequential([keras.Input(input_shape), logits])


def config() -> ml_collections.ConfigDict:
    """A step for each of five batches, which every example is a fifth of."""
    recipe = _protocol.recipe(
        f"{__name__}:linear",
        optimizer="sgd",
        learning_rate=0.1,
        schedule="constant",
        epochs=1,
        batch_size=80,
    )
    found = _protocol.study(
        SPEC.name,
        dataset={"name": f"{__name__}:load"},
        teacher=recipe,
        student=recipe.copy_and_resolve_references(),
        attributes=("side",),
    )
    found.seeds, found.temperatures = (0,), (4.0,)
    return found
