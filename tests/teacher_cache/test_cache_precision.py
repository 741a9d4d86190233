"""A teacher in bfloat16 while its cache is made, against Keras' own mixed precision."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import DatasetSpec, models, teacher_cache
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.teacher_cache.precision import computing_in

IMAGES = np.random.default_rng(0).random((20, 8, 8, 3), np.float32)
SPEC = DatasetSpec(
    "images", {"image": tf.TensorSpec((8, 8, 3))}, "label", ("a", "b", "c"), {}
)


def examples():
    columns = {
        "image": IMAGES,
        "label": np.zeros(20, np.int64),
        "id": [str(i) for i in range(20)],
    }
    return tf.data.Dataset.from_tensor_slices(columns)


def network(policy="float32"):
    """With weights that are the same for every policy; logits are float32."""
    keras.utils.set_random_seed(0)
    of = {"dtype": policy}
    x = image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(16, 3, use_bias=False, **of)(x)
    x = keras.layers.BatchNormalization(**of)(x)
    x = keras.layers.ReLU(**of)(x)
    block = keras.Sequential([keras.Input((6, 6, 16)), keras.layers.Flatten(**of)])
    x = keras.layers.Dense(32, activation="relu", **of)(block(x))
    model = keras.Model(image, keras.layers.Dense(3)(x))
    bn = model.layers[2]
    rng = np.random.default_rng(1)
    bn.set_weights([rng.uniform(0.5, 2, w.shape) for w in bn.get_weights()])
    return model


def build(path, model, **options):
    return teacher_cache.build(
        str(path), model, examples(), SPEC, storage="float32", **options
    )


def stored(cache):
    joined = cache.join(examples()).batch(20).get_single_element()
    return joined["label"]["teacher_logits"].numpy()


def test_logits_are_those_of_kerass_mixed_precision(tmp_path):
    teacher = network()
    before = teacher(IMAGES).numpy()
    cache = build(tmp_path, teacher, precision="bfloat16", batch_size=20)
    mixed = network("mixed_bfloat16")(IMAGES).numpy()
    np.testing.assert_allclose(stored(cache), mixed, rtol=1e-6)
    difference = np.abs(mixed - before).max()
    assert 1e-4 < difference < 0.1
    assert cache.largest_difference == pytest.approx(difference, rel=1e-4)
    # The teacher is as it was.
    assert {layer.dtype_policy.name for layer in teacher.layers} == {"float32"}
    np.testing.assert_array_equal(teacher(IMAGES).numpy(), before)


def test_a_fused_teacher_computes_the_same(tmp_path):
    plain = build(tmp_path / "a", network(), precision="bfloat16")
    fused = models.fuse_batch_normalization(network(), inference=True)
    cache = build(tmp_path / "b", fused, precision="bfloat16")
    # One kernel rounds once where several round after each step.
    np.testing.assert_allclose(stored(cache), stored(plain), atol=0.03)
    assert np.abs(stored(cache) - fused(IMAGES)).max() > 1e-4


def test_the_difference_is_of_the_first_batch(tmp_path):
    cache = build(tmp_path, network(), precision="bfloat16", batch_size=5)
    differences = np.abs(stored(cache) - network()(IMAGES)).max(axis=1)
    assert cache.largest_difference == pytest.approx(differences[:5].max(), rel=1e-4)


def test_the_precision_is_part_of_what_a_cache_is(tmp_path):
    teacher = network()
    first = build(tmp_path, teacher, precision="bfloat16")
    known = fingerprint([Teacher(teacher)])
    about = (str(tmp_path), known, examples(), SPEC)
    again = teacher_cache.reopen(*about, storage="float32", precision="bfloat16")
    assert again.largest_difference == first.largest_difference > 0
    with pytest.raises(ValueError, match=r"precision='bfloat16'. Received: precision="):
        teacher_cache.reopen(*about, storage="float32")


def test_a_cache_of_before_there_was_a_choice_is_opened(tmp_path):
    cache = build(tmp_path, network())
    assert cache.largest_difference is None
    path = tmp_path / "cache.json"
    manifest = json.loads(path.read_text())
    assert manifest["identity"].pop("precision") == "float32"
    assert "largest_difference" not in manifest
    path.write_text(json.dumps(manifest))
    build(tmp_path, network(), precision="float32")
    with pytest.raises(ValueError, match=r"precision='float32'. Received: .*'bf"):
        build(tmp_path, network(), precision="bfloat16")


def _policies(model):
    with computing_in("bfloat16", model):
        return {
            layer.name: layer.dtype_policy.name
            for layer in model.layers
            if not isinstance(layer, keras.layers.InputLayer)
        }


def test_what_reads_raw_numbers_and_makes_logits_stays_in_float32():
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="last")])
    teacher = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.BatchNormalization(name="raw"),
            keras.layers.Dense(4, name="hidden"),
            inner,
            keras.layers.Activation("linear", name="behind"),
        ]
    )
    found = _policies(teacher)
    assert (found["raw"], found["hidden"]) == ("float32", "mixed_bfloat16")
    with computing_in("bfloat16", teacher):
        assert inner.layers[-1].dtype_policy.name == "float32"
    statistics = [[1, 1], [0, 0], [1950, 0], [100, 1]]
    teacher.layers[0].set_weights([np.array(row, np.float32) for row in statistics])
    # In bfloat16 years of the 20th century are multiples of 8.
    years = tf.cast(tf.constant([1941.0, 1943.0]), tf.bfloat16).numpy()
    assert years.tolist() == [1944, 1944]
    with computing_in("bfloat16", teacher):
        a, b = np.asarray(teacher(np.array([[1941, 0], [1943, 0]], np.float32)))
    assert np.abs(a.astype(np.float32) - b.astype(np.float32)).max() > 0


class Own(keras.Model):
    def call(self, x):
        return x[:, 0, 0]


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`precision` must be one of .*'float16'"):
        build(tmp_path, network(), precision="float16")
    own = Own()
    own(IMAGES)
    with pytest.raises(ValueError, match=r"must be 'float32' for a teacher .*Own"):
        build(tmp_path, own, precision="bfloat16")
    number = keras.Input(())
    dense = keras.layers.Dense(3)(keras.layers.Reshape((1,))(number))
    with (
        pytest.raises(ValueError, match=r"or that takes single numbers"),
        computing_in("bfloat16", keras.Model(number, dense)),
    ):
        pass
