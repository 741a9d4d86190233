"""Labels and groups of tf.Examples, by name and by number."""

import numpy as np
import pytest
import tensorflow as tf
import tfx_data

from kd_keras import DatasetSpec, audit
from pipelines.tfx import schema as schemas
from pipelines.tfx import targets

SCHEMA = tfx_data.schema(
    """
    feature { name: "word" type: BYTES }
    feature { name: "sex" type: BYTES string_domain { value: "f" value: "m" } }
    feature { name: "born" type: INT }
    """
)


def test_labels_are_names_or_indices():
    words = np.array([b"yes", b"no"], object)
    assert targets.labels("y", words, ["no", "yes"]).tolist() == [1, 0]
    assert targets.labels("y", np.array([1, 0]), ["no", "yes"]).tolist() == [1, 0]
    assert targets.labels("y", np.array([1.0, 0.0]), ["no", "yes"]).tolist() == [1, 0]


def test_numbers_of_raw_examples_are_names_once():
    """What reading them gave is indices, which an audit must not match again."""
    names, groups = ("1", "0"), ("1", "2", "3")
    parsed = {"y": tf.constant([1, 0, 1]), "g": tf.constant([3, 1, -1])}
    read = targets.in_graph(parsed, "y", names, {"g": groups})
    assert read["y"].numpy().tolist() == [0, 1, 0]
    assert read["g"].numpy().tolist() == [2, 0, -1]
    spec = DatasetSpec("d", {"x": tf.TensorSpec(())}, "y", names, {"g": groups})
    examples = tf.data.Dataset.from_tensor_slices({**read, "x": tf.zeros(3)})
    found = audit({"m": np.eye(2)[[0, 1, 1]]}, examples, spec, min_examples=1)
    assert found.values["m", "accuracy", ""].value == pytest.approx(2 / 3)
    # The last, which is wrong, is in no group.
    assert found.counts["m"].accuracy("g").by_group == {"1": 1, "3": 1}


@pytest.mark.parametrize("value", [np.array([2]), np.array([-1]), np.array([b"maybe"])])
def test_a_label_that_is_no_class_is_refused(value):
    with pytest.raises(ValueError, match="'y'"):
        targets.labels("y", value, ["no", "yes"])


def test_missing_groups_are_minus_one_and_unknown_ones_are_refused():
    values = np.array([b"m", b"", b"f"], object)
    assert targets.groups("sex", values, ("f", "m")).tolist() == [1, -1, 0]
    with pytest.raises(ValueError, match=r"'sex' has a group that is not named.*'x'"):
        targets.groups("sex", np.array([b"x"], object), ("f", "m"))


def test_groups_are_those_given_or_those_of_the_domain():
    found = targets.group_names(SCHEMA, {"sex": None, "born": ["1", "2"]})
    assert found == {"sex": ("f", "m"), "born": ("1", "2")}
    with pytest.raises(ValueError, match="does not say which groups 'word' has"):
        targets.group_names(SCHEMA, {"word": None})
    with pytest.raises(ValueError, match=r"'race' is named.*\['born', 'sex', 'word'\]"):
        targets.group_names(SCHEMA, {"race": None})


def test_in_a_graph_as_outside():
    rows = [{"word": "yes", "sex": "m"}, {"word": "no"}]
    names = ("word", "sex")
    parsed = tf.io.parse_example(
        [tfx_data.example(row) for row in rows],
        {name: schemas.scalar(SCHEMA, name) for name in names},
    )
    found = tf.function(targets.in_graph)(
        parsed, "word", ("no", "yes"), {"sex": ("f", "m")}
    )
    assert {k: v.numpy().tolist() for k, v in found.items()} == {
        "word": [1, 0],
        "sex": [1, -1],
    }
