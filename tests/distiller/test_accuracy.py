"""Which accuracies of which outputs cut logits at 0."""

import keras
import pytest

from kd_keras.distiller.accuracy import metrics_of_logits

NAMES = ["accuracy", "acc", "binary_accuracy", "BinaryAccuracy"]
HEADS = {"a": "sigmoid", "b": "softmax", "c": None}


def read(metrics):
    """Each `BinaryAccuracy` as its name and where it cuts."""

    def one(metric):
        is_binary = isinstance(metric, keras.metrics.BinaryAccuracy)
        return (metric.name, metric.threshold) if is_binary else metric

    return keras.tree.map_structure(one, metrics)


def test_other_heads_and_no_metrics_are_left_alone():
    assert metrics_of_logits(None, "sigmoid") is None
    metrics = ["accuracy", keras.metrics.BinaryAccuracy()]
    for head in ("softmax", None, {"a": "softmax", "b": None}):
        assert metrics_of_logits(metrics, head) is metrics


@pytest.mark.parametrize("head", ["sigmoid", {"a": "sigmoid", "b": "sigmoid"}])
def test_every_name_of_an_accuracy_is_replaced_and_nothing_else(head):
    mean, at_zero = keras.metrics.Mean(), keras.metrics.BinaryAccuracy(threshold=0.0)
    found = metrics_of_logits({"a": [*NAMES, "mse", mean], "b": (at_zero,)}, head)
    assert read(found["a"]) == [*((name, 0.0) for name in NAMES), "mse", mean]
    assert found["b"] == [at_zero]
    assert read(metrics_of_logits(["acc"], head)) == [("acc", 0.0)]


def test_by_name_only_those_of_a_sigmoid_are_replaced():
    metrics = {"a": ["acc", "mse"], "b": "acc", "c": ["acc"], "other": "acc"}
    found = read(metrics_of_logits(metrics, HEADS))
    assert found == {**metrics, "a": [("acc", 0.0), "mse"]}


@pytest.mark.parametrize("kind", [list, tuple])
def test_in_a_list_only_those_of_a_sigmoid_are_replaced(kind):
    head = kind(["softmax", "sigmoid", None])
    found = metrics_of_logits(kind(["acc", ["acc"], "acc"]), head)
    assert read(found) == ["acc", [("acc", 0.0)], "acc"]


@pytest.mark.parametrize(
    ("metrics", "head"),
    [
        (["acc", "mse", "mae"], HEADS),
        (["mse", keras.metrics.BinaryAccuracy(threshold=0.0)], HEADS),
        (["acc", "mse", "mae"], ["sigmoid", "softmax"]),
        ({"a": "acc", "b": "mse"}, ["sigmoid", "softmax"]),
    ],
)
def test_an_accuracy_of_nobody_knows_which_output_is_refused(metrics, head):
    with pytest.raises(ValueError, match="`metrics` must say which output an accura"):
        metrics_of_logits(metrics, head)


@pytest.mark.parametrize("metrics", [["mse", "mae"], {"a": "mse", "b": "mae"}])
def test_what_is_no_accuracy_may_be_of_any_output(metrics):
    for head in (HEADS, ["sigmoid", "softmax"]):
        assert metrics_of_logits(metrics, head) == metrics


def test_an_object_that_cuts_at_half_is_refused():
    half, other = (keras.metrics.BinaryAccuracy(threshold=at) for at in (0.5, 0.3))
    for metrics, head in (([half], "sigmoid"), ({"a": [half]}, HEADS)):
        with pytest.raises(ValueError, match=r"BinaryAccuracy cuts at 0\.5"):
            metrics_of_logits(metrics, head)
    assert metrics_of_logits([other], "sigmoid") == [other]
    assert metrics_of_logits({"b": half}, HEADS) == {"b": half}
