"""What the code blocks of the documentation find before they begin: real objects."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import kd_keras
from kd_keras import models
from kd_keras.callbacks import FairnessMonitor
from kd_keras.export import save_model
from kd_keras.fairness import GroupCounts


def fixtures(page: str) -> dict[str, Any]:
    """Names for the blocks of a page, which run in an empty directory."""
    return _FIXTURES.get(page, _small)()


def dense(*units: int, classes: int = 2) -> keras.Model:
    hidden = [keras.layers.Dense(n, activation="relu") for n in units]
    return keras.Sequential([keras.Input([8]), *hidden, keras.layers.Dense(classes)])


def _small() -> dict[str, Any]:
    """Two models and a small data set with a group column."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 8)).astype(np.float32)
    y = (x[:, 0] + 0.5 * rng.normal(size=200) > 0).astype(int)
    examples = tf.data.Dataset.from_tensor_slices(
        {
            "x": x,
            "y": y,
            "sex": rng.integers(0, 2, 200),
            "id": [str(i) for i in range(200)],
        }
    )
    spec = kd_keras.DatasetSpec.of(
        examples,
        label="y",
        class_names=("no", "yes"),
        groups={"sex": ("female", "male")},
    )
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)
    return {
        "keras": keras,
        "kd_keras": kd_keras,
        "Distiller": kd_keras.Distiller,
        "GroupCounts": GroupCounts,
        "teacher": dense(16),
        "student": dense(4),
        "alone": dense(4),
        "untrained": dense(4),
        "x": x,
        "y": y,
        "examples": examples,
        "spec": spec,
        "batches": batches,
        "train": batches,
        "validation": batches,
    }


def _predictions() -> dict[str, Any]:
    """Hard predictions of two models, with the groups of two attributes."""
    rng = np.random.default_rng(0)
    y_true, teacher, student = rng.integers(0, 10, (3, 500))
    return {
        "y_true": y_true,
        "y_pred": student,
        "teacher": teacher,
        "student": student,
        "colors": rng.choice(["red", "green", "blue"], 500),
        "textures": rng.choice(["dots", "stripes"], 500),
    }


def _choose_temperature() -> dict[str, Any]:
    small = _small()
    return small | {"validation": small["examples"]}


def _runs() -> dict[str, Any]:
    """The files of a study, of models that are not trained."""
    from configs import demo
    from pipelines.studies import config as configs

    config = demo.get_config()
    config.dataset.versions = 1
    configs.prepare_workdir("runs/mine", config)
    spec = configs.load_dataset(config).spec
    shape = spec.features["image"].shape
    model = models.build("lenet5", shape, spec.num_classes)
    # As pipelines/studies/layout.py names them.
    tf.io.gfile.makedirs("runs/mine/teacher/seed0")
    model.save("runs/mine/teacher/seed0/model.keras")
    save_model(model, spec, "runs/mine/student-t08/seed0/export/1")
    return {}


def _release() -> dict[str, Any]:
    import ml_collections

    from configs.policies import demo

    return {
        "ml_collections": ml_collections,
        "policy": demo.get_config(),
    }


def _damaged() -> dict[str, Any]:
    """Models and data, and a policy."""
    return _small() | {"policy": _release()["policy"]}


def _own_digits() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "tf": tf,
        "DatasetSpec": kd_keras.DatasetSpec,
        "images": rng.integers(0, 256, (5, 28, 28, 1)).astype(np.uint8),
        "digits": rng.integers(0, 10, 5),
        "writers": np.array([0, 1, -1, 0, 1]),
    }


def _people() -> dict[str, Any]:
    small = _small()
    return small | {
        "examples": small["examples"].map(
            lambda e: {"x": e["x"], "income": e["y"], "sex": e["sex"]}
        )
    }


def _monitored() -> dict[str, Any]:
    small = _small()
    model = small["student"]
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    colored = small["examples"].map(
        lambda e: {"x": e["x"], "y": e["y"], "color": e["sex"]}
    )
    spec = kd_keras.DatasetSpec.of(
        colored,
        label="y",
        class_names=("no", "yes"),
        groups={"color": ("red", "blue")},
    )
    return small | {
        "FairnessMonitor": FairnessMonitor,
        "model": model,
        "spec": spec,
        "validation": colored,
    }


def _forest() -> dict[str, Any]:
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    income = np.array(["<=50K", ">50K"])[(x[:, 0] > 0).astype(int)]
    people = {
        "income": income,
        "sex": rng.choice(["female", "male"], 200),
        "race": rng.choice(["black", "white"], 200),
    }
    return {
        "kd_keras": kd_keras,
        "test": pd.DataFrame(people),
        "x": x,
        "forest": RandomForestClassifier(random_state=0).fit(x, income),
        "tree": RandomForestClassifier(1, random_state=0).fit(x, income),
    }


def _harmed() -> dict[str, Any]:
    """A student that passes over one group, and data that show it."""
    rng = np.random.default_rng(0)
    sex, y = rng.integers(0, 2, 9000), rng.integers(0, 2, 9000)
    x = rng.normal(size=(9000, 8)).astype(np.float32)
    x[:, 0] += 2.0 * y - 0.8 * (sex == 0) * y
    x[:, 1] += 2.0 * sex
    columns = {"x": x, "income": y, "sex": sex, "id": [str(i) for i in range(9000)]}
    spec = kd_keras.DatasetSpec(
        "people",
        {"x": tf.TensorSpec((8,), tf.float32)},
        "income",
        ("<=50K", ">50K"),
        {"sex": ("Female", "Male")},
    )
    examples = tf.data.Dataset.from_tensor_slices(columns)
    splits = {
        name: examples.skip(3000 * i).take(3000)
        for i, name in enumerate(("train", "validation", "test"))
    }
    student = dense(4)
    student.set_weights([w * 0 for w in student.get_weights()])
    first = np.zeros((8, 4), np.float32)
    first[0, 0] = 1.0
    second = np.float32([[0, 2.0], [0, 0], [0, 0], [0, 0]])
    student.set_weights([first, np.zeros(4), second, np.float32([0, -2.0])])
    return {
        "kd_keras": kd_keras,
        "dataset": kd_keras.datasets.Dataset(spec, splits),
        "student": student,
    }


_FIXTURES = {
    "docs/choose_temperature.md": _choose_temperature,
    "docs/fairness.md": _predictions,
    "docs/mitigation.md": _harmed,
    "docs/release.md": _release,
    "docs/robustness.md": _damaged,
    "docs/tutorial.md": _runs,
    "kd_keras/auditing/predictions.py": _forest,
    "kd_keras/auditing/run.py": _people,
    "kd_keras/callbacks.py": _monitored,
    "kd_keras/datasets/spec.py": _own_digits,
}
