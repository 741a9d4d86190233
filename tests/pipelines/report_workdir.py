"""A study's working directory with made-up predictions, quick to write."""

import io

import numpy as np
import study_config
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets.spec import DatasetSpec
from pipelines.studies import config as configs
from pipelines.studies import embeddings, run_record, sealed
from pipelines.studies.layout import (
    DS,
    NDS,
    PLAIN,
    TEACHER,
    Run,
    run_dir,
    study_runs,
)

# Names that would run, or end the document, if they were not escaped.
HOSTILE_CLASS = "<script>document.title='run'</script>"
HOSTILE_GROUP = "<img src=x onerror=\"document.title='run'\">"

SHAPES = DatasetSpec(
    name="shapes",
    features={"image": tf.TensorSpec((8, 8, 3), tf.uint8)},
    label="shape",
    class_names=("circle", "$x^2$", HOSTILE_CLASS, *(f"shape{i}" for i in range(7))),
    groups={"color": ("red", HOSTILE_GROUP, "blue"), "texture": ("solid", "dots")},
)
FACES = DatasetSpec(
    name="faces",
    features={"image": tf.TensorSpec((8, 8, 3), tf.uint8)},
    label="smiling",
    class_names=("no", "yes"),
    groups={"young": ("old", "young"), "male": ("female", "male")},
)


PAIRS = DatasetSpec(
    name="pairs",
    features={"x": tf.TensorSpec((1,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={"side": ("a", "b")},
)
PAIRS_TRUTH = {
    "id": np.array([f"e{i}" for i in range(8)]),
    "label": np.array([1, 1, 0, 0, 1, 1, 0, 0]),
    "group_side": np.repeat([0, 1], 4),
}


def write_pairs(workdir) -> str:
    """Two seeds of teacher, nds and T=4 on eight examples, to be counted by hand."""
    workdir = write_workdir(workdir, PAIRS, temperatures=[4], examples=8)
    for run, predicted in {
        Run(TEACHER, 0): "11001100",
        Run(TEACHER, 1): "11001100",
        Run(NDS, 0): "11101000",
        Run(NDS, 1): "11001100",
        Run(DS, 0, 4.0): "11001101",
        Run(DS, 1, 4.0): "11001101",
    }.items():
        write_predictions(workdir, run, "test", pairs_predictions(predicted))
    return workdir


def pairs_predictions(predicted: str) -> dict[str, np.ndarray]:
    """Predictions of PAIRS' eight examples, one digit each; logits 0 and 1."""
    logits = np.eye(2, dtype=np.float32)[[int(digit) for digit in predicted]]
    return PAIRS_TRUTH | {"logits": logits}


def write_embeddings(workdir, values: np.ndarray, export: str = "") -> None:
    """Embeddings of the test split, as if the teacher of seed 0 had made them."""
    config = configs.read_config(str(workdir))
    record = run_record.read(str(workdir), Run(TEACHER, 0), config)
    with np.load(f"{workdir}/teacher/seed0/predictions/test.npz") as arrays:
        ids = arrays["id"]
    source = {"extractor": "teacher/seed0"}
    source["export"] = export or record[run_record.EXPORT_DIGEST]
    path = files.join(str(workdir), "embeddings", "test.npz")
    embeddings.write(path, source, {"id": ids, "values": values.astype(np.float32)})


def write_workdir(
    workdir,
    spec: DatasetSpec,
    *,
    temperatures=(1, 4, 10),
    seeds=(0, 1),
    examples: int = 600,
    methods=("plain",),
) -> str:
    """Writes config.json and every run's run.json and predictions."""
    workdir = str(workdir)
    config = study_config.made_up(f"{spec.name}_study", seeds, temperatures)
    config["methods"] = list(methods)
    document = {
        "config": config,
        "git_revision": "0" * 40,
        "versions": {"keras": "3.15.1", "tensorflow": "2.21.0"},
    }
    sealed.write(files.join(workdir, "config.json"), document)
    for run in study_runs(temperatures, seeds, methods):
        write_run(workdir, spec, run, examples)
    return workdir


def write_run(workdir: str, spec: DatasetSpec, run: Run, examples: int = 600) -> None:
    """Writes one complete run, with errors that depend on model and group."""
    for split in ("validation", "test"):
        arrays = _truth(spec, split, examples) | {"logits": np.zeros(0)}
        arrays["logits"] = _logits(spec, run, arrays, split)
        _write_arrays(workdir, run, split, arrays)
    record_run(workdir, run)


def record_run(workdir: str, run: Run) -> None:
    """Writes run.json, for the predictions that the run has now."""
    config = configs.read_document(workdir)["config"]
    about = {"seconds": 12.5, "epochs": 3, "parameters": 61706}
    run_record.write(run_dir(workdir, run), run, config, about)


def write_predictions(workdir: str, run: Run, split: str, arrays) -> None:
    """Writes one split's predictions: id, label, group_<attribute>, logits.

    The run is recorded with them.
    """
    _write_arrays(workdir, run, split, arrays)
    record_run(workdir, run)


def _write_arrays(workdir: str, run: Run, split: str, arrays) -> None:
    content = io.BytesIO()
    np.savez(content, **arrays)
    path = files.join(run_dir(workdir, run), "predictions", f"{split}.npz")
    files.write_bytes(path, content.getvalue())


def _truth(spec: DatasetSpec, split: str, examples: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(len(split))
    arrays = {"label": rng.integers(spec.num_classes, size=examples)}
    for attribute, names in spec.groups.items():
        groups = rng.integers(len(names), size=examples)
        groups[rng.random(examples) < 0.05] = -1
        arrays[f"group_{attribute}"] = groups
    arrays["id"] = np.array([f"{split}-{i}" for i in range(examples)])
    return arrays


def _logits(spec, run: Run, arrays, split: str) -> np.ndarray:
    rng = np.random.default_rng([run.seed, int(run.temperature or 0), len(split)])
    margin = {TEACHER: 4.0, NDS: 1.2}.get(run.model, 1.5 + (run.temperature or 0) / 10)
    first = next((f"group_{attribute}" for attribute in spec.groups), "label")
    # The first group, or class, pays: its examples are harder for the students.
    pays = run.model != TEACHER and run.method == PLAIN
    margin = margin - pays * 0.5 * (arrays[first] == 0)
    logits = rng.normal(size=(len(margin), spec.num_classes))
    logits[np.arange(len(margin)), arrays["label"]] += margin
    return logits.astype(np.float32)
