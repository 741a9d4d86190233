"""Metrics of batches with and without labels."""

import keras
import numpy as np
import pytest

from kd_keras.distiller.labels import LabelOptional

X = np.zeros((3, 1), "float32")
LABELS = np.float32([[1], [2], [4]])


@pytest.fixture
def model():
    made = LabelOptional()
    made.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    return made


def measured(model, y, weights=None, predicted=True):
    # Each time another tensor: a mask stays with it.
    y_pred = keras.ops.convert_to_tensor(X) if predicted else None
    logs = model.compute_metrics(X, y, y_pred, weights)
    return {name: float(value) for name, value in logs.items()}


def test_metrics_are_those_of_the_batches_with_labels(model):
    assert measured(model, None) == {"loss": 0.0}
    assert measured(model, LABELS, predicted=False) == {"loss": 0.0}
    found = measured(model, LABELS, np.float32([1, 0, 1]))
    # The second one is weighted: (1 + 16) / 2.
    assert found == pytest.approx({"loss": 0, "mae": 7 / 3, "mse": 17 / 2})
    assert measured(model, {"teacher_logits": X}) == found
    model.reset_metrics()
    found = measured(model, LABELS[::-1])
    assert found == pytest.approx({"loss": 0, "mae": 7 / 3, "mse": 21 / 3})


def test_what_the_mask_leaves_out_is_not_measured(model):
    y = {"labels": LABELS, "loss_mask": np.array([True, False, True])}
    expected = {"loss": 0, "mae": 5 / 2, "mse": 17 / 2}
    assert measured(model, y) == pytest.approx(expected)
