"""Functions and Keras' own losses as parts of the loss."""

import keras
import numpy as np
import pytest
from keras import ops

from kd_keras.distiller import adapters
from kd_keras.losses import LossInputs

TEACHER = np.array([[[1.0, 4], [2, 0]], [[0, 1], [5, 5]]], "float32")
STUDENT = np.array([[[0.0, 2], [1, 3]], [[4, 0], [5, 1]]], "float32")


def test_a_function_gets_teacher_student_and_a_temperature_that_broadcasts():
    def lead(teacher_logits, student_logits, temperature):
        return ops.sum((teacher_logits - student_logits) / temperature, -1)

    part = adapters.FunctionLoss(lead)
    assert part.name == "lead"
    temperature = ops.convert_to_tensor([1.0, 2.0])
    inputs = LossInputs(ops.convert_to_tensor(STUDENT), TEACHER, temperature)
    # Sums of differences 3, -2 at T=1 and -3, 4 at T=2.
    np.testing.assert_allclose(part(inputs), [[3, -2], [-1.5, 2]])


def test_an_object_that_can_be_called_has_the_name_of_its_class():
    class Distance:
        def __call__(self, teacher_logits, student_logits, temperature):
            return teacher_logits

    assert adapters.FunctionLoss(Distance()).name == "Distance"


@pytest.mark.parametrize("side", ["teacher_layer_name", "student_layer_name"])
def test_a_loss_of_layers_is_no_loss_of_outputs(side):
    loss = keras.distillation.FeatureDistillation(**{side: "hidden"})
    with pytest.raises(ValueError, match=r"FeatureDistillation between .*'hidden'"):
        adapters.KerasLoss(loss)


@pytest.mark.parametrize(
    ("loss", "shares"),
    [("mean_squared_error", 1), (keras.losses.MeanSquaredError(), 4)],
    ids=["function", "Loss"],
)
def test_a_keras_loss_is_one_replica_s_mean(monkeypatch, loss, shares):
    # Keras divides what a Loss gives by the replicas, and not what a function gives.
    monkeypatch.setattr(adapters, "replicas", lambda: 4)
    part = adapters.KerasLoss(keras.distillation.LogitsDistillation(2.0, loss))
    assert (part.name, part.uses_temperature) == ("LogitsDistillation", False)
    value = part(LossInputs(np.array([[1.0, 5.0]]), np.array([[3.0, 1.0]])))
    # At T=2 the logits differ by 1 and 2.
    np.testing.assert_allclose(value, shares * 2.5, rtol=1e-6)
    assert value.dtype == "float32"


def test_a_keras_loss_tells_the_teacher_from_the_student():
    loss = keras.distillation.LogitsDistillation(1.0, keras.losses.KLDivergence())
    part = adapters.KerasLoss(loss)
    value = part(LossInputs(np.log([[0.5, 0.5]]), np.log([[0.9, 0.1]])))
    expected = 0.9 * np.log(1.8) + 0.1 * np.log(0.2)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
