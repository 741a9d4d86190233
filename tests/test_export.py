"""The exported SavedModel answers what the Keras model answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.datasets import examples
from kd_keras.export import export


@pytest.fixture(scope="module")
def served(tiny_dataset, tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = models.build("resnet20", (12, 12, 3), 3)
    directory = tmp_path_factory.mktemp("model") / "export"
    path = export(model, tiny_dataset.spec, str(directory))
    assert [p.name for p in directory.iterdir()] == ["1"]
    batch = list(tiny_dataset.splits["test"].take(8).as_numpy_iterator())
    images = np.stack([example["image"] for example in batch])
    probabilities = keras.ops.softmax(model.predict(images, verbose=0))
    # Held, since signatures do not keep their SavedModel alive.
    loaded = tf.saved_model.load(path)
    return loaded, batch, images, np.asarray(probabilities)


def test_serialized_examples(served, tiny_dataset):
    loaded, batch, _, expected = served
    serialized = [examples.encode(tiny_dataset.spec, example) for example in batch]
    answer = loaded.signatures["serving_default"](examples=tf.constant(serialized))
    assert list(answer) == ["probabilities"]
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)


def test_features(served):
    loaded, _, images, expected = served
    answer = loaded.signatures["serving_features"](image=tf.constant(images))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)


def test_the_groups_are_no_input(served, tiny_dataset):
    loaded, batch, _, expected = served
    unknown = [{**example, "side": -1, "channel": 0} for example in batch]
    serialized = [examples.encode(tiny_dataset.spec, example) for example in unknown]
    answer = loaded.signatures["serving_default"](examples=tf.constant(serialized))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)
