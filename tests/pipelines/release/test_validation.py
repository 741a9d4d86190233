"""TFMA's validator on metrics that are written by hand."""

import math

import pytest
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice

from pipelines.release.policy import Condition
from pipelines.release.validation import validate

EOD = "equalized_odds_difference"


def of_slice(values, **key):
    """(name, model, is_diff) -> value."""
    found = MetricsForSlice()
    for column, value in key.items():
        single = found.slice_key.single_slice_keys.add()
        single.column, single.bytes_value = column, value.encode()
    for (name, model, is_diff), value in values.items():
        item = found.metric_keys_and_values.add()
        item.key.name, item.key.model_name, item.key.is_diff = name, model, is_diff
        item.value.double_value.value = value
    return found


EVALUATION = [
    of_slice(
        {
            ("accuracy", "ds", False): 0.8,
            ("accuracy", "ds", True): -0.1,
            ("accuracy", "teacher", False): 0.9,
            (f"{EOD}/side", "ds", False): 0.3,
            (f"{EOD}/side", "ds", True): 0.2,
            (f"{EOD}/age", "ds", False): 0.6,
        }
    ),
    of_slice({("accuracy", "ds", False): 0.7, ("accuracy", "ds", True): 0.05},
             side="a"),
    of_slice({("accuracy", "ds", False): 0.5}, side="b"),
    of_slice({("accuracy", "ds", False): 0.1}, side="a", age="old"),
]  # fmt: skip


def kept(evaluation=EVALUATION, **fields):
    return validate(Condition("c", **fields), evaluation, "ds", "teacher")


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"metric": "accuracy"}, 0.8),
        ({"metric": "accuracy", "attribute": "side", "group": "a"}, 0.7),
        ({"metric": "accuracy", "attribute": "side", "group": "b"}, 0.5),
        ({"metric": "accuracy", "against": "teacher"}, -0.1),
        ({"metric": "accuracy", "attribute": "side", "group": "a",
          "against": "teacher"}, 0.05),
        ({"metric": EOD, "attribute": "side"}, 0.3),
        ({"metric": EOD, "attribute": "age"}, 0.6),
        ({"metric": EOD, "attribute": "side", "against": "teacher"}, 0.2),
    ],
    ids=lambda value: None,
)  # fmt: skip
def test_the_bound_is_compared_with_tfmas_number(fields, value):
    assert kept(**fields, at_most=value + 0.01)
    assert not kept(**fields, at_most=value - 0.01)
    assert kept(**fields, at_least=value - 0.01)
    assert not kept(**fields, at_least=value + 0.01)


def test_a_bound_of_zero_is_a_bound():
    fields = {"metric": "accuracy", "against": "teacher"}
    assert kept(**fields, at_most=0.0)
    assert not kept(**fields, at_least=0.0)


def test_numbers_that_are_not_there_or_none_keep_nothing():
    assert not kept(metric="accuracy", attribute="side", group="c", at_least=0.0)
    empty = [of_slice({("accuracy", "ds", False): math.nan})]
    assert not kept(empty, metric="accuracy", at_least=0.0)
    assert not kept(empty, metric="accuracy", at_most=1.0)
    other = [of_slice({("accuracy", "ds", False): 0.8})]
    other[0].metric_keys_and_values[0].value.bytes_value = b"0.8"
    assert not kept(other, metric="accuracy", at_least=0.0)
