"""LiteRT models of categories answer what the Keras models answer on the strings."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import litert, litert_tables, models
from kd_keras.datasets import DatasetSpec
from kd_keras.export import save_model

FEATURES = {
    "age": tf.TensorSpec((), tf.float32),
    "job": tf.TensorSpec((), tf.string),
    "town": tf.TensorSpec((), tf.int64),
}
SPEC = DatasetSpec("people", FEATURES, "y", ("no", "yes"), {})


def examples(jobs=(b"cook", b"nurse", b"")):
    rng = np.random.default_rng(0)
    return {
        "age": rng.normal(0, 1, 30).astype(np.float32),
        "job": rng.choice(np.array(jobs, object), 30),
        "town": rng.integers(0, 5, 30),
    }


@pytest.fixture(scope="module", params=["mlp", "wide_and_deep"])
def made(request, tmp_path_factory):
    keras.utils.set_random_seed(0)
    options = {"hidden_units": (8,), "num_bins": 50}
    model = models.build(request.param, FEATURES, 2, **options)
    for weight in model.trainable_variables:  # The wide part begins at 0.
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.3))
    words = litert_tables.vocabulary(["job", "town"], [examples()])
    places = {name: tf.TensorSpec((), tf.int32) for name in words}
    spec = dataclasses.replace(SPEC, features={**FEATURES, **places})
    path = str(tmp_path_factory.mktemp("litert") / "export")
    save_model(litert_tables.without_lookups(model, words), spec, path)
    return model, words, path


def probabilities(model, columns):
    batch = {k: tf.constant(list(v), FEATURES[k].dtype) for k, v in columns.items()}
    return np.asarray(keras.ops.softmax(model(batch)))


def singles(words, columns):
    for i in range(30):
        one = {key: values[i : i + 1] for key, values in columns.items()}
        yield litert_tables.indices(words, one)


def test_categories_are_what_is_looked_up_alone(made):
    assert litert_tables.categories(made[0]) == ["job", "town"]


def test_the_vocabulary_is_what_training_has(made):
    assert made[1] == {
        "job": ["[unknown]", "", "cook", "nurse"],
        "town": [-1, *range(5)],
    }


# int8 has steps of 1/255 of a range in each of a few layers.
@pytest.mark.parametrize(("name", "tolerance"), [("float32", 1e-5), ("int8", 0.05)])
def test_probabilities(made, name, tolerance):
    model, words, path = made
    converted = litert.convert(path, name, list(singles(words, examples())))
    found, _ = litert.predict(converted, singles(words, examples()))
    expected = probabilities(model, examples())
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert np.ptp(expected[:, 0]) > 0.1


def test_values_that_training_has_not_seen_are_one(made):
    model, words, path = made
    converted = litert.convert(path, "float32")
    columns = examples(jobs=(b"baker", b"smith"))
    found, _ = litert.predict(converted, singles(words, columns))
    unknown = {**columns, "job": [b"[unknown]"] * 30}
    np.testing.assert_allclose(found, probabilities(model, unknown), atol=1e-5)


def test_a_text_is_no_category():
    texts = np.array([f"text {i}".encode() for i in range(10_001)], object)
    with pytest.raises(ValueError, match="'text' has more than 10000 values"):
        litert_tables.vocabulary(["text"], [{"text": texts}])
