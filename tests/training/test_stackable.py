"""Which trainers can be members of a stack, and why others cannot."""

import re

import keras
import numpy as np
import pytest

from kd_keras.distiller import Distiller
from kd_keras.distiller.supervised import Supervised
from kd_keras.training.stackable import why_single

SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def trainer(*layers, optimizer="adam", outputs=1, **settings):
    inputs = keras.Input((2,))
    x = inputs
    for layer in layers:
        x = layer(x)
    heads = [keras.layers.Dense(2)(x) for _ in range(outputs)]
    student = keras.Model(inputs, heads[0] if outputs == 1 else heads)
    model = Distiller(student=student, **settings) if settings else Supervised(student)
    model.compile(optimizer, SPARSE)
    return model


def adapted():
    layer = keras.layers.Normalization()
    layer.adapt(np.zeros((3, 2)))
    return layer


def excluding():
    optimizer = keras.optimizers.AdamW(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


@pytest.mark.parametrize(
    "model",
    [
        lambda: trainer(),
        lambda: trainer(keras.layers.Dense(3, "relu"), optimizer="adamw"),
        lambda: trainer(keras.layers.Dropout(0.1), optimizer="sgd", alpha=0.5),
    ],
)
def test_what_can_be_stacked(model):
    assert why_single(model()) == ""


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (lambda: trainer().student, "Functional has a train_step of its own"),
        (
            lambda: trainer(teacher=trainer().student),
            "its teacher runs in every step, in place of a teacher cache",
        ),
        (lambda: trainer(outputs=2), "the student has several outputs"),
        (
            # Of one weight of several.
            lambda: trainer(keras.layers.Dense(2, kernel_constraint="non_neg")),
            "a constraint reads the entries of a weight together",
        ),
        (
            # In a model inside of the student.
            lambda: trainer(
                keras.Sequential(
                    [keras.layers.Dense(2, activity_regularizer="l2", name="inner")]
                )
            ),
            "the layer inner has an activity regularizer",
        ),
        (
            lambda: trainer(adapted()),
            "the layer normalization.* was adapted, which a copy does not keep",
        ),
        (
            lambda: trainer(optimizer="rmsprop"),
            "the optimizer RMSprop may update entries together",
        ),
        *(
            (
                lambda setting=setting: trainer(
                    optimizer=keras.optimizers.Adam(**setting)
                ),
                f"the optimizer's {next(iter(setting))} is of a whole model",
            )
            for setting in (
                {"clipnorm": 1.0},
                {"global_clipnorm": 1.0},
                {"loss_scale_factor": 2.0},
                {"use_ema": True},
                {"gradient_accumulation_steps": 2},
            )
        ),
        (
            lambda: trainer(optimizer=excluding()),
            "the optimizer leaves variables out of its weight decay",
        ),
    ],
)
def test_what_cannot_be_stacked(model, why):
    assert re.fullmatch(why, why_single(model()))


def test_logits_in_chunks_cannot_be_stacked():
    inputs = keras.Input((4, 2))
    student = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model = Distiller(student=student, time_chunk=2)
    model.compile("adam", SPARSE)
    assert why_single(model) == "time_chunk leaves no logits"
