"""Scores of Adult for benchmarks/mitigation.py, kept on disk."""

import csv
import gzip
import pathlib
from collections.abc import Iterator

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

NUMERIC = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
CATEGORICAL = (
    "workclass",
    "marital-status",
    "occupation",
    "relationship",
    "native-country",
)
MODELS = ("boosting", "logistic")
Arrays = dict[str, np.ndarray]


def read(directory: pathlib.Path) -> tuple[Arrays, int]:
    """Features, labels and groups of all rows, and how many are of the training file.

    The sensitive attributes are no features.
    """
    rows: list[dict[str, str]] = []
    sizes = []
    for name in ("adult_train.csv.gz", "adult_test.csv.gz"):
        with gzip.open(directory / name, "rt") as file:
            rows += csv.DictReader(file)
        sizes.append(len(rows))
    numbers = np.array([[float(row[name]) for name in NUMERIC] for row in rows])
    columns, codes = [(numbers - numbers.mean(0)) / numbers.std(0)], [numbers]
    for name in CATEGORICAL:
        values = np.array([row[name] for row in rows])
        names, index = np.unique(values, return_inverse=True)
        columns.append((values[:, None] == names).astype(float))
        codes.append(index[:, None])
    data = {
        "x": np.concatenate(columns, axis=1).astype(np.float32),
        "codes": np.concatenate(codes, axis=1).astype(np.float32),
    }
    data["labels"] = np.array([">50K" in row["income"] for row in rows], np.int64)
    for name in ("sex", "race"):
        data[name] = np.array([row[name] for row in rows])
    return data, sizes[0]


def ensure_runs(
    data: Arrays, num_train: int, work: pathlib.Path, splits: dict[str, int]
) -> None:
    """Writes work/run-KIND-SEED-MODEL.npz of every split, where it is not there.

    Splits are "official", with the official test rows, and "fresh", with as many that
    are drawn anew from all, so that the splits differ in what they are judged by.
    """
    for kind, size in splits.items():
        for seed in range(size):
            names = [f"{kind}-{seed:02d}-{model}" for model in MODELS]
            paths = [work / f"run-{name}.npz" for name in names]
            if not all(path.exists() for path in paths):
                fitted = fit(data, num_train, seed, kind == "fresh")
                for path, run in zip(paths, fitted, strict=True):
                    # Features only for the one peer that trains.
                    keep = f"official-00-{MODELS[1]}" in path.name
                    arrays = {
                        name: values
                        for name, values in run.items()
                        if not name.endswith("_codes")
                        and (keep or not name.endswith("_x"))
                    }
                    np.savez(path, **arrays)


def fit(data: Arrays, num_train: int, seed: int, fresh: bool) -> Iterator[Arrays]:
    """Two runs of one split, with the scores of each of MODELS.

    Args:
      data: all rows.
      num_train: rows of the official training file, which are halved.
      seed: of the split.
      fresh: whether the test rows are drawn anew.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(len(data["labels"]))
    if fresh:
        rows = rng.permutation(rows)
    train = rng.permutation(rows[:num_train])
    half = num_train // 2
    parts = {"train": train[:half], "val": train[half:], "test": rows[num_train:]}
    run = {
        f"{part}_{name}": values[index]
        for part, index in parts.items()
        for name, values in data.items()
    }
    categorical = range(len(NUMERIC), len(NUMERIC) + len(CATEGORICAL))
    boosting = HistGradientBoostingClassifier(
        random_state=0, categorical_features=list(categorical)
    )
    for model, x in ((boosting, "codes"), (LogisticRegression(max_iter=300), "x")):
        model.fit(run[f"train_{x}"], run["train_labels"])
        scores = {
            f"{part}_scores": model.predict_proba(run[f"{part}_{x}"])[:, 1]
            for part in ("val", "test")
        }
        yield {**run, **scores}


def load(work: pathlib.Path, prefix: str, kind: str) -> dict[str, Arrays]:
    """Name of the run -> arrays, without the features."""
    found = {}
    for path in sorted(work.glob(f"{prefix}-{kind}-*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            found[path.stem.removeprefix(f"{prefix}-")] = {
                name: arrays[name] for name in arrays.files if not name.endswith("_x")
            }
    return found
