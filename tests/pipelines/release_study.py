"""A study to be counted by hand: each model reads its answer from its own feature."""

import io

import keras
import numpy as np
import study_config
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.export import export
from pipelines.studies import layout, run_record, sealed
from pipelines.studies.layout import DS, NDS, TEACHER, Run

RUNS = [Run(TEACHER, 0), Run(NDS, 0), Run(DS, 0, 4.0)]
CANDIDATE = RUNS[2]
# True and false positives in each group, which has 20 positives and 20 negatives.
POSITIVES = {
    TEACHER: {"a": (18, 2), "b": (18, 2)},
    NDS: {"a": (16, 4), "b": (14, 4)},
    DS: {"a": (18, 2), "b": (12, 2)},
}
SPEC = DatasetSpec(
    name="by_hand",
    features={"x": tf.TensorSpec((3,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={"side": ("a", "b")},
)


def columns() -> dict[str, np.ndarray]:
    """The examples; feature i is 1 where model i says yes, and -1 elsewhere."""
    answers = []
    for counts in POSITIVES.values():
        of_model = []
        for true, false in counts.values():
            of_model += [1] * true + [-1] * (20 - true)
            of_model += [1] * false + [-1] * (20 - false)
        answers.append(of_model)
    return {
        "x": np.array(answers, np.float32).T,
        "y": np.tile(np.repeat([1, 0], 20), 2),
        "side": np.repeat([0, 1], 40),
        "id": np.array([f"e{i}" for i in range(80)]),
    }


def dataset() -> Dataset:
    examples = tf.data.Dataset.from_tensor_slices(columns())
    return Dataset(SPEC, {"train": examples, "validation": examples, "test": examples})


def write_study(workdir: str, card: dict | None = None) -> None:
    """Writes config.json and all runs, with exports, their card and predictions."""
    config = study_config.made_up("by_hand", [0], [4.0])
    config["attributes"] = list(SPEC.groups)
    document = {"config": config, "versions": {}, "git_revision": None}
    sealed.write(files.join(workdir, "config.json"), document)
    for i, run in enumerate(RUNS):
        directory = layout.run_dir(workdir, run)
        of_run = card or {"model": {"seed": run.seed}}
        model = _model(i)
        export(model, SPEC, files.join(directory, "export"), of_run)
        model.save(files.join(directory, "model.keras"))
        for split in ("validation", "test"):
            _write_predictions(files.join(directory, "predictions", f"{split}.npz"), i)
        about = {"val_accuracy": 0.8, "seconds": 1.0, "epochs": 1, "parameters": 6}
        about["architecture"] = "dense"
        run_record.write(directory, run, config, about)


def _model(feature: int) -> keras.Model:
    """Logits 0 and x[feature]."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
    kernel = np.zeros((3, 2))
    kernel[feature, 1] = 1
    model.set_weights([kernel])
    return model


def _write_predictions(path: str, feature: int) -> None:
    found = columns()
    answer = found["x"][:, feature]
    content = io.BytesIO()
    np.savez(
        content,
        id=found["id"].astype("S"),
        label=found["y"],
        group_side=found["side"],
        logits=np.stack([np.zeros(80, np.float32), answer], axis=1),
    )
    files.write_bytes(path, content.getvalue())
