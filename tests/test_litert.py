"""LiteRT models answer what the Keras model answers, as exactly as their numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import litert, models
from kd_keras.datasets import DatasetSpec
from kd_keras.export import export


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Path of an export, examples with a batch axis of 1, and probabilities."""
    keras.utils.set_random_seed(0)
    spec = DatasetSpec(
        "images", {"image": tf.TensorSpec((8, 8, 3), tf.uint8)}, "y", tuple("abc"), {}
    )
    layers = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(3),
    ]
    built = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8, 3), np.uint8)
    path = export(built, spec, str(tmp_path_factory.mktemp("litert")))
    expected = keras.ops.softmax(built.predict(images[:, 0], verbose=0))
    return path, [{"image": image} for image in images], np.asarray(expected)


@pytest.fixture(scope="module")
def converted(model):
    path, examples, _ = model
    return {name: litert.convert(path, name, examples) for name in litert.FORMATS}


# float16 has 11 bits. int8 has steps of 1/255 of a layer's range, in three layers, and
# its probabilities have steps of 1/256.
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("float32", 1e-5), ("float16", 2e-3), ("dynamic_int8", 0.02), ("int8", 0.02)],
)
def test_probabilities(model, converted, name, tolerance):
    _, examples, expected = model
    probabilities, milliseconds = litert.predict(converted[name], examples)
    np.testing.assert_allclose(probabilities, expected, atol=tolerance)
    assert 0 < milliseconds < 1000
    if name != "float32":
        assert np.abs(probabilities - expected).max() > 1e-6


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_what_a_model_does_not_read_is_left_out(name, tmp_path):
    number = tf.TensorSpec((), tf.float32)
    spec = DatasetSpec("d", {"a": number, "b": number}, "y", ("no", "yes"), {})
    built = models.build("mlp", spec.features, 2, reads=("a",), hidden_units=())
    built.get_layer("logits").set_weights([np.float32([[-1, 1]]), np.zeros(2)])
    path = export(built, spec, str(tmp_path))
    values = np.linspace(-1, 1, 20, dtype=np.float32)
    examples = [{"a": np.array([a]), "b": np.array([9.0])} for a in values]
    found, _ = litert.predict(litert.convert(path, name, examples), examples)
    # The logits are -a and a.
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-2 * values)), atol=0.02)


def test_int8_tells_years_apart_beside_dollars(tmp_path):
    number = tf.TensorSpec((), tf.float32)
    spec = DatasetSpec("d", {"age": number, "debt": number}, "y", ("no", "yes"), {})
    built = models.build("mlp", spec.features, 2, hidden_units=())
    rng = np.random.default_rng(0)
    rows = {"age": rng.uniform(18, 90, 64), "debt": rng.uniform(0, 90_000, 64)}
    rows = {name: values.astype(np.float32) for name, values in rows.items()}
    for _ in range(500):  # Until the moving averages are those of the rows.
        built(rows, training=True)
    # The older, the likelier "yes".
    built.get_layer("logits").set_weights([np.float32([[-1, 1], [0, 0]]), np.zeros(2)])
    path = export(built, spec, str(tmp_path))
    examples = [{k: v[i : i + 1] for k, v in rows.items()} for i in range(64)]
    found, _ = litert.predict(litert.convert(path, "int8", examples), examples)
    age = (rows["age"] - rows["age"].mean()) / rows["age"].std()
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-2 * age)), atol=0.03)


def test_weights_take_the_bytes_of_their_type(converted):
    weights = 8 * 8 * 3 * 64 + 64 * 3
    size = {name: len(content) for name, content in converted.items()}
    assert size["float32"] - size["float16"] == pytest.approx(2 * weights, rel=0.1)
    assert size["float32"] - size["int8"] == pytest.approx(3 * weights, rel=0.1)


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_int8_computes_in_integers_alone(converted):
    interpreter = tf.lite.Interpreter(model_content=converted["int8"])
    kinds = {
        detail["dtype"]
        for detail in interpreter.get_tensor_details()
        if "dense" in detail["name"].lower() or "MatMul" in detail["name"]
    }
    assert kinds <= {np.int8, np.int32}
    assert np.int8 in kinds


def test_unknown_formats_are_refused(model):
    with pytest.raises(ValueError, match=r"`format` must be one of .*'int4'"):
        litert.convert(model[0], "int4")


def test_int8_needs_examples(model):
    with pytest.raises(ValueError, match="`representative` is needed"):
        litert.convert(model[0], "int8")


def test_an_export_without_signatures_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ValueError, match="has no signature 'serving_features'"):
        litert.convert(str(tmp_path), "float32")


def test_text_is_refused(tmp_path):
    spec = DatasetSpec("t", {"text": tf.TensorSpec((), tf.string)}, "y", ("n", "y"), {})
    text = keras.Input((), dtype="string", name="text")
    bins = keras.layers.Hashing(num_bins=8)(text)
    path = export(
        keras.Model(text, keras.layers.Embedding(8, 2)(bins)), spec, str(tmp_path)
    )
    with pytest.raises(ValueError, match=r"takes text, \['text'\]"):
        litert.convert(path, "float32")
