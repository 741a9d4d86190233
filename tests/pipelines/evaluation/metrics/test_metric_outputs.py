"""What the metrics read of a TFMA extract."""

import numpy as np
import pytest
from in_memory import extracts

from pipelines.evaluation.metrics.outputs import ModelOutputPreprocessor

SCORES = {"a": [[0.2, 0.7, 0.1], [0.4, 0.4, 0.2]], "b": [[0.5, 0.1, 0.4], [0, 0, 1]]}


def outputs(preprocessor, **options):
    rows = extracts([2, 0], SCORES, **options)
    return [one for row in rows for one in preprocessor.process(row)]


def test_one_model_of_several():
    first, second = outputs(ModelOutputPreprocessor("a"), weights=[0.5, 3])
    assert (first.label, first.prediction, first.groups) == (2, 1, ())
    # The first of equals.
    assert (second.label, second.prediction) == (0, 0)
    np.testing.assert_array_equal(first.probabilities, [0.2, 0.7, 0.1])
    assert (first.weight, second.weight) == (1.0, 1.0)
    assert outputs(ModelOutputPreprocessor("b"))[0].prediction == 0


def test_weights_are_read_where_they_are_asked_for():
    preprocessor = ModelOutputPreprocessor("a", example_weighted=True)
    assert [one.weight for one in outputs(preprocessor, weights=[0.5, 3])] == [0.5, 3.0]


def test_groups_are_those_of_the_attributes_in_order():
    preprocessor = ModelOutputPreprocessor("a", ["sex", "age", "no"])
    features = {"age": [b"old", None], "sex": ["f", "m"]}
    found = [one.groups for one in outputs(preprocessor, features=features)]
    assert found == [("f", "old", None), ("m", None, None)]
    features = {"sex": [1, 2], "age": [np.array([]), b"old"]}
    rows = extracts([2, 0], SCORES, features={"sex": [1, 2]})
    rows[0]["features"]["age"] = np.array([], object)
    (one,) = preprocessor.process(rows[0])
    assert one.groups == ("1", None, None)


def test_names_tell_what_is_read_apart():
    names = {
        ModelOutputPreprocessor(*arguments).name
        for arguments in (("a",), ("b",), ("a", ["s"]), ("a", ["s", "t"]),
                          ("a", [], True))
    }  # fmt: skip
    assert len(names) == 5


def test_one_probability_is_not_enough():
    preprocessor = ModelOutputPreprocessor("a")
    (row, _) = extracts([1, 0], {"a": [[0.3], [0.4]]})
    with pytest.raises(ValueError, match=r"two or more\. Received: 1 from model 'a'"):
        list(preprocessor.process(row))
    (row, _) = extracts([1, 0], {"a": [[0.3, 0.7], [0.4, 0.6]]})
    assert len(list(preprocessor.process(row))) == 1
