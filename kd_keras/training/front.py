"""The part of a model that no training changes."""

import keras

from kd_keras.keras_internals import inputs_of_calls, is_functional

# Without weights, and an example's output is always the same.
_FIXED = (keras.layers.Hashing, keras.layers.HashedCrossing)


def split_front(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """A functional model as two: what hashes its inputs, and the rest.

    Args:
      model: any model.

    Returns:
      (front, back): `back(front(x))` is `model(x)`, and both have the layers of
      `model`. Front is None where there is nothing to split; back is `model` then.
    """
    if not is_functional(model):
        return None, model
    given = {id(tensor) for tensor in model.inputs}
    fixed, read_on = [], set()
    for layer in model.operations:  # Functions of keras.ops, too.
        calls = inputs_of_calls(layer, model)
        tensors = {id(tensor) for call in calls for tensor in call}
        if isinstance(layer, _FIXED) and len(calls) == 1 and tensors <= given:
            fixed.append(layer.output)
        else:
            read_on |= tensors
    kept = [x for x in model.inputs if id(x) in read_on]
    if not fixed:
        return None, model
    between = [*fixed, *kept]
    return keras.Model(model.input, between), keras.Model(between, model.output)
