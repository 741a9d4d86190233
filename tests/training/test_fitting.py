"""A fit that is interrupted and continued equals an undisturbed one."""

import keras
import numpy as np
import pytest

from kd_keras import training
from kd_keras.datasets import Dataset

EPOCHS = 4
DIRS = ("cut", "whole")


class _Crash(keras.callbacks.Callback):
    """Stands for kill -9 behind the backup of an epoch, the last one included."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise InterruptedError

    def on_train_end(self, logs=None):
        if self.epoch == EPOCHS:
            raise InterruptedError


def _model(dataset, **options):
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
            **options,
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def _fit(dataset, directory, callbacks=(), **options):
    model = _model(dataset, **options)
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
    for epoch in (1, 3, EPOCHS):
        with pytest.raises(InterruptedError):
            _fit(tiny_dataset, tmp_path / "cut", [_Crash(epoch)])
    continued, _ = _fit(tiny_dataset, tmp_path / "cut")
    for one, two in zip(continued.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    names = [sorted(p.name for p in (tmp_path / d / "backup").iterdir()) for d in DIRS]
    assert names == [[f"{EPOCHS}.weights.h5"]] * 2
    texts = [(tmp_path / d / "history.csv").read_text() for d in DIRS]
    assert texts[0] == texts[1]
    assert [line.split(",")[0] for line in texts[0].splitlines()] == [
        *("epoch", "0", "1", "2", "3")
    ]


def test_continued_fit_where_an_update_takes_several_batches(tiny_dataset, tmp_path):
    options = {"gradient_accumulation_steps": 2}
    expected, _ = _fit(tiny_dataset, tmp_path / "whole", **options)
    with pytest.raises(InterruptedError):
        _fit(tiny_dataset, tmp_path / "cut", [_Crash(3)], **options)
    continued, _ = _fit(tiny_dataset, tmp_path / "cut", **options)
    for one, two in zip(continued.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_split_of_unknown_size_is_refused(tiny_dataset):
    unknown = tiny_dataset.splits["train"].filter(lambda example: True)
    dataset = Dataset(tiny_dataset.spec, {"train": unknown})
    with pytest.raises(ValueError, match=r"known number of examples.*cardinality -2"):
        training.steps_per_epoch(dataset, 32)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("step", [1.0, 1.0, 0.1, 0.01]),
        # (1 + cos(pi * step / 40)) / 2
        ("cosine", [1.0, 0.853553, 0.5, 0.146447]),
        ("linear", [1.0, 0.75, 0.5, 0.25]),
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


def test_warm_up_rises_to_the_schedule_and_is_saved_with_the_model(tmp_path):
    made = training.optimizer(
        "sgd", learning_rate=2.0, schedule="linear", total_steps=30, warmup_steps=10
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(made, "mse")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").optimizer
    # 2 step / 10, then 2 (30 - step) / 20.
    for step, rate in {0: 0.0, 5: 1.0, 9: 1.8, 10: 2.0, 20: 1.0, 30: 0.0}.items():
        for optimizer in (made, loaded):
            optimizer.iterations.assign(step)
            np.testing.assert_allclose(float(optimizer.learning_rate), rate, rtol=1e-6)


def test_no_epochs_evaluate_the_model_as_it_is(tiny_dataset, tmp_path):
    model = _model(tiny_dataset)
    before = model.get_weights()
    settings = {"directory": str(tmp_path), "batch_size": 32, "seed": 3}
    history = training.fit(model, tiny_dataset, epochs=0, **settings)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    examples = list(tiny_dataset.splits["validation"].as_numpy_iterator())
    logits = model.predict(np.stack([e["image"] for e in examples]), verbose=0)
    accuracy = np.mean(np.argmax(logits, 1) == [e["channel"] for e in examples])
    assert [set(logs) for logs in history] == [{"val_loss", "val_accuracy"}]
    np.testing.assert_allclose(history[0]["val_accuracy"], accuracy, rtol=1e-6)


def test_unknown_names_list_what_there_is():
    options = {"learning_rate": 0.1, "schedule": "constant", "total_steps": 10}
    with pytest.raises(ValueError, match=r"'adams'.*adam, adamw, sgd"):
        training.optimizer("adams", **options)
    with pytest.raises(ValueError, match=r"'cos'.*constant, cosine, linear, step"):
        training.optimizer("adam", **options | {"schedule": "cos"})
