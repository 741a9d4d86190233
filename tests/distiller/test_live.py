"""Temperature and alpha as numbers and as schedules."""

import keras
import numpy as np
import pytest
from cases import reads_student

from kd_keras.distiller import Distiller

# 1, 2, 3 at steps 0, 1, 2.
RISING = keras.optimizers.schedules.PolynomialDecay(1.0, 2, 3.0)


@pytest.fixture
def distiller():
    return Distiller(student=reads_student(), temperature=2.5, alpha=0.3)


def test_a_number_is_a_variable_that_is_saved_and_not_trained(distiller):
    variable = distiller._temperature.variable
    assert (variable.name, variable.dtype) == ("temperature", "float32")
    assert not variable.trainable
    assert variable.shape == ()
    assert float(distiller._temperature.at(5)) == 2.5
    assert distiller.temperature == 2.5
    # Through float32: the shortest decimal.
    assert (distiller.alpha, type(distiller.alpha)) == (0.3, float)


def test_a_number_keeps_its_precision_under_a_policy():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        distiller = Distiller(student=reads_student(), temperature=2.0001, alpha=0.1)
    finally:
        keras.config.set_dtype_policy("float32")

    class Watch(keras.layers.Layer):
        def call(self, x):
            return keras.ops.convert_to_tensor(distiller._temperature.variable)

    # In a layer of this policy other variables are float16.
    seen = Watch(dtype="mixed_float16")(np.zeros((1, 1)))
    assert seen.dtype == "float32"
    assert float(seen) == pytest.approx(2.0001, rel=1e-7)


def test_a_schedule_counts_steps(distiller):
    distiller.temperature = RISING
    assert distiller.temperature is RISING
    found = [distiller._temperature.at(step) for step in (0, 1, 2, 9)]
    assert [float(value) for value in found] == [1, 2, 3, 3]
    assert found[0].dtype == "float32"
    made = Distiller(student=reads_student(), temperature=RISING)
    # What the variable holds beside a schedule is the schedule's beginning.
    assert float(made._temperature.variable) == 1.0


def test_setting_says_whether_graphs_are_old(distiller):
    number = distiller._temperature
    assert number.set(3.0) is False
    assert float(number.variable) == 3.0
    assert number.set(RISING) is True
    assert number.set(RISING) is True
    # From a schedule back to a number.
    assert number.set(4.0) is True
    assert number.set(5.0) is False
    assert number.get() == 5.0


def test_what_is_not_allowed_changes_nothing(distiller):
    with pytest.raises(ValueError, match="temperature=-1"):
        distiller.temperature = -1.0
    assert distiller.temperature == 2.5


def test_the_properties_say_what_they_are():
    assert "may be set while training" in Distiller.temperature.__doc__
    assert Distiller.alpha.__doc__.startswith("Share of the soft term")
