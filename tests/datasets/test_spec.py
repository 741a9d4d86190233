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
