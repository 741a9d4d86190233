"""A data set that trains in a second."""

import numpy as np
import tensorflow as tf

from kd_keras.datasets import Dataset, DatasetSpec


def make_tiny_dataset():
    """Images of 12x12 pixels whose class is the brightest of three colour channels."""
    spec = DatasetSpec(
        name="tiny",
        features={"image": tf.TensorSpec((12, 12, 3), tf.uint8)},
        label="channel",
        class_names=("red", "green", "blue"),
        groups={"side": ("left", "right")},
    )

    def split(name: str, size: int, seed: int) -> tf.data.Dataset:
        rng = np.random.default_rng(seed)
        label = rng.integers(0, 3, size)
        image = rng.integers(0, 120, (size, 12, 12, 3))
        image[np.arange(size), :, :, label] += 100
        return tf.data.Dataset.from_tensor_slices(
            {
                "image": image.astype(np.uint8),
                "channel": label,
                # One group in five is missing.
                "side": rng.choice([0, 0, 1, 1, -1], size),
                "id": [f"{name}_{i}" for i in range(size)],
            }
        )

    return Dataset(
        spec,
        {
            "train": split("train", 90, 0),
            "validation": split("validation", 40, 1),
            "test": split("test", 50, 2),
        },
    )
