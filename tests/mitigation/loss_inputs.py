"""Inputs of the losses that mend while training, and what they are made of."""

import keras
import numpy as np

from kd_keras.losses import LossInputs

RNG = np.random.default_rng(3)
TEACHER = RNG.normal(size=(8, 2)).astype("float32")
STUDENT = RNG.normal(size=(8, 2)).astype("float32")
LABELS = np.array([0, 1, 0, 1, 0, 1, 1, 1])
GROUPS = np.array([0, 0, 0, 1, 1, 1, 1, -1])
WEIGHTS = np.array([1, 2, 1, 1, 0.5, 1, 3, 1], "float32")


def inputs(**fields):
    """`LossInputs` of a batch of eight examples, two classes and two groups."""
    given = {
        "student": STUDENT,
        "teacher": TEACHER,
        "temperature": np.float32(2.0),
        "labels": LABELS,
        "groups": GROUPS,
        "weights": WEIGHTS,
    } | fields
    tensors = {name: keras.tree.map_structure(_tensor, v) for name, v in given.items()}
    return LossInputs(**{"head": "softmax", "training": False} | tensors)


def _tensor(value):
    if value is None or isinstance(value, str | bool):
        return value
    return keras.ops.convert_to_tensor(value)
