"""Exports that are killed in the middle, and a SavedModel without Keras."""

import os
import signal
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from kd_keras.datasets import DatasetSpec
from kd_keras.export import export

KILLS = 20


def main(directory: str, served: str, answers: str) -> None:
    """Kills exports below `directory`, then runs `served` and writes its answers."""
    # Forks come first: TensorFlow's threads would not survive them.
    for kill in range(KILLS):
        _kill_one(os.path.join(directory, str(kill)), kill)
    loaded = tf.saved_model.load(served)
    images = np.load(f"{served}/../images.npy")
    encoded = tf.constant([tf.io.encode_png(image).numpy() for image in images])
    np.savez(
        answers,
        features=loaded.signatures["serving_features"](image=images)["probabilities"],
        raw=loaded.signatures["serving_raw"](image=encoded)["probabilities"],
    )


def _kill_one(directory: str, kill: int) -> None:
    child = os.fork()
    if child == 0:
        _export_until_killed(directory)
    # At every stage: the export writes six files.
    while len(_partial_files(directory)) <= kill // 4:
        time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _export_until_killed(directory: str) -> None:
    features = {"x": tf.TensorSpec((2,), tf.float32)}
    spec = DatasetSpec("two", features, "y", ("no", "yes"), {})
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    while True:
        export(model, spec, directory, card={"made": "for the test"})


def _partial_files(directory: str) -> list[str]:
    return [
        name
        for path, _, names in os.walk(directory)
        for name in names
        if ".partial" in path
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
