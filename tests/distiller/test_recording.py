"""Outputs of layers are recorded, and the layers left as they were."""

import keras
import numpy as np
import pytest

from kd_keras.distiller import recording
from kd_keras.distiller.recording import find_layer, record_outputs

TWO = keras.initializers.Constant(2.0)


def twice():
    """A model that doubles a number, in a layer of a nested model."""
    layers = [
        keras.Input((1,)),
        keras.layers.Dense(1, kernel_initializer=TWO, name="twice"),
        keras.layers.Dense(1, name="unread"),
    ]
    return keras.Sequential([keras.Input((1,)), keras.Sequential(layers, name="inner")])


def number(value):
    return np.full((1, 1), value, "float32")


def doubled(recorded):
    return [None if value is None else float(value[0, 0]) for value in recorded]


def test_a_layer_is_found_by_its_path():
    model = twice()
    assert find_layer(model, "inner/twice", "layer") is model.layers[0].layers[0]
    assert find_layer(model, "inner", "layer") is model.layers[0]
    for path in ("twice", "inner/other"):
        with pytest.raises(ValueError, match=f"`layer` must name .*Received: '{path}'"):
            find_layer(model, path, "layer")


def test_the_last_output_of_each_layer_is_recorded():
    model = twice()
    layer, other = find_layer(model, "inner/twice", "layer"), keras.layers.Dense(1)
    with record_outputs([other, layer]) as outputs:
        model(number(1))
        model(number(3))
        assert outputs == []
    assert doubled(outputs) == [None, 6]
    model(number(4))
    assert doubled(outputs) == [None, 6]
    with record_outputs([]) as nothing:
        model(number(1))
    assert nothing == []


def test_recordings_inside_of_each_other_leave_the_layer_as_it_was():
    model = twice()
    layer = find_layer(model, "inner/twice", "layer")
    with record_outputs([layer]) as outer:
        model(number(1))
        with record_outputs([layer]) as inner:
            model(number(2))
        assert "call" in vars(layer)
        # Not what the inner one saw.
        assert doubled(inner) == [4]
        model(number(3))
        with record_outputs([layer, layer]) as both:
            model(number(4))
    assert (doubled(outer), doubled(both)) == ([6], [8, 8])
    assert "call" not in vars(layer)
    assert recording._patches == {}


def test_a_layer_that_fails_is_left_as_it_was():
    layer = twice().layers[0]
    with pytest.raises(ValueError, match="incompatible"), record_outputs([layer]):
        layer(np.zeros((1, 2), "float32"))
    assert "call" not in vars(layer)


def test_a_call_of_ones_own_is_put_back():
    model = twice()
    layer = find_layer(model, "inner/twice", "layer")

    def own(x):
        return x + 10

    object.__setattr__(layer, "call", own)
    with record_outputs([layer]) as outputs:
        model(number(1))
    assert doubled(outputs) == [11]
    assert layer.call is own
