"""What a cache was made from, and which example a key belongs to."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.datasets import DatasetSpec
from kd_keras.teacher_cache.identity import (
    Identity,
    block_size,
    describe,
    example_keys,
    shard_names,
)

MADE = Identity(
    teacher="ab" * 32,
    dataset="tiny",
    features={"x": "float32[4]"},
    examples=90,
    storage="Dense(precision='float16')",
    augmentation="flip",
    seed=5,
    views=2,
    shard_examples=16,
)


@pytest.mark.parametrize(
    ("examples", "shards"), [(1, 1), (15, 1), (16, 1), (17, 2), (32, 2), (90, 6)]
)
def test_the_last_shard_may_be_smaller(examples, shards):
    assert dataclasses.replace(MADE, examples=examples).shards == shards


def test_what_is_equal_passes():
    MADE.require_equal(MADE.to_json(), "d")
    assert hash(dataclasses.replace(MADE, features=())) is not None


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Identity)])
def test_a_difference_is_named_with_both_values(name):
    made = {**MADE.to_json(), name: "other"}
    given = getattr(MADE, name)
    with pytest.raises(ValueError, match="teacher cache in d was made with") as error:
        MADE.require_equal(made, "d")
    assert f"{name}='other'. Received: {name}={given!r}" in str(error.value)


def test_what_an_earlier_or_later_version_wrote_is_another_cache():
    without = MADE.to_json()
    del without["views"]
    with pytest.raises(ValueError, match=r"views=None. Received: views=2"):
        MADE.require_equal(without, "d")
    with pytest.raises(ValueError, match=r"crop=0.9. Received: crop=None"):
        MADE.require_equal({**MADE.to_json(), "crop": 0.9}, "d")


def test_names_of_files():
    assert shard_names(3, 1) == ("keys-00003.npy", "logits-1-00003.npy")


def spec(**features):
    return DatasetSpec(
        name="d", features=features, label="y", class_names=("a", "b"), groups={}
    )


def test_features_are_described_by_dtype_and_shape():
    features = {"x": tf.TensorSpec((4,), tf.float32), "t": tf.TensorSpec((), tf.string)}
    assert describe(spec(**features)) == {"x": "float32[4]", "t": "string[]"}


def of(**shapes):
    signature = {k: tf.TensorSpec(shape, tf.uint8) for k, shape in shapes.items()}
    return tf.data.Dataset.from_generator(lambda: [], output_signature=signature)


def test_examples_of_several_sizes_are_compared_one_by_one():
    assert block_size(of(image=(2, 2, 3), y=())) == 256
    assert block_size(of(image=(None, 2, 3), y=())) == 1
    assert block_size(of(image=(None, None, 3), other=(None,))) == 1


def test_a_key_is_of_the_id_and_of_every_feature():
    features = {name: tf.TensorSpec((2,), tf.int32) for name in ("b", "a")}
    rows = {
        "id": tf.constant(["p", "q", "p", "p"]),
        "a": tf.constant([[1, 2], [1, 2], [1, 3], [1, 2]]),
        "b": tf.constant([[5, 6], [5, 6], [5, 6], [6, 5]]),
        "y": tf.constant([0, 1, 2, 3]),
    }
    keys = example_keys(rows, spec(**features)).numpy()
    assert (keys.shape, keys.dtype) == ((4, 16), np.uint8)
    # 8 bytes of the id, 8 of the features.
    ids, contents = keys[:, :8], keys[:, 8:]
    np.testing.assert_array_equal(ids, tf.fingerprint(rows["id"]))
    assert len(np.unique(ids, axis=0)) == 2
    np.testing.assert_array_equal(contents[0], contents[1])
    assert len(np.unique(contents, axis=0)) == 3
    both = tf.concat([tf.fingerprint(rows["a"]), tf.fingerprint(rows["b"])], 1)
    np.testing.assert_array_equal(contents, tf.fingerprint(both))
    # Of one feature its own fingerprint; labels are no part of it.
    alone = example_keys(rows, spec(a=features["a"])).numpy()
    np.testing.assert_array_equal(alone[:, 8:], tf.fingerprint(rows["a"]))
