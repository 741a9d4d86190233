"""DatasetSpec and the tf.Examples that follow from it."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.datasets import DatasetSpec, examples, load

SPEC = DatasetSpec(
    name="people",
    features={
        "photo": tf.TensorSpec((2, 3, 3), tf.uint8),
        "age": tf.TensorSpec((), tf.float32),
        "counts": tf.TensorSpec((2,), tf.int32),
        "note": tf.TensorSpec((), tf.string),
    },
    label="smiling",
    class_names=("no", "yes"),
    groups={"sex": ("female", "male"), "age_band": ("young", "old")},
)
EXAMPLE = {
    "photo": np.arange(18, dtype=np.uint8).reshape(2, 3, 3),
    "age": np.float32(31.5),
    "counts": np.array([7, -2], np.int32),
    "note": b"caf\xc3\xa9",
    "smiling": 1,
    "sex": 1,
    "age_band": -1,
    "id": b"p17",
}


def test_example_round_trip():
    serialized = tf.constant([examples.encode(SPEC, EXAMPLE)] * 2)
    parsed = examples.parse_features(SPEC, serialized)
    assert list(parsed) == list(SPEC.features)
    for name, feature in SPEC.features.items():
        assert parsed[name].dtype == feature.dtype
        np.testing.assert_array_equal(parsed[name][1].numpy(), EXAMPLE[name])


def test_example_holds_names_for_slicing():
    fields = tf.train.Example.FromString(examples.encode(SPEC, EXAMPLE)).features
    assert fields.feature["smiling"].int64_list.value == [1]
    assert fields.feature["smiling_name"].bytes_list.value == [b"yes"]
    assert fields.feature["sex"].bytes_list.value == [b"male"]
    assert "age_band" not in fields.feature  # A missing group is in no slice.
    assert fields.feature["id"].bytes_list.value == [b"p17"]


def test_inputs_are_a_dict_only_for_several_features(tiny_dataset):
    assert tiny_dataset.spec.inputs({"image": 1, "channel": 2}) == 1
    assert list(SPEC.inputs(EXAMPLE)) == ["photo", "age", "counts", "note"]


def test_names_must_be_distinct():
    with pytest.raises(ValueError, match=r"more than once: \['id'\]"):
        DatasetSpec("x", {"id": tf.TensorSpec((), tf.string)}, "y", ("a", "b"), {})


def test_unknown_names_list_what_there_is():
    with pytest.raises(ValueError, match=r"'race'.*\['age_band', 'sex'\]"):
        SPEC.require_attribute("race")
    with pytest.raises(ValueError, match=r"'trifeatures'.*trifeature"):
        load("trifeatures")


def column_examples(**columns):
    return tf.data.Dataset.from_tensor_slices(
        {"x": np.zeros((4, 2), np.float32), "y": [0, 1, 0, 1], "sex": [0, 1, -1, 0]}
        | columns
    )


def test_spec_of_own_examples():
    options = {"label": "y", "class_names": ["no", "yes"]}
    groups = {"sex": ["female", "male"]}
    spec = DatasetSpec.of(column_examples(), groups=groups, **options)
    assert spec == DatasetSpec(
        name="data",
        features={"x": tf.TensorSpec((2,), tf.float32)},
        label="y",
        class_names=("no", "yes"),
        groups={"sex": ("female", "male")},
    )
    with_id = column_examples(id=list("abcd"), age=[1.0, 2, 3, 4])
    assert list(DatasetSpec.of(with_id, groups=groups, **options).features) == [
        "x",
        "age",
    ]
    chosen = DatasetSpec.of(with_id, groups=groups, features=["age"], **options)
    assert list(chosen.features) == ["age"]


@pytest.mark.parametrize(
    ("examples_of", "options", "message"),
    [
        (column_examples, {"groups": {"race": ("a", "b")}}, r"Missing: \['race'\]"),
        (column_examples, {"features": []}, "Nothing is left as feature"),
        (lambda: column_examples().batch(2), {}, r"Call examples.unbatch\(\)"),
        (
            lambda: column_examples().map(lambda e: e["x"]),
            {},
            r"Received the keys \[\]",
        ),
    ],
)
def test_spec_of_other_examples_is_refused(examples_of, options, message):
    with pytest.raises(ValueError, match=message):
        DatasetSpec.of(examples_of(), label="y", class_names=("no", "yes"), **options)


IMAGES = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)


@pytest.mark.parametrize(
    ("described", "given", "message"),
    [
        ([40, 38], [40, 38.5], r"'x' .*whole .*int64. Received: 38.5 in row 1\."),
        ([40, 38], [40, None], r"'x' .*whole .*int64. Received: nan in row 1\."),
        ([40, 38], [np.inf, 1], r"'x' .*whole .*int64. Received: inf in row 0\."),
        ([40, 38], [1, 2.0**63], r"'x' .*whole .*int64. Received: 9.2.*e\+18 in row 1"),
        ([1, 2], np.uint64([1, 2**63 + 5]), "'x' .*9223372036854775813 in row 1"),
        (IMAGES, IMAGES / 64 + 0.5, "'x' .*0 to 255, .*uint8. Received: 0.5 in row 0"),
        (IMAGES, IMAGES.astype(int) + 240, "'x' .*0 to 255,.*Received: 256 in row 1"),
        (IMAGES, -IMAGES.astype(int), "'x' .*0 to 255, .*Received: -1 in row 0"),
        ([0.5, 1], [0.5, 1e39], r"'x' .*float32. Received: 1e\+39 in row 1\."),
    ],
)
def test_values_that_a_cast_would_change_are_refused(described, given, message):
    spec = DatasetSpec.of({"x": described, "y": [0, 1]}, label="y")
    with pytest.raises(ValueError, match=message):
        spec.examples({"x": given, "y": [0, 1]})


def test_integers_that_no_feature_holds_are_not_described():
    table = {"x": np.uint64([1, 2**63 + 5]), "y": [0, 1]}
    with pytest.raises(ValueError, match=r"'x' .*9223372036854775813 in row 1"):
        DatasetSpec.of(table, label="y")


@pytest.mark.parametrize(
    ("described", "given", "expected"),
    [
        ([40, 38], [40.0, -3.0], [40, -3]),
        ([40, 38], [True, False], [1, 0]),
        ([40, 38], [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ([0.5, 1], [3, -1], [3, -1]),
        # What is missing stays so.
        ([0.5, 1], [0.25, None], [0.25, np.nan]),
        (["1", "2"], [2, None], [b"2", b""]),
        (IMAGES, IMAGES.astype(np.float32), IMAGES),
        (IMAGES, IMAGES.astype(np.int32) + 224, IMAGES + np.uint8(224)),
    ],
)
def test_values_that_a_dtype_holds_are_cast(described, given, expected):
    spec = DatasetSpec.of({"x": described, "y": [0, 1]}, label="y")
    made = spec.examples({"x": given, "y": [0, 1]})
    assert made.element_spec["x"] == spec.features["x"]
    np.testing.assert_array_equal([e["x"].numpy() for e in made], expected)
