"""Examples as vectors, without a model: by hand."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec
from pipelines.studies.input_embedding import embed


def embedded(**features):
    specs = {
        name: tf.TensorSpec(np.shape(values)[1:], tf.as_dtype(np.asarray(values).dtype))
        for name, values in features.items()
    }
    spec = DatasetSpec("made", specs, "y", ("no", "yes"), {})
    return embed(tf.data.Dataset.from_tensor_slices(features), spec)


def test_numbers_are_standardized():
    # Means 2 and 5; sd 1; a number that is always the same stays 0.
    found = embedded(x=np.array([[1.0, 5], [3, 5], [1, 5], [3, 5]]))
    assert found.tolist() == [[-1, 0], [1, 0], [-1, 0], [1, 0]]
    assert found.dtype == np.float32


@pytest.mark.parametrize("size", [32, 24])
def test_images_are_averaged_to_sixteen_pixels(size):
    images = np.zeros((2, size, size, 1), np.uint8)
    images[1, :2, :2] = 255  # Of 32 pixels one of the 16 x 16, whole.
    found = embedded(image=images)
    assert found.shape == (2, 256)
    # 24 pixels are taken by 1 and 2: the first one is whole, and half of the next ones.
    first = [0.5] if size == 32 else [0.5, 0.25]
    assert found[1, : len(first)].tolist() == pytest.approx(first)
    assert found[0].tolist() == (-found[1]).tolist()
    assert found[1, len(first) : 16].tolist() == [0] * (16 - len(first))


def test_small_images_stay_as_they_are():
    images = np.arange(2 * 12, dtype=np.float32).reshape(2, 2, 2, 3)
    assert embedded(image=images)[1] == pytest.approx(np.full(12, 6 / 255))


def test_texts_and_categories_are_bags_of_words():
    found = embedded(
        text=np.array(["b a b", "c b", ""]), kind=np.array(["x", "y", "y"])
    )
    # Words by frequency and then the alphabet: b, a, c; y, x.
    assert found.tolist() == [
        [2, 1, 0, 0, 1],
        [1, 0, 1, 1, 0],
        [0, 0, 0, 1, 0],
    ]
