"""CelebA: the label, its attributes and the balance of the training split."""

import csv
import subprocess
import sys
from collections import Counter

import numpy as np
import official
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from kd_keras import datasets

SIZES = {"train": 60, "validation": 10, "test": 10}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("celeb_a")
    official.write_prepared(directory, "celeb_a", "2.1.0", SIZES)
    return str(directory)


def load(data_dir, split="train", **options):
    dataset = datasets.load("celeb_a", data_dir=data_dir, image_size=16, **options)
    return list(dataset.splits[split].as_numpy_iterator())


def test_labels_and_groups_are_those_of_tfds(data_dir):
    raw = tfds.builder_from_directory(f"{data_dir}/celeb_a/2.1.0")
    expected = list(raw.as_dataset(split="train").as_numpy_iterator())
    found = load(data_dir, undersample=False)
    assert len(found) == 60
    for example, other in zip(found, expected, strict=True):
        for name in ("Smiling", "Young", "Male"):
            assert example[name] == int(other["attributes"][name])
        assert example["image"].shape == (16, 16, 3)
    assert len({e["id"] for e in found}) == 60


def test_spec(data_dir):
    spec = datasets.load("celeb_a", data_dir=data_dir).spec
    assert (spec.label, spec.class_names) == ("Smiling", ("not smiling", "smiling"))
    assert spec.groups["Male"] == ("not male", "male")
    assert spec.groups["Young"] == ("not young", "young")
    assert spec.features["image"].shape == (128, 128, 3)


def test_undersampling_balances_training_alone(data_dir):
    everything = {e["id"]: e["Smiling"] for e in load(data_dir, undersample=False)}
    counts = Counter(everything.values())
    assert counts[0] > counts[1] > 0
    kept = {e["id"]: e["Smiling"] for e in load(data_dir)}
    assert Counter(kept.values()) == {0: counts[1], 1: counts[1]}
    assert kept.items() <= everything.items()
    assert len(load(data_dir, "validation")) == len(load(data_dir, "test")) == 10


def test_undersampling_is_seeded(data_dir):
    ids = [[e["id"] for e in load(data_dir, seed=seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]


def test_cardinality_is_known_without_reading(data_dir):
    dataset = datasets.load("celeb_a", data_dir=data_dir)
    assert int(dataset.splits["train"].cardinality()) == len(load(data_dir))


def test_the_square_in_the_middle_is_kept(data_dir):
    raw = tfds.builder_from_directory(f"{data_dir}/celeb_a/2.1.0")
    image = next(raw.as_dataset(split="test").as_numpy_iterator())["image"]
    dataset = datasets.load("celeb_a", data_dir=data_dir, image_size=178)
    found = next(dataset.splits["test"].as_numpy_iterator())["image"]
    np.testing.assert_array_equal(found, image[20:198])


def test_a_folder_of_files_is_prepared(tmp_path):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (4, 218, 178, 3), np.uint8)
    rows = [("image_id", "Male", "Smiling", "Young")]
    for i, image in enumerate(images, start=1):
        tf.io.write_file(f"{tmp_path}/{i:06d}.jpg", tf.io.encode_jpeg(image))
        rows.append((f"{i:06d}.jpg", "1" if i % 2 else "-1", "1", "-1"))
    with open(tmp_path / "attributes.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    flags = (
        f"--images={tmp_path}",
        f"--attributes={tmp_path}/attributes.csv",
        f"--data_dir={tmp_path}/data",
        *("--last_of_train=2", "--last_of_validation=3"),
    )
    main = [sys.executable, "-m", "examples.celeb_a_files", *flags]
    subprocess.run(main, check=True, capture_output=True)
    found = {
        split: load(f"{tmp_path}/data", split, undersample=False)
        for split in ("train", "validation", "test")
    }
    assert {split: len(examples) for split, examples in found.items()} == {
        **{"train": 2, "validation": 1, "test": 1}
    }
    everyone = [e for examples in found.values() for e in examples]
    assert Counter(e["Male"] for e in everyone) == {0: 2, 1: 2}
    assert {(e["Smiling"], e["Young"]) for e in everyone} == {(1, 0)}
