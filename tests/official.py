"""Offline data in the layouts in which the official sources offer it."""

import csv
import gzip
import json
import pathlib
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds

SHARED = pathlib.Path(__file__).parents[2] / "shared" / "data"
AGES = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69"]
AGES += ["more than 70"]


def shared(*parts: str) -> pathlib.Path:
    """A path of the offline data; skips the test where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the offline data {'/'.join(parts)} is not at ../shared/data")
    return path


def write_adult(directory: pathlib.Path, size: int | None = None) -> None:
    """adult.data and adult.test: no header, ", " between columns, "." after labels.

    `size` keeps only the first rows of each.
    """
    for split, name, end in (("train", "data", ""), ("test", "test", ".")):
        with gzip.open(shared("adult", f"adult_{split}.csv.gz"), "rt") as file:
            rows = list(csv.reader(file))[1:][:size]
        lines = [", ".join(row) + end for row in rows]
        if split == "test":
            lines.insert(0, "|1x3 Cross validator")
        (directory / f"adult.{name}").write_text("\n".join([*lines, "", ""]))


def write_hatexplain(directory: pathlib.Path, size: int | None = None) -> None:
    """dataset.json with all 20,148 posts, or the first `size` of every split.

    The single annotations of train posts are not at hand: there all three annotators
    get the majority's label and targets, and an undecided post one of each label.
    """
    posts = json.loads(shared("hatexplain", "dataset.json").read_text())
    with gzip.open(shared("hatexplain", "hatexplain.jsonl.gz"), "rt") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        if row["id"] in posts:
            continue
        labels = [row["label"]] * 3
        if row["label"] == "undecided":
            labels = ["hatespeech", "offensive", "normal"]
        posts[row["id"]] = {
            "post_id": row["id"],
            "annotators": [
                {"label": label, "annotator_id": i, "target": row["targets_longest"]}
                for i, label in enumerate(labels)
            ],
            "rationales": [],
            "post_tokens": row["text"].split(" "),
        }
    divisions = json.loads(shared("hatexplain", "post_id_divisions.json").read_text())
    if size is not None:
        divisions = {split: ids[:size] for split, ids in divisions.items()}
        posts = {i: posts[i] for ids in divisions.values() for i in ids}
    (directory / "dataset.json").write_text(json.dumps(posts))
    (directory / "post_id_divisions.json").write_text(json.dumps(divisions))


def write_fairface(directory: pathlib.Path, sizes: dict[str, int]) -> None:
    """Label files and folders with the first images of the split "train" or "val"."""
    for split, size in sizes.items():
        name = {"train": "fairface64_train_12000", "val": "fairface64_val_3000"}[split]
        columns = dict(np.load(shared("fairface", f"{name}.npz")))
        races = columns["race_names"].astype(str)
        (directory / split).mkdir()
        with open(directory / f"fairface_label_{split}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "age", "gender", "race", "service_test"])
            for i in range(size):
                begin, end = columns["offsets"][i : i + 2]
                image = columns["names"][i].decode()
                (directory / image).write_bytes(columns["data"][begin:end].tobytes())
                gender = ["Male", "Female"][columns["gender"][i]]
                race = races[columns["race"][i]]
                writer.writerow([image, AGES[columns["age"][i]], gender, race, "True"])


def write_tiny_imagenet(
    directory: pathlib.Path, classes: int, train: int, validation: int
) -> None:
    """tiny-imagenet-200.zip with some classes and the first images of each."""
    root = "tiny-imagenet-200"
    source = zipfile.ZipFile(shared("tiny_imagenet", "tiny-imagenet-200-subset.zip"))
    wnids = source.read(f"{root}/wnids.txt").decode().split()[:classes]
    annotations = source.read(f"{root}/val/val_annotations.txt").decode().splitlines()
    kept = [
        line
        for wnid in wnids
        for line in [a for a in annotations if a.split("\t")[1] == wnid][:validation]
    ]
    with zipfile.ZipFile(directory / f"{root}.zip", "w") as target:
        target.writestr(f"{root}/wnids.txt", "\n".join(wnids) + "\n")
        target.writestr(f"{root}/words.txt", source.read(f"{root}/words.txt"))
        target.writestr(f"{root}/val/val_annotations.txt", "\n".join(kept) + "\n")
        names = [f"{root}/val/images/{line.split(chr(9))[0]}" for line in kept]
        for wnid in wnids:
            folder = f"{root}/train/{wnid}/images/"
            found = [n for n in source.namelist() if n.startswith(folder)]
            names += [n for n in found if n.endswith(".JPEG")][:train]
        for name in names:
            target.writestr(name, source.read(name))


def write_prepared(
    directory: pathlib.Path, name: str, version: str, splits: dict[str, int]
) -> None:
    """Random examples in the files that the stock TFDS builder `name` would write."""
    features = tfds.builder(name, data_dir=str(directory)).info.features
    rng = np.random.default_rng(0)
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        features=features,
        split_datasets={
            split: [(i, _random(features, f"{split}_{i}", rng)) for i in range(size)]
            for split, size in splits.items()
        },
        data_dir=str(directory),
    )


def _random(feature: tfds.features.FeatureConnector, key: str, rng) -> object:
    if isinstance(feature, tfds.features.FeaturesDict):
        return {name: _random(child, key, rng) for name, child in feature.items()}
    if isinstance(feature, tfds.features.Image):
        shape = [side or int(rng.integers(40, 90)) for side in feature.shape]
        return rng.integers(0, 256, shape, np.uint8)
    if isinstance(feature, tfds.features.ClassLabel):
        return int(rng.integers(feature.num_classes))
    if isinstance(feature, tfds.features.Text):
        return key
    return feature.np_dtype(rng.random() < 0.3)
