"""Models whose logits are chosen by hand, shared by the tests of the Distiller."""

import keras
import numpy as np

SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

# Reference case 1: an example's inputs are the teacher's logits, then the student's.
TEACHER = np.array([[1, 2, 3], [4, 5, 6]], "float32")
STUDENT = np.array([[2, 1, 4], [3, 6, 2]], "float32")
X = np.concatenate([TEACHER, STUDENT], -1)
LABELS = np.array([0, 1])


class Subclassed(keras.Model):
    """A model that only its `call` describes."""

    def __init__(self, kernels, as_dict=False, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.heads = [
            _dense(kernel, f"head{i}", activation) for i, kernel in enumerate(kernels)
        ]
        self.as_dict = as_dict

    def call(self, inputs):
        outputs = [head(inputs) for head in self.heads]
        if self.as_dict:
            return {f"head{i}": output for i, output in enumerate(outputs)}
        return outputs[0] if len(outputs) == 1 else outputs


def _dense(kernel, name, activation=None):
    kernel = np.asarray(kernel, "float32")
    return keras.layers.Dense(
        kernel.shape[1],
        use_bias=False,
        kernel_initializer=lambda shape, dtype: keras.ops.convert_to_tensor(
            kernel, dtype
        ),
        activation=activation,
        name=name,
    )


def linear(kernel, kind="functional", activation=None, name=None):
    """A built model that multiplies by the kernel `[inputs, classes]`."""
    size = np.shape(kernel)[0]
    if kind == "subclassed":
        model = Subclassed([kernel], name=name)
        model(np.zeros((1, size), "float32"))
        return model
    if kind == "sequential":
        layers = [keras.Input((size,)), _dense(kernel, "head0", activation)]
        return keras.Sequential(layers, name=name)
    inputs = keras.Input((size,))
    outputs = _dense(kernel, "head0", activation)(inputs)
    return keras.Model(inputs, outputs, name=name)


def reads_teacher(**kwargs):
    """A teacher whose logits are the first half of x."""
    return linear(np.eye(6, 3), **kwargs)


def reads_student(**kwargs):
    """A student whose logits are the second half of x."""
    return linear(np.eye(6, 3, -3), **kwargs)
