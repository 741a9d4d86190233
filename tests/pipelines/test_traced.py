"""Runs that share a traced step, against runs that are traced one by one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import demo
from kd_keras import Distiller, export, files
from pipelines.studies import config as configs
from pipelines.studies import config_checks, layout, runs
from pipelines.studies.layout import Run
from pipelines.studies.publisher import Publisher
from pipelines.studies.traced import TracedStep

TEACHERS = (Run("teacher", 0), Run("teacher", 1))
STUDENTS = (
    Run("nds", 0),
    Run("ds", 0, 1.0),
    Run("ds", 0, 2.0),
    # The weights of its groups are a state, too.
    Run("ds", 0, 1.0, "group_dro"),
    Run("ds", 0, 2.0, "group_dro"),
    Run("ds", 1, 4.0),
)
WRITTEN = ("history.csv", "predictions/validation.npz", "predictions/test.npz")
BATCHES = [np.random.default_rng(i).normal(size=(8, 4)) for i in range(3)]
LABELS = np.arange(8) % 3


@keras.saving.register_keras_serializable()
class Counting(keras.layers.Layer):
    """Counts how often a step that trains it is traced."""

    traces = 0

    def call(self, inputs, training=False):
        Counting.traces += bool(training)
        return inputs


def _student(seed, *, temperature=4.0, teacher=None, alone=False, precision="float32"):
    """With everything that has a state: statistics, dropout, Adam, a schedule."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    student = keras.Sequential(
        [
            keras.Input((4,)),
            Counting(),
            keras.layers.Dense(5),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3),
        ]
    )
    distiller = Distiller(student=student, teacher=teacher, temperature=temperature)
    trainer = student if alone else distiller
    trainer.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.01, 9)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return trainer


def _trained(trainer):
    """Weights and logs after three steps."""
    y = LABELS
    if isinstance(trainer, Distiller) and trainer.teacher is None:
        y = {"labels": LABELS, "teacher_logits": np.eye(3)[LABELS] * 5}
    logs = [trainer.train_on_batch(x, y, return_dict=True) for x in BATCHES]
    return [weight.numpy() for weight in trainer.weights], logs


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "distilled"])
def test_a_kept_model_trains_as_a_new_one(alone):
    traced = TracedStep()
    model = "nds" if alone else "ds"
    first = traced.take(_student(0, alone=alone), Run(model, 0))
    _trained(first)
    for seed, temperature in ((1, 4.0), (0, 10.0), (1, 1.0)):
        options = {"temperature": temperature, "alone": alone}
        kept = traced.take(_student(seed, **options), Run(model, seed))
        assert kept is first
        traces = Counting.traces
        weights, logs = _trained(kept)
        assert Counting.traces == traces
        expected_weights, expected_logs = _trained(_student(seed, **options))
        for weight, expected in zip(weights, expected_weights, strict=True):
            np.testing.assert_array_equal(weight, expected)
        assert logs == expected_logs
        assert Counting.traces > traces


def test_another_temperature_of_a_seed_trains_as_a_new_model():
    traced = TracedStep()
    first = traced.take(_student(3, temperature=1.0), Run("ds", 3, 1.0))
    _trained(first)
    for temperature in (4.0, 10.0):
        kept = traced.again(Run("ds", 3, temperature), str)
        assert kept is first
        weights, logs = _trained(kept)
        expected_weights, expected_logs = _trained(_student(3, temperature=temperature))
        for weight, expected in zip(weights, expected_weights, strict=True):
            np.testing.assert_array_equal(weight, expected)
        assert logs == expected_logs


def test_a_scaled_loss_begins_as_a_new_one():
    try:
        traced = TracedStep()
        first = traced.take(
            _student(3, temperature=1.0, precision="mixed_float16"), Run("ds", 3, 1.0)
        )
        scaled = first.optimizer
        assert isinstance(scaled, keras.optimizers.LossScaleOptimizer)
        scaled.dynamic_scale.assign(2.0)
        _trained(first)
        kept = traced.again(Run("ds", 3, 4.0), str)
        assert kept.optimizer is scaled
        assert float(scaled.dynamic_scale) == 2.0**15  # Keras' default.
        weights, logs = _trained(kept)
        new = _trained(_student(3, precision="mixed_float16"))
    finally:
        keras.config.set_dtype_policy("float32")
    for weight, expected in zip(weights, new[0], strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert logs == new[1]


@pytest.mark.parametrize(
    "other",
    [Run("ds", 1, 4.0), Run("ds", 0, 4.0, "reweighed"), Run("nds", 0)],
    ids=["seed", "method", "model"],
)
def test_other_runs_do_not_begin_as_the_last_one(other):
    traced = TracedStep()
    assert traced.again(Run("ds", 0, 4.0), str) is None
    traced.take(_student(0), Run("ds", 0, 1.0))
    assert traced.again(other, str) is None
    assert traced.again(Run("ds", 0, 4.0), str) is not None
    # Of another study on the same worker.
    assert traced.again(Run("ds", 0, 4.0), lambda: "another teacher") is None


def test_nothing_begins_again_after_a_teacher_in_the_step():
    traced = TracedStep()
    traced.take(_student(0), Run("ds", 0, 1.0))
    traced.take(_student(0, teacher=_student(1, alone=True)), Run("ds", 0, 2.0))
    assert traced.again(Run("ds", 0, 4.0), str) is None


def test_a_run_of_another_kind_is_not_trained_with_the_step():
    traced = TracedStep()
    first = _student(0)
    assert traced.take(first, Run("ds", 0)) is first
    assert traced.take(_student(1), Run("ds", 1)) is first
    alone = _student(0, alone=True)
    assert traced.take(alone, Run("nds", 0)) is alone


def test_a_teacher_in_the_step_needs_a_step_of_its_own():
    traced = TracedStep()
    traced.take(_student(0), Run("ds", 0))
    taught = _student(0, teacher=_student(1, alone=True))
    assert traced.take(taught, Run("ds", 1)) is taught
    # Nothing is kept that could never be used again.
    after = _student(0)
    assert traced.take(after, Run("ds", 2)) is after


def _config():
    config = demo.get_config()
    config.methods = ("plain", "group_dro")
    for recipe in (config.teacher, config.student):
        recipe.model, recipe.model_options = "resnet20", {"depth": 8}
        recipe.epochs, recipe.batch_size = 2, 16
    config_checks.validate(config)
    return config


class Watch(keras.callbacks.Callback):
    """Keeps the models that are trained, and stops before the sixteenth epoch."""

    def __init__(self):
        super().__init__()
        self.models = []
        self.epochs = 0

    def on_train_begin(self, logs=None):
        self.models.append(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs += 1
        if self.epochs == 16:
            raise InterruptedError


def _served(directory):
    """What a run's export answers."""
    serve = export.load(f"{directory}/export/1").signatures["serving_features"]
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 3), np.uint8)
    return serve(image=tf.constant(images))["probabilities"].numpy()


@pytest.mark.slow
def test_runs_that_share_a_step_are_those_that_do_not(tmp_path, tiny_dataset):
    config, watch = _config(), Watch()
    kept = {
        "traced": TracedStep(),
        "publisher": Publisher(config, tiny_dataset),
    }
    together, apart = str(tmp_path / "together"), str(tmp_path / "apart")

    def train_together(run):
        runs.train_run(config, tiny_dataset, together, run, [watch], **kept)

    configs.prepare_workdir(together, config)
    for run in (*TEACHERS, *STUDENTS[:-1]):
        train_together(run)
    # In its second epoch.
    with pytest.raises(InterruptedError):
        train_together(STUDENTS[-1])
    train_together(STUDENTS[-1])
    teacher, other_teacher, nds, *distilled = watch.models
    assert teacher is other_teacher
    assert nds is not teacher
    # One model for each method that follows another.
    assert len(set(map(id, distilled))) == 3

    configs.prepare_workdir(apart, config)
    for run in (*TEACHERS, *STUDENTS):
        runs.train_run(config, tiny_dataset, apart, run)
    for run in (*TEACHERS, *STUDENTS):
        for name in WRITTEN:
            one, other = (
                files.read_bytes(files.join(layout.run_dir(workdir, run), name))
                for workdir in (together, apart)
            )
            assert one == other, (run.title, name)
        np.testing.assert_array_equal(
            *(_served(layout.run_dir(workdir, run)) for workdir in (together, apart))
        )
