"""What methods that mend while training gain, against plain distillation and offsets.

    python -m benchmarks.mitigation_training --problem=trifeature --work=WORK
    python -m benchmarks.mitigation_training --problem=cifar10s --work=WORK --data=DIR

Trains one teacher, and students of it by every method and seed; what is there in WORK
is not trained again. Prints two tables of the test split, in points, with Student's
95 % intervals over the seeds: what the students have, and their change from plain
distillation, seed by seed. "worst group" is the lowest accuracy of a group, "worst
cell" that of a group and class, EOD the equalized odds difference. "plain, offsets" is
the plain student with GroupOffsets of the least error on validation data, which train
nothing.

trifeature: shapes whose color goes with the shape for seven in ten training images, and
for one in ten of the others; 2,800 images train, 2,000 and 10,000 judge.
cifar10s: CIFAR-10S; DIR holds TFDS's cifar10, or a part of it. LeNet-5 of a ResNet-8.
"""

import argparse
import csv
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy import stats

from kd_keras import Distiller, datasets, models
from kd_keras.datasets.batches import without_autotune
from kd_keras.fairness import GroupCounts
from kd_keras.mitigation import (
    GroupDRO,
    GroupOffsets,
    MinDiff,
    group_balancing,
    reweighing,
)

TEMPERATURE, ALPHA, BATCH = 4.0, 0.8, 64
PLAIN, OFFSETS = "plain", "plain, offsets"


class Problem(NamedTuple):
    """A data set and how long is trained on it.

    Attributes:
      name, options: of the data set.
      group: the attribute.
      teacher_epochs, student_epochs: of training.
      usual: how many training images are kept whose color is the class's; 0 for all.
    """

    name: str
    options: dict[str, Any]
    group: str
    teacher_epochs: int
    student_epochs: int
    usual: int = 0


PROBLEMS = {
    "trifeature": Problem(
        "trifeature",
        {
            "image_size": 32,
            "versions": 20,
            "split": "version",
            "validation_fraction": 0.1,
            "test_fraction": 0.5,
            "shape_size": 96,
            "texture_scale": 35,
            "color_correlation": 0.9,
        },
        "color",
        teacher_epochs=10,
        student_epochs=20,
        usual=2000,
    ),
    "cifar10s": Problem("cifar10s", {}, "color", teacher_epochs=8, student_epochs=12),
}


class Split(NamedTuple):
    """Images `[examples, 32, 32, 3]`, classes and groups `[examples]`."""

    images: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


class Method(NamedTuple):
    """What a method changes of plain distillation."""

    weigh: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    distiller: Callable[[int, int], dict[str, Any]] = lambda groups, classes: {}


def dro(eta: float) -> Method:
    def distiller(groups: int, classes: int) -> dict[str, Any]:
        loss = GroupDRO(groups=groups, classes=classes, eta=eta, alpha=ALPHA)
        return {"soft_loss": loss, "alpha": 1.0}

    return Method(distiller=distiller)


METHODS = {
    PLAIN: Method(),
    "reweighing": Method(reweighing),
    "group balancing": Method(group_balancing),
    "group DRO": dro(0.05),
    "MinDiff": Method(
        distiller=lambda groups, classes: {"parts": [MinDiff(groups, "positives")]}
    ),
}


class Measured(NamedTuple):
    """What one student shows on the test split, in points."""

    accuracy: float
    worst_group: float
    worst_cell: float
    eod: float


def read(problem: Problem, directory: str | None) -> tuple[dict[str, Split], Any]:
    loaded = datasets.load(problem.name, data_dir=directory, **problem.options)
    keys = ("image", loaded.spec.label, problem.group)
    splits = {}
    for name, examples in loaded.splits.items():
        rows = list(examples.as_numpy_iterator())
        images, labels, groups = (np.stack([row[key] for row in rows]) for key in keys)
        splits[name] = Split(np.float32(images), labels, groups)
    if problem.usual:
        train = splits["train"]
        usual = np.cumsum(train.labels == train.groups) <= problem.usual
        kept = (train.labels != train.groups) | usual
        splits["train"] = Split(*(column[kept] for column in train))
    return splits, loaded.spec


def fit(model: keras.Model, columns: tuple, epochs: int, seed: int) -> None:
    examples = tf.data.Dataset.from_tensor_slices(columns)
    batches = examples.shuffle(len(columns[0]), seed=seed).batch(BATCH).prefetch(2)
    steps = epochs * int(batches.cardinality())
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(without_autotune(batches), epochs=epochs, verbose=0)


def logits_of(model: keras.Model, split: Split) -> np.ndarray:
    return model.predict(split.images, batch_size=500, verbose=0)


def teacher_of(problem: Problem, splits: dict[str, Split], spec, path) -> keras.Model:
    """The teacher, trained as usual: it falls for the correlation, too."""
    if path.exists():
        return keras.models.load_model(path)
    keras.utils.set_random_seed(100)
    shape = splits["train"].images.shape[1:]
    model = models.build("resnet20", shape, spec.num_classes, depth=8)
    train = splits["train"]
    fit(model, (train.images, train.labels), problem.teacher_epochs, 100)
    model.save(path)
    return model


def student_of(
    problem: Problem, train: Split, taught: np.ndarray, spec, name: str, seed: int
) -> keras.Model:
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    student = models.build("lenet5", train.images.shape[1:], spec.num_classes)
    method, groups = METHODS[name], len(spec.groups[problem.group])
    options = {"alpha": ALPHA, **method.distiller(groups, spec.num_classes)}
    model = Distiller(student=student, temperature=TEMPERATURE, **options)
    y = {"labels": train.labels, "teacher_logits": taught, "groups": train.groups}
    weights = method.weigh(train.labels, train.groups) if method.weigh else None
    columns = (train.images, y, *([] if weights is None else [np.float32(weights)]))
    fit(model, columns, problem.student_epochs, seed)
    return student


def measure(test: Split, spec, group: str, predicted: np.ndarray) -> Measured:
    named = {group: np.array(spec.groups[group])[test.groups]}
    counts = GroupCounts.from_predictions(
        test.labels, predicted, groups=named, num_classes=spec.num_classes
    )
    right = predicted == test.labels
    cells = np.unique(np.stack([test.groups, test.labels]), axis=1).T
    worst = min(right[(test.groups == g) & (test.labels == y)].mean() for g, y in cells)
    values = (
        right.mean(),
        min(right[test.groups == g].mean() for g in np.unique(test.groups)),
        worst,
        counts.equalized_odds_difference(group).value,
    )
    return Measured(*(100 * float(value) for value in values))


def with_offsets(splits: dict[str, Split], student: keras.Model) -> np.ndarray:
    """What a student says on the test split with the offsets of least error."""
    # A gap of 1 forbids nothing.
    mended = GroupOffsets("accuracy_gap", 1.0, margin=0)
    validation, test = splits["validation"], splits["test"]
    logits = logits_of(student, validation)
    mended.fit(logits, validation.labels, validation.groups)
    return mended.predict(logits_of(student, test), test.groups)


def margin(values: tuple[float, ...]) -> float:
    """Half of Student's 95 % interval; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def table(
    title: str, rows: Mapping[str, Mapping[int, Measured]], sign: str = ""
) -> None:
    print(f"\n| {title} | seeds | accuracy | worst group | worst cell | EOD |")
    print("|---" * (2 + len(Measured._fields)) + "|")
    for name, by_seed in rows.items():
        cells = []
        for column in zip(*by_seed.values(), strict=True):
            mean, half = np.mean(column), margin(column)
            ends = f"{mean - half:{sign}.1f} to {mean + half:{sign}.1f}"
            cells.append(f"{mean:{sign}.1f} ({ends})" if half else f"{mean:{sign}.1f}")
        print(f"| {name} | {len(by_seed)} | {' | '.join(cells)} |")


def known(path: pathlib.Path) -> dict[str, dict[int, Measured]]:
    """Student -> seed -> what it shows, as far as it was measured."""
    found: dict[str, dict[int, Measured]] = {}
    if path.exists():
        for name, seed, *values in csv.reader(path.read_text().splitlines()):
            found.setdefault(name, {})[int(seed)] = Measured(*map(float, values))
    return found


def run(problem: Problem, args: argparse.Namespace, path: pathlib.Path) -> None:
    """Measures what is missing, and writes it down."""
    splits, spec = read(problem, args.data)
    test = splits["test"]
    teacher = teacher_of(
        problem, splits, spec, path.with_name(f"{args.problem}-teacher.keras")
    )
    taught = logits_of(teacher, splits["train"])

    def write(name: str, seed: int, predicted: np.ndarray) -> None:
        values = measure(test, spec, problem.group, predicted)
        with path.open("a") as file:
            csv.writer(file).writerow([name, seed, *values])
        print(name, seed, *np.round(values, 1), flush=True)

    if "teacher" not in known(path):
        write("teacher", 100, logits_of(teacher, test).argmax(-1))
    for seed in range(args.seeds):
        for name in args.methods:
            if seed in known(path).get(name, {}):
                continue
            student = student_of(problem, splits["train"], taught, spec, name, seed)
            if name == PLAIN:
                write(OFFSETS, seed, with_offsets(splits, student))
            write(name, seed, logits_of(student, test).argmax(-1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", choices=PROBLEMS, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--data", help="directory of TFDS; its own default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    path = args.work / f"{args.problem}.csv"
    run(PROBLEMS[args.problem], args, path)
    found = known(path)
    table("student", found)
    plain = found[PLAIN]
    changes = {
        name: {
            seed: Measured(*np.subtract(own, plain[seed]))
            for seed, own in rows.items()
            if seed in plain
        }
        for name, rows in found.items()
        if name not in ("teacher", PLAIN)
    }
    table("change from plain", changes, "+")


if __name__ == "__main__":
    main()
