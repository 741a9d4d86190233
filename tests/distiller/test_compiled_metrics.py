"""Which compiled metrics read logits, and which are refused."""

import keras
import numpy as np
import pytest

from kd_keras import Distiller
from kd_keras.distiller.compiled_metrics import metrics_of_logits

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
    metrics = ["accuracy", "mse", keras.metrics.F1Score()]
    for head in ("softmax", None, {"a": "softmax", "b": None}):
        assert metrics_of_logits(metrics, head) is metrics
    # Without a head an output may be anything.
    metrics = ["AUC", keras.metrics.BinaryAccuracy()]
    assert metrics_of_logits(metrics, None) is metrics


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
    half, other = (keras.metrics.BinaryAccuracy(threshold=at) for at in (0.5, 1.3))
    for metrics, head in (([half], "sigmoid"), ({"a": [half]}, HEADS)):
        with pytest.raises(ValueError, match=r"BinaryAccuracy cuts at 0\.5"):
            metrics_of_logits(metrics, head)
    assert metrics_of_logits([other], "sigmoid") == [other]
    assert metrics_of_logits({"c": half}, HEADS) == {"c": half}


class OwnPrecision(keras.metrics.Precision):
    """Somebody's own, which may know what it is given."""


METRICS = keras.metrics
AT_ZERO = r"predict\(x\)\), or pass keras\.metrics\.\w+\(thresholds?=0\.0\)\.$"
FROM_LOGITS = r"predict\(x\)\), or pass keras\.metrics\.\w+\(from_logits=True\)\.$"
MEASURE = r"the probabilities, keras\.ops\.sigmoid\(distiller\.predict\(x\)\)\.$"


@pytest.mark.parametrize(
    ("metric", "does", "advice"),
    [
        (METRICS.Precision(), "Precision cuts at 0.5", AT_ZERO),
        (METRICS.Recall([0, 0.2, 0.7]), "Recall cuts at 0.2, 0.7", AT_ZERO),
        (METRICS.TruePositives(), "TruePositives cuts at 0.5", AT_ZERO),
        (METRICS.FalseNegatives(0.9), "FalseNegatives cuts at 0.9", AT_ZERO),
        (METRICS.BinaryIoU(), "BinaryIoU cuts at 0.5", AT_ZERO),
        (METRICS.BinaryAccuracy(threshold=0.3), "BinaryAccuracy cuts at 0.3", AT_ZERO),
        (METRICS.binary_accuracy, "BinaryAccuracy cuts at 0.5", AT_ZERO),
        ("recall", "Recall cuts at 0.5", AT_ZERO),
        (METRICS.F1Score(threshold=0.5), "F1Score cuts at 0.5", MEASURE),
        ("f1_score", "F1Score cuts at the highest score", MEASURE),
        (METRICS.FBetaScore(threshold=0.4), "FBetaScore cuts at 0.4", MEASURE),
        (METRICS.AUC(), "AUC has from_logits=False", FROM_LOGITS),
        (METRICS.AUC, "AUC has from_logits=False", FROM_LOGITS),
        ("bce", "BinaryCrossentropy has from_logits=False", FROM_LOGITS),
        (
            METRICS.categorical_crossentropy,
            "CategoricalCrossentropy has from_logits=False",
            MEASURE,
        ),
        (METRICS.PrecisionAtRecall(0.5), "PrecisionAtRecall reads prob", MEASURE),
        (METRICS.kl_divergence, "KLDivergence reads probabilities", MEASURE),
    ],
)
def test_what_takes_logits_for_probabilities_is_refused(metric, does, advice):
    with pytest.raises(ValueError, match=advice) as error:
        metrics_of_logits(["mse", metric], "sigmoid")
    assert str(error.value).startswith(f"`metrics`: {does}")
    with pytest.raises(ValueError, match="for an output with head='sigmoid'"):
        metrics_of_logits({"a": metric, "c": metric}, HEADS)
    with pytest.raises(ValueError, match="`metrics` must say which output an accura"):
        metrics_of_logits([metric, "mse", "mae"], HEADS)
    assert metrics_of_logits({"c": metric}, HEADS) == {"c": metric}


@pytest.mark.parametrize(
    "metric",
    [
        METRICS.Precision(thresholds=0),
        METRICS.FalsePositives([0.0, 1.0]),
        METRICS.BinaryIoU(threshold=0.0),
        METRICS.AUC(from_logits=True, thresholds=[0.5]),
        METRICS.SparseCategoricalCrossentropy(from_logits=True),
        OwnPrecision(),
        METRICS.R2Score(),
        "precision_at_recall",  # Keras says that it needs a recall.
        "no such metric",
    ],
)
def test_what_reads_logits_or_is_no_metric_of_keras_is_left_alone(metric):
    for head in ("sigmoid", "softmax"):
        assert metrics_of_logits([metric], head) == [metric]


def test_logits_of_a_softmax_are_compared_and_not_cut():
    top = [METRICS.Recall(top_k=1), METRICS.F1Score(), "accuracy", "acc"]
    assert metrics_of_logits(top, "softmax") is top
    for metric in (METRICS.Recall(), "AUC", "binary_accuracy"):
        with pytest.raises(ValueError, match=r"keras\.ops\.softmax\(.*\)\)\.$"):
            metrics_of_logits([metric], "softmax")
    with pytest.raises(ValueError, match=r"CategoricalCrossentropy\(from_logits=True"):
        metrics_of_logits({"b": "categorical_crossentropy"}, HEADS)


def test_a_student_that_is_always_right_is_told_so():
    # Logits of 0.2 are probabilities over a half.
    student = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    student.layers[0].set_weights([np.array([[0.2]]), np.zeros(1)])
    distiller = Distiller(student=student, alpha=0.0, head="sigmoid")
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    for metric in (METRICS.Recall(), METRICS.AUC(), METRICS.F1Score(threshold=0.5)):
        with pytest.raises(ValueError, match="the student gives logits"):
            distiller.compile("sgd", loss, weighted_metrics=[metric])
    named = METRICS.Recall(0, name="r"), METRICS.AUC(from_logits=True, name="a")
    right = [*named, "accuracy"]
    distiller.compile(keras.optimizers.SGD(0.0), loss, metrics=right)
    x, y = np.float32([[1], [1], [-1]]), np.float32([[1], [1], [0]])
    given = {"labels": y, "teacher_logits": x}
    logs = distiller.evaluate(x, given, return_dict=True, verbose=0)
    assert (logs["r"], logs["a"], logs["accuracy"]) == (1, 1, 1)
