"""A fit that is interrupted and continued equals an undisturbed one."""

import keras
import numpy as np
import pytest

from kd_keras import training

EPOCHS = 4


class _Crash(keras.callbacks.Callback):
    """Stands for kill -9 at the end of an epoch, before or after the backup."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise InterruptedError


def _model(dataset):
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),  # Its masks go on where they were.
            keras.layers.Dense(3),
        ]
    )
    model.compile(
        training.optimizer(
            "adam",
            learning_rate=1e-3,
            schedule="cosine",
            total_steps=training.steps_per_epoch(dataset, 32) * EPOCHS,
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def _fit(dataset, directory, callbacks=()):
    model = _model(dataset)
    history = training.fit(
        model,
        dataset,
        directory=str(directory),
        epochs=EPOCHS,
        batch_size=32,
        seed=3,
        callbacks=callbacks,
    )
    return model, history


def test_continued_fit_equals_undisturbed_fit(tiny_dataset, tmp_path):
    expected, history = _fit(tiny_dataset, tmp_path / "whole")
    assert len(history) == EPOCHS
    for epoch in (1, 3):
        with pytest.raises(InterruptedError):
            _fit(tiny_dataset, tmp_path / "cut", [_Crash(epoch)])
    continued, _ = _fit(tiny_dataset, tmp_path / "cut")
    for one, two in zip(continued.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    names = [sorted(p.name for p in (tmp_path / d).iterdir()) for d in ("cut", "whole")]
    assert names == [["history.csv"]] * 2
    texts = [(tmp_path / d / "history.csv").read_text() for d in ("cut", "whole")]
    assert texts[0] == texts[1]
    assert [line.split(",")[0] for line in texts[0].splitlines()] == [
        *("epoch", "0", "1", "2", "3")
    ]


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("step", [1.0, 1.0, 0.1, 0.01]),
        # (1 + cos(pi * step / 40)) / 2
        ("cosine", [1.0, 0.853553, 0.5, 0.146447]),
    ],
)
def test_schedules(schedule, rates):
    made = training.optimizer(
        "sgd", learning_rate=1.0, schedule=schedule, total_steps=40
    )
    # A boundary step still has the old rate, so look just behind it.
    for step, rate in zip((0, 10, 20, 30), rates, strict=True):
        made.iterations.assign(step + (schedule == "step"))
        np.testing.assert_allclose(float(made.learning_rate), rate, rtol=1e-5)


def test_unknown_names_list_what_there_is():
    options = {"learning_rate": 0.1, "schedule": "constant", "total_steps": 10}
    with pytest.raises(ValueError, match=r"'adams'.*adam, adamw, sgd"):
        training.optimizer("adams", **options)
    with pytest.raises(ValueError, match=r"'linear'.*constant, cosine, step"):
        training.optimizer("adam", **options | {"schedule": "linear"})
