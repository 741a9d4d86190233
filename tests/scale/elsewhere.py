"""Writes a folder with a study of one's own, and takes it through the mains.

python tests/scale/elsewhere.py DIRECTORY makes below DIRECTORY: `own`, a folder with
data, model, losses, config and policy; `study`; one log per main; codes.json.
"""

import importlib
import json
import os
import pathlib
import signal
import socket
import sys
import time
import urllib.error
import urllib.request

import forks

from pipelines.cli import start

CODE = '''
"""Data, model, losses and metric that no package knows."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.losses import FeatureHint


def load(*, size, noise=0.5):
    def split(name, seed, count):
        rng = np.random.default_rng(seed)
        side = rng.integers(0, 2, count)
        answer = rng.integers(0, 3, count)
        x = np.eye(3)[answer] + rng.normal(0, noise * (1 + side[:, None]), (count, 3))
        ids = [f"{name}{i}" for i in range(count)]
        values = {"x": x.astype(np.float32), "answer": answer, "side": side, "id": ids}
        return tf.data.Dataset.from_tensor_slices(values)

    spec = DatasetSpec(
        "own",
        {"x": tf.TensorSpec((3,), tf.float32)},
        "answer",
        ("a", "b", "c"),
        {"side": ("near", "far")},
    )
    splits = {
        "train": split("train", 0, size),
        "validation": split("validation", 1, size // 2),
        "test": split("test", 2, size),
    }
    return Dataset(spec, splits)


@keras.saving.register_keras_serializable(package="own")
class Scaled(keras.layers.Layer):
    def call(self, x):
        return 2.0 * x


def build(input_shape, num_classes, *, units):
    inputs = keras.Input(input_shape)
    hidden = keras.layers.Dense(units, activation="relu", name="hidden")(inputs)
    outputs = keras.layers.Dense(num_classes, name="scores")(Scaled()(hidden))
    return keras.Model(inputs, outputs)


@keras.saving.register_keras_serializable(package="own")
def reverse_kl(teacher_logits, student_logits, temperature):
    teacher = ops.log_softmax(teacher_logits / temperature)
    student = ops.log_softmax(student_logits / temperature)
    return ops.sum(ops.exp(student) * (student - teacher), axis=-1)


@keras.saving.register_keras_serializable(package="own")
class HalfHint(FeatureHint):
    def __call__(self, inputs):
        return 0.5 * super().__call__(inputs)


def confidence(y_true, y_pred):
    return ops.max(ops.softmax(y_pred), axis=-1)
'''
CONFIG = """
import ml_collections

from configs import _protocol


def get_config():
    config = _protocol.study(
        "elsewhere",
        dataset={"name": "own_code_here:load", "size": 60},
        attributes=("side",),
        teacher=_recipe(16),
        student=_recipe(4),
    )
    config.seeds, config.temperatures = (0,), (2.0,)
    config.teacher_cache = ""
    config.soft_loss = "own_code_here:reverse_kl"
    config.metrics = ("own_code_here:confidence",)
    config.hints.hidden = ml_collections.ConfigDict(
        {
            "hint": "own_code_here:HalfHint",
            "teacher_layer": "hidden",
            "student_layer": "hidden",
        }
    )
    return config


def _recipe(units):
    return _protocol.recipe(
        "own_code_here:build",
        optimizer="adam",
        learning_rate=1e-2,
        schedule="constant",
        epochs=2,
        batch_size=16,
        model_options={"units": units},
    )
"""
POLICY = """
import ml_collections


def get_config():
    return ml_collections.ConfigDict(
        {
            "name": "elsewhere",
            "level": 0.95,
            "replicates": 100,
            "refuse": ("failed",),
            "selection": {"metric": "ece", "attribute": "", "tolerance": 1.0},
            "conditions": {"any": {"metric": "accuracy", "at_least": 0.01}},
        }
    )
"""


def write(folder):
    """Writes the folder; its modules have names that nothing else has."""
    folder.mkdir(parents=True)
    (folder / "own_code_here.py").write_text(CODE)
    (folder / "config.py").write_text(CONFIG)
    (folder / "config_policy.py").write_text(POLICY)


def main(directory):
    directory = pathlib.Path(directory)
    own, workdir = directory / "own", directory / "study"
    write(own)
    policy = f"--policy={own / 'config_policy.py'}"
    given = f"--module_path={own}"
    codes = {}

    def run(name, module, *flags):
        log = directory / f"{name}.log"
        life = forks.Life(_run, module, f"--workdir={workdir}", *flags, log=log)
        return life, log

    for name, module, flags in (
        ("study", "study", (f"--config={own / 'config.py'}", "--workers=2")),
        ("distrusted", "report.__main__", ()),
        ("select", "select", (policy,)),
        ("gate", "gate", (policy,)),
        ("litert", "litert", (given, "--run=student-t02/seed0")),
        ("report", "report.__main__", (given,)),
    ):
        codes[name] = run(name, module, *flags)[0].wait()
    codes["tensorboard"] = tensorboard(run)
    (directory / "codes.json").write_text(json.dumps(codes))


def tensorboard(run):
    """What TensorBoard's page answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    life, log = run("tensorboard", "tensorboard", f"--port={port}")
    url = f"http://127.0.0.1:{port}/data/runs"
    while True:
        try:
            with urllib.request.urlopen(url) as page:
                found = json.loads(page.read())
            break
        except (urllib.error.URLError, ConnectionError):
            assert not life.ended(), log.read_text()
            time.sleep(0.2)
    life.kill(signal.SIGTERM)
    life.wait()
    return found


def _run(module, *flags):
    main = importlib.import_module(f"pipelines.{module}")
    sys.argv = [module, *flags]
    # Processes that it starts import this module again, and not the script's.
    sys.modules["__main__"] = main
    start.run(main.main, needs=["workdir"])


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)
