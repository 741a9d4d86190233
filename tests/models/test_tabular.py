"""The models of numeric and categorical features."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models

FLOAT, STRING, INT = (tf.TensorSpec((), t) for t in ("float32", "string", "int64"))


def test_inputs_are_named_like_the_features():
    features = {"age": FLOAT, "job": STRING, "education": INT}
    model = models.build("mlp", features, 2)
    assert {name: x.dtype for name, x in model.input.items()} == {
        "age": "float32",
        "job": "string",
        "education": "int64",
    }
    assert set(model.input) == set(features)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        # Batch norm of 1 number, embeddings 2 * 50 * 4, dense (1 + 8) * 5 + 5 and
        # 5 * 3 + 3.
        ("mlp", 2 + 400 + 50 + 18),
        # And 2 features and 1 pair of 50 bins for 3 classes.
        ("wide_and_deep", 2 + 400 + 50 + 18 + 3 * 50 * 3),
    ],
)
def test_trainable_weights(name, weights):
    model = models.build(
        name,
        {"age": FLOAT, "job": STRING, "education": INT},
        3,
        hidden_units=(5,),
        num_bins=50,
        embedding_dim=4,
    )
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == weights


@pytest.mark.parametrize("name", ["mlp", "wide_and_deep"])
@pytest.mark.parametrize("features", [{"age": FLOAT}, {"job": STRING}])
def test_only_numbers_or_only_categories(name, features):
    model = models.build(name, features, 2)
    values = {"age": tf.constant([1.0, 1e6]), "job": tf.constant(["", "never seen"])}
    assert np.isfinite(model({key: values[key] for key in features})).all()


@pytest.mark.parametrize(("name", "learns"), [("wide_and_deep", True), ("mlp", False)])
def test_the_wide_part_learns_pairs_of_categories(name, learns):
    keras.utils.set_random_seed(0)
    # Without hidden layers the rest is additive, and cannot learn exclusive or.
    model = models.build(name, {"a": STRING, "b": INT}, 2, hidden_units=(), num_bins=64)
    model.compile(
        keras.optimizers.Adam(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    table = {"a": tf.constant(["x", "x", "y", "y"]), "b": tf.constant([3, 4, 3, 4])}
    examples = tf.data.Dataset.from_tensor_slices((table, [0, 1, 1, 0])).batch(4)
    model.fit(examples.repeat(60), epochs=1, shuffle=False, verbose=0)
    accuracy = model.evaluate(examples, verbose=0, return_dict=True)["accuracy"]
    assert (accuracy == 1) is learns


def test_features_that_are_no_scalars_or_vectors():
    with pytest.raises(ValueError, match=r"and vectors.*'image': TensorSpec"):
        models.build("mlp", {"image": tf.TensorSpec((8, 8, 3), tf.uint8)}, 2)
    with pytest.raises(ValueError, match=r"takes scalar features,.*'tags': TensorSpec"):
        models.build("wide_and_deep", {"tags": tf.TensorSpec((3,), tf.string)}, 2)


@pytest.mark.parametrize(
    ("values", "missing"), [(["a", "b"], ""), ([5, 7], -1)], ids=["words", "numbers"]
)
def test_a_vector_of_categories_is_their_mean_embedding(values, missing):
    dtype = tf.string if missing == "" else tf.int64
    model = models.build(
        "mlp",
        {"tags": tf.TensorSpec((3,), dtype)},
        2,
        hidden_units=(),
        num_bins=50,
        embedding_dim=2,
    )
    first, second = values

    def logits(*tags):
        return model({"tags": tf.constant([tags], dtype)}, training=False).numpy()[0]

    alone = [logits(v, missing, missing) for v in (first, second)]
    # Without hidden layers the logits of the mean are the mean of the logits.
    assert logits(first, second, missing) == pytest.approx(sum(alone) / 2, abs=1e-6)
    assert logits(first, first, second) == pytest.approx(
        (2 * alone[0] + alone[1]) / 3, abs=1e-6
    )
    assert logits(missing, missing, missing) == pytest.approx([0, 0], abs=1e-6)


def test_a_vector_of_numbers_is_as_many_numbers():
    vector = {"v": tf.TensorSpec((3,), tf.float32), "age": FLOAT}
    model = models.build("mlp", vector, 2, hidden_units=(5,))
    # Batch norm of 4 numbers, dense 4 * 5 + 5 and 5 * 2 + 2.
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == 8 + 25 + 12


def test_a_shape_has_no_names():
    with pytest.raises(ValueError, match=r"spec for 'mlp'\. Received: \(3,\)"):
        models.build("mlp", (3,), 2)


@pytest.mark.parametrize("name", ["mlp", "wide_and_deep"])
def test_a_model_reads_what_it_is_told_to(name):
    features = {"age": FLOAT, "job": STRING, "seen": tf.TensorSpec((2, 2), tf.float32)}
    model = models.build(name, features, 2, reads=("age",), hidden_units=(3,))
    age, other = np.float32([20, 50]), np.float32(np.arange(8).reshape(2, 2, 2))
    found = [
        model(
            {
                name: tf.constant(x)
                for name, x in zip(features, (age, jobs, seen), strict=True)
            }
        )
        for jobs, seen in ((["a", "b"], other), (["c", "d"], -other))
    ]
    np.testing.assert_array_equal(*found)
    with pytest.raises(ValueError, match=r"`reads` must be .*'job'.*Received: \('jbo'"):
        models.build(name, features, 2, reads=("jbo",))
    with pytest.raises(ValueError, match=r"`reads` must be .*Received: 'age'"):
        models.build(name, features, 2, reads="age")
