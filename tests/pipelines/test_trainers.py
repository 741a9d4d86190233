"""The model that a recipe means, for the features of a data set."""

import ml_collections
import tensorflow as tf

from kd_keras.datasets import Dataset, DatasetSpec
from pipelines.studies import trainers


def built(model, *shape):
    feature = tf.TensorSpec(shape, tf.float32)
    spec = DatasetSpec("d", {"seen": feature}, "y", ("a", "b"), {})
    recipe = {"model": model, "pretrained": "", "model_options": {}}
    return trainers.build_model(ml_collections.ConfigDict(recipe), Dataset(spec, {}))


def test_one_vector_is_a_table_to_a_tabular_model():
    ((name, column),) = built("mlp", 8).input.items()
    assert (name, column.shape) == ("seen", (None, 8))


def test_one_image_is_a_shape():
    assert built("lenet5", 32, 32, 3).input.shape == (None, 32, 32, 3)
