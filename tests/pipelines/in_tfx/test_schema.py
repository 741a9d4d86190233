"""Every kind of feature that a schema can describe, read from real tf.Examples."""

import numpy as np
import pytest
import tensorflow as tf
import tfx_data

from pipelines.tfx import schema as schemas

SCHEMA = tfx_data.schema(
    """
    feature { name: "age" type: FLOAT presence { min_fraction: 1 }
              shape { dim { size: 1 } } }
    feature { name: "point" type: FLOAT presence { min_fraction: 1 }
              shape { dim { size: 2 } } }
    feature { name: "hours" type: FLOAT value_count { min: 1 max: 1 } }
    feature { name: "job" type: BYTES domain: "jobs" value_count { min: 1 max: 1 } }
    feature { name: "tags" type: BYTES value_count { min: 0 max: 3 } }
    feature { name: "codes" type: INT }
    feature { name: "photo" type: BYTES image_domain {} }
    feature { name: "at" type: INT int_domain { min: 0 max: 3 } }
    feature { name: "score" type: FLOAT }
    feature { name: "flag" type: BYTES string_domain { value: "y" value: "n" } }
    sparse_feature { name: "bag" index_feature { name: "at" }
                     value_feature { name: "score" } }
    sparse_feature { name: "lost" index_feature { name: "codes" }
                     value_feature { name: "score" } }
    string_domain { name: "jobs" value: "clerk" value: "nurse" }
    """
)
PHOTO = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
ROWS = [
    {
        "age": 30.0,
        "point": [1.0, 2.0],
        "hours": 8.0,
        "job": "nurse",
        "tags": ["a", "b", "c", "d"],
        "codes": [7],
        "photo": tf.io.encode_png(PHOTO).numpy(),
        "at": [3, 0],
        "score": [0.5, 0.25],
    },
    {
        "age": 40.0,
        "point": [3.0, 4.0],
        "tags": ["e"],
        "photo": tf.io.encode_png(255 - PHOTO).numpy(),
    },
]
EXPECTED = {
    "age": [30, 40],
    "point": [[1, 2], [3, 4]],
    "hours": [8, 0],
    "job": [b"nurse", b""],
    "tags": [[b"a", b"b", b"c"], [b"e", b"", b""]],
    "codes": [[7, -1], [-1, -1]],
    "photo": [PHOTO, 255 - PHOTO],
    "bag": [[0.25, 0, 0, 0.5], [0, 0, 0, 0]],
}


def columns(*names, **options):
    return schemas.columns(SCHEMA, names, **options)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_read(name):
    column = columns(name, image_shape=[2, 2, 3], max_values={"codes": 2})[name]
    batch = tf.constant([tfx_data.example(row) for row in ROWS])
    parsed = tf.io.parse_example(batch, {name: column.parsing})
    dense = column.dense(parsed[name])
    assert dense.numpy().tolist() == np.array(EXPECTED[name]).tolist()
    assert dense.shape[1:] == column.spec.shape
    assert dense.dtype == column.spec.dtype


def test_an_example_without_what_all_must_have_is_refused():
    column = columns("age")["age"]
    batch = tf.constant([tfx_data.example({"hours": 1.0})])
    with pytest.raises(tf.errors.InvalidArgumentError, match="age"):
        tf.io.parse_example(batch, {"age": column.parsing})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("size", r"'size' is named, and the schema has \['age', 'at', 'bag'"),
        ("photo", r"'photo' is an image.*image_shape"),
        ("codes", r"'codes' has any number of values.*max_values"),
        ("lost", r"'lost' must have.*Received: \[\] for \['codes'\]"),
    ],
)
def test_what_the_schema_does_not_say_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        columns(name)


def test_domains():
    assert schemas.domain(SCHEMA, "job") == ("clerk", "nurse")
    assert schemas.domain(SCHEMA, "flag") == ("y", "n")
    assert schemas.domain(SCHEMA, "tags") == ()
