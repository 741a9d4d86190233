"""Runs that share a traced step, against runs that are traced one by one."""

import shutil

import keras
import numpy as np
import pytest

from configs import demo
from kd_keras import Distiller, files
from pipelines import config as configs
from pipelines import runs
from pipelines import workdir as layout
from pipelines.traced import TracedStep
from pipelines.workdir import Run

TEACHER = Run("teacher", 0)
STUDENTS = (Run("nds", 0), Run("ds", 0, 1.0), Run("ds", 0, 4.0))
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


def _student(seed, *, rate=0.01, temperature=4.0, teacher=None, alone=False):
    """With everything that has a state: statistics, dropout, Adam, a schedule."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
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
    distiller = Distiller(student, teacher, temperature=temperature)
    trainer = student if alone else distiller
    trainer.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(rate, 9)),
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
    first = traced.take(_student(0, alone=alone))
    _trained(first)
    for seed, temperature in ((1, 4.0), (0, 10.0), (1, 1.0)):
        options = {"temperature": temperature, "alone": alone}
        kept = traced.take(_student(seed, **options))
        assert kept is first
        traces = Counting.traces
        weights, logs = _trained(kept)
        assert Counting.traces == traces
        expected_weights, expected_logs = _trained(_student(seed, **options))
        for weight, expected in zip(weights, expected_weights, strict=True):
            np.testing.assert_array_equal(weight, expected)
        assert logs == expected_logs
        assert Counting.traces > traces


def test_what_is_traced_otherwise_is_new():
    traced = TracedStep()
    traced.take(_student(0))
    other_rate = _student(0, rate=0.1)
    assert traced.take(other_rate) is other_rate
    warming = keras.optimizers.schedules.PolynomialDecay(9.0, 3)
    scheduled = _student(0, rate=0.1, temperature=warming)
    assert traced.take(scheduled) is scheduled
    taught = _student(0, rate=0.1, teacher=_student(1, alone=True))
    assert traced.take(taught) is taught


def _config():
    config = demo.get_config()
    for recipe in (config.teacher, config.student):
        recipe.model, recipe.model_options = "resnet20", {"depth": 8}
        recipe.epochs, recipe.batch_size = 2, 16
    configs.validate(config)
    return config


def test_runs_that_share_a_step_are_those_that_do_not(tmp_path, tiny_dataset):
    config, traced = _config(), TracedStep()
    together, apart = str(tmp_path / "together"), str(tmp_path / "apart")
    configs.prepare_workdir(together, config)
    for run in (TEACHER, *STUDENTS):
        runs.train_run(config, tiny_dataset, together, run, traced=traced)
    configs.prepare_workdir(apart, config)
    shutil.copytree(
        *(layout.run_dir(workdir, TEACHER) for workdir in (together, apart))
    )
    for run in STUDENTS:
        runs.train_run(config, tiny_dataset, apart, run)
        for name in WRITTEN:
            one, other = (
                files.read_bytes(files.join(layout.run_dir(workdir, run), name))
                for workdir in (together, apart)
            )
            assert one == other, (run.title, name)
