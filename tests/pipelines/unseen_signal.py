"""A study whose student cannot see one group's signal, which training alone mends.

Of a feature (u, 3 v), u is the class in group a and chance in group b, where v is the
class. The student reads u alone: nobody of b is told apart by their score, and no
threshold is right for more than half of them. In training 5 % are of b. A student that
begins at 0 and makes some steps, with b's examples counting as much as a's, reads v.
"""

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from configs import _protocol
from kd_keras import files
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.export import export
from pipelines.studies import config as configs
from pipelines.studies import layout, predictions, run_record
from pipelines.studies.layout import DS, NDS, TEACHER, Run

# The kernel of each model, from u and v to the logit of "yes".
KERNELS = {
    Run(TEACHER, 0): (1.0, 1.0),
    Run(NDS, 0): (1.0, 0.0),
    Run(DS, 0, 4.0): (1.0, 0.0),
}

SPEC = DatasetSpec(
    name="unseen_signal",
    features={"x": tf.TensorSpec((2,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={"side": ("a", "b")},
)


def load() -> Dataset:
    """380 and 20 examples to train with, 100 and 100 of each other split."""
    return Dataset(
        SPEC,
        {
            "train": _examples("train", 380, 20),
            "validation": _examples("validation", 100, 100),
            "test": _examples("test", 100, 100),
        },
    )


def _examples(split: str, of_a: int, of_b: int) -> tf.data.Dataset:
    side = np.repeat([0, 1], [of_a, of_b])
    # Class and chance are as often 0 as 1, and every pair of them as often.
    y, chance = np.arange(of_a + of_b) % 2, np.arange(of_a + of_b) // 2 % 2
    u, v = np.where(side == 0, y, chance), np.where(side == 0, 0.5, y)
    x = np.stack([2 * u - 1, 3 * (2 * v - 1)], -1)
    ids = [f"{split}{i}" for i in range(len(side))]
    columns = {"x": np.float32(x), "y": y, "side": side, "id": ids}
    return tf.data.Dataset.from_tensor_slices(columns)


def linear(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """A linear model that begins at 0."""
    logits = keras.layers.Dense(num_classes, kernel_initializer="zeros")
    return keras.Sequential([keras.Input(input_shape), logits])


def config() -> ml_collections.ConfigDict:
    """Five steps of gradient descent."""
    recipe = _protocol.recipe(
        f"{__name__}:linear",
        optimizer="sgd",
        learning_rate=0.1,
        schedule="constant",
        epochs=1,
        batch_size=80,
    )
    found = _protocol.study(
        SPEC.name,
        dataset={"name": f"{__name__}:load"},
        teacher=recipe,
        student=recipe.copy_and_resolve_references(),
        attributes=("side",),
    )
    found.seeds, found.temperatures = (0,), (4.0,)
    return found


def write_study(workdir: str) -> None:
    """Writes config.json and the runs as if they had been trained."""
    configs.prepare_workdir(workdir, config())
    taught_by = None
    for run, kernel in KERNELS.items():
        directory = layout.run_dir(workdir, run)
        model = linear((2,), 2)
        model.set_weights([np.stack([np.zeros(2), kernel], -1), np.zeros(2)])
        weights = fingerprint([Teacher(model)])
        taught_by = taught_by or weights
        export(model, SPEC, files.join(directory, "export"), {"model": {"seed": 0}})
        model.save(files.join(directory, "model.keras"))
        for split in predictions.SPLITS:
            found = predictions.predict(model, load(), split)
            predictions.write(directory, split, found)
        about = {"val_accuracy": 0.75, "seconds": 1.0, "epochs": 1, "parameters": 6}
        about |= {"architecture": "linear", "weights": weights}
        about["teacher"] = taught_by if run.model == DS else None
        run_record.write(directory, run, config(), about)
