"""Measures students that are trained as one program against one after the other.

    python -m benchmarks.stack --student=mlp --members 1 8 30 240

The data are noise in the shape of Adult, or of small images; the logits are cached. A
turn is the same epochs for every competitor, tracing left out. Figures are medians of
wall clock and CPU time; a ratio to one student's time says how many students cost what.
"""

import argparse
import contextlib
import functools
import os
import tempfile
from collections.abc import Callable

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.turns import (
    Process,
    machine,
    measure,
    median,
    take_turns,
    write_csv,
)
from kd_keras import Distiller, models, teacher_cache, training
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.training import Member

TABLE = {
    **{f"number{i}": tf.TensorSpec((), tf.float32) for i in range(5)},
    **{f"word{i}": tf.TensorSpec((), tf.string) for i in range(8)},
}
# Student -> features, its options, examples, classes, and those of its teacher.
PROBLEMS = {
    "mlp": (TABLE, {"hidden_units": (16,)}, 26_048, 2),
    "lenet5": ({"image": tf.TensorSpec((32, 32, 3), tf.uint8)}, {}, 4_096, 10),
    "resnet20": ({"image": tf.TensorSpec((32, 32, 3), tf.uint8)}, {}, 1_024, 10),
}


def noise(student: str, validation: int = 1_024) -> Dataset:
    features, _, size, classes = PROBLEMS[student]
    names = tuple(map(str, range(classes)))
    spec = DatasetSpec("noise", features, "label", names, {})
    draw = np.random.default_rng(0)

    def values(feature: tf.TensorSpec, count: int) -> np.ndarray:
        if feature.dtype == tf.string:
            return draw.choice([f"value {i}" for i in range(12)], count)
        if feature.dtype == tf.uint8:
            return draw.integers(0, 256, (count, *feature.shape), np.uint8)
        return draw.normal(size=count).astype(np.float32)

    def split(count: int) -> tf.data.Dataset:
        columns = {name: values(feature, count) for name, feature in features.items()}
        columns["label"] = draw.integers(0, classes, count)
        columns["id"] = np.arange(count).astype(str)
        return tf.data.Dataset.from_tensor_slices(columns)

    return Dataset(spec, {"train": split(size), "validation": split(validation)})


def build(student: str, dataset: Dataset) -> keras.Model:
    _, options, _, classes = PROBLEMS[student]
    features = dataset.spec.features
    if student != "mlp":
        features = tuple(features["image"].shape)
    return models.build(student, features, classes, **options)


def trainer(student: str, dataset: Dataset, seed: int, temperature: float) -> Distiller:
    keras.utils.set_random_seed(seed)
    distiller = Distiller(student=build(student, dataset), temperature=temperature)
    distiller.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    return distiller


def caches(student: str, dataset: Dataset, directory: str) -> tuple:
    teacher = build(student, dataset)
    return tuple(
        teacher_cache.build(
            f"{directory}/{split}",
            teacher,
            dataset.splits[split],
            dataset.spec,
            storage="float32",
        )
        for split in ("validation", "train")
    )


def alone(student: str, dataset: Dataset, cached: tuple, epochs: int) -> Callable:
    """A fit of one student, whose step is traced by the first turn."""
    distiller = trainer(student, dataset, 0, 4.0)
    joined = cached[0].join(dataset.splits["validation"])
    splits = {**dataset.splits, "validation": joined}

    def fit() -> None:
        with tempfile.TemporaryDirectory() as directory:
            training.fit(
                distiller,
                Dataset(dataset.spec, splits),
                directory=directory,
                epochs=epochs,
                batch_size=256,
                seed=0,
                cache=cached[1],
            )

    return fit


def together(
    student: str, dataset: Dataset, cached: tuple, epochs: int, count: int
) -> Callable:
    """A fit of `count` students with seeds and temperatures of their own."""
    settings = [(i // 8, float(1 + i % 8)) for i in range(count)]
    states = {}
    for seed, temperature in settings:
        if seed not in states:
            states[seed] = trainer(student, dataset, seed, temperature)
    first = states[0]

    def state(seed: int, temperature: float) -> list[np.ndarray]:
        states[seed].temperature = temperature
        return training.state_of(states[seed])

    stack = training.Stack(first, [state(*setting) for setting in settings])
    members = [Member(f"{s} {t}", s, cached) for s, t in settings]

    def fit() -> None:
        with tempfile.TemporaryDirectory() as directory:
            training.fit_stack(
                stack,
                members,
                dataset,
                path=f"{directory}/backup.npz",
                epochs=epochs,
                batch_size=256,
            )

    return fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--student", choices=PROBLEMS, default="mlp")
    parser.add_argument("--members", type=int, nargs="+", default=[8, 30, 240])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--csv", default="", help="file for the figures")
    parser.add_argument(
        "--torch-path", default="", help="folder with PyTorch: for mlp, its ensembles"
    )
    given = parser.parse_args()
    print(machine())
    dataset = noise(given.student)
    with contextlib.ExitStack() as opened:
        directory = opened.enter_context(tempfile.TemporaryDirectory())
        cached = caches(given.student, dataset, directory)
        problem = (given.student, dataset, cached, given.epochs)
        fits = {"one alone": alone(*problem)}
        for count in given.members:
            fits[f"{count} together"] = together(*problem, count)
        turns = {name: functools.partial(measure, fit) for name, fit in fits.items()}
        counts = [1, *given.members]
        if given.torch_path and given.student == "mlp":
            peer = opened.enter_context(_ensembles(given))
            names = [f"torch, {count} together" for count in given.members]
            turns |= {name: peer.turn(name) for name in names}
            counts += given.members
        costs = take_turns(turns, given.rounds)
    rows = _rows(given.student, costs, counts)
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    if given.csv:
        write_csv(given.csv, rows)


def _ensembles(given: argparse.Namespace) -> Process:
    """A process with the same students as ensembles of PyTorch."""
    path = os.pathsep.join([os.path.abspath(given.torch_path), os.getcwd()])
    members = ["--members", *map(str, given.members)]
    epochs = f"--epochs={given.epochs}"
    return Process("benchmarks.stack_torch", [epochs, *members], {"PYTHONPATH": path})


def _rows(student: str, costs: dict, counts: list[int]) -> list[dict]:
    single = median(costs["one alone"])
    rows = []
    for (name, of_name), count in zip(costs.items(), counts, strict=True):
        cost = median(of_name)
        rows.append(
            {
                "student": student,
                "competitor": name,
                "seconds": round(cost.wall, 2),
                "cpu_seconds": round(cost.cpu, 2),
                "times_one": round(cost.wall / single.wall, 2),
                "cpu_times_one": round(cost.cpu / single.cpu, 2),
                "faster_a_student": round(count * single.wall / cost.wall, 1),
            }
        )
    return rows


if __name__ == "__main__":
    main()
