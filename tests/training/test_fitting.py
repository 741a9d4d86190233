"""A fit that is interrupted and continued equals an undisturbed one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import teacher_cache, training
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import training_batches
from kd_keras.training import fitting

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
    begun = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda i, _: begun.append(i))
    for epoch in (1, 3, EPOCHS):
        with pytest.raises(InterruptedError):
            _fit(tiny_dataset, tmp_path / "cut", [note, _Crash(epoch)])
    continued, _ = _fit(tiny_dataset, tmp_path / "cut", [note])
    # Killed as 1 begins, as 3 begins, and behind it.
    assert begun == [0, 1, 1, 2, 3, 3]
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


def test_no_epochs_evaluate_the_model_as_it_is(tiny_dataset, tmp_path, capsys):
    model = _model(tiny_dataset)
    before = model.get_weights()
    settings = {"directory": str(tmp_path), "batch_size": 32, "seed": 3}
    history = training.fit(model, tiny_dataset, epochs=0, **settings)
    assert capsys.readouterr().out == ""
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    examples = list(tiny_dataset.splits["validation"].as_numpy_iterator())
    logits = model.predict(np.stack([e["image"] for e in examples]), verbose=0)
    accuracy = np.mean(np.argmax(logits, 1) == [e["channel"] for e in examples])
    assert [set(logs) for logs in history] == [{"val_loss", "val_accuracy"}]
    np.testing.assert_allclose(history[0]["val_accuracy"], accuracy, rtol=1e-6)


class Seen(keras.Model):
    """Keeps the batches that it is trained on, and learns nothing."""

    def __init__(self):
        super().__init__()
        self.batches = []
        self.kernel = self.add_weight(shape=(1,))
        self.built = True
        self.compile("sgd", run_eagerly=True)

    def train_step(self, data):
        self.batches.append(keras.tree.map_structure(np.array, data))
        return {"loss": 0.0}

    def test_step(self, data):
        return {"loss": 0.0}


def equal(found, expected):
    """Whether two lists of batches are the same, element by element."""
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        keras.tree.map_structure(np.testing.assert_array_equal, one, two)


def batches_of(examples, spec, epochs, **options):
    """What `training_batches` gives, in all epochs."""
    epoch = tf.Variable(0, dtype=tf.int64)
    batches = training_batches(examples, spec, epoch=epoch, **options)
    found = []
    for number in epochs:
        epoch.assign(number)
        found.extend(batches.as_numpy_iterator())
    return found


@pytest.mark.parametrize(
    ("options", "means"),
    [
        ({}, {"shuffle_buffer": 90}),
        (
            {"augmentation": "pad_crop", "views": 2, "shuffle_buffer": 10},
            {"augmentation": "pad_crop", "views": 2, "shuffle_buffer": 10},
        ),
        (
            {"augmentation": "pad_crop"},
            {"augmentation": "pad_crop", "views": 0, "shuffle_buffer": 90},
        ),
    ],
    ids=["plain", "views", "new views"],
)
def test_the_batches_are_those_of_the_settings(
    tiny_dataset, tmp_path, capsys, options, means
):
    model = Seen()
    history = training.fit(
        model,
        tiny_dataset,
        directory=str(tmp_path),
        epochs=3,
        batch_size=32,
        seed=3,
        **options,
    )
    # Validated in each epoch.
    assert [set(logs) for logs in history] == [{"loss", "val_loss"}] * 3
    assert capsys.readouterr().out == ""
    examples, spec = tiny_dataset.splits["train"], tiny_dataset.spec
    expected = batches_of(examples, spec, range(3), batch_size=32, seed=3, **means)
    assert [len(x) for x, _ in expected] == [32, 32, 26] * 3
    equal(model.batches, expected)


def test_the_batches_of_a_cache_bring_its_logits(tiny_dataset, tmp_path):
    teacher = keras.Sequential(
        [keras.Input((12, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    examples, spec = tiny_dataset.splits["train"], tiny_dataset.spec
    views = {"augmentation": "pad_crop", "views": 2, "seed": 3}
    cache = teacher_cache.build(
        str(tmp_path / "cache"), teacher, examples, spec, **views
    )
    model = Seen()
    training.fit(
        model,
        tiny_dataset,
        directory=str(tmp_path),
        epochs=3,
        batch_size=32,
        cache=cache,
        **views,
    )
    expected, epoch = [], tf.Variable(0, dtype=tf.int64)
    for number in range(3):
        epoch.assign(number)
        joined = cache.join(examples, epoch)
        expected += batches_of(
            joined, spec, [number], batch_size=32, seed=3, shuffle_buffer=90
        )
    assert expected[0][1]["teacher_logits"].shape == (32, 3)
    equal(model.batches, expected)


def test_an_epoch_begins_with_the_random_state_of_its_number(tiny_dataset):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dropout(0.5, seed=1),
            keras.layers.Dense(2),
            keras.layers.Dropout(0.5, seed=2),
        ]
    )
    states = [layer.seed_generator.state for layer in model.layers[::2]]
    first = [state.numpy() for state in states]
    kernel = model.layers[1].get_weights()[0]
    epoch = tf.Variable(0, dtype=tf.int64)
    begin = fitting._epoch_beginner(model, epoch, steps=7)
    for index in (0, 3, 1):
        begin(index, {})
        assert int(epoch) == index
        # A step takes one number of each.
        for state, (key, count) in zip(states, first, strict=True):
            assert state.numpy().tolist() == [key, count + 7 * index]
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], kernel)


@pytest.mark.parametrize(
    ("examples", "batch_size", "steps"),
    [(90, 32, 3), (90, 30, 3), (90, 90, 1), (90, 91, 1), (1, 32, 1), (90, 29, 4)],
)
def test_the_last_batch_counts_as_a_step(tiny_dataset, examples, batch_size, steps):
    train = tiny_dataset.splits["train"].take(examples)
    dataset = Dataset(tiny_dataset.spec, {"train": train})
    assert training.steps_per_epoch(dataset, batch_size) == steps


def test_an_empty_split_is_refused(tiny_dataset):
    empty = Dataset(tiny_dataset.spec, {"train": tiny_dataset.splits["train"].take(0)})
    with pytest.raises(ValueError, match=r"at least one.*cardinality 0\."):
        training.steps_per_epoch(empty, 32)


def test_each_worker_takes_its_part_of_a_batch(tiny_dataset):
    shared = fitting._shared_by_batch(tiny_dataset.splits["train"])
    policy = shared.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA
