"""Trifeature as it is loaded: the spec, the examples and the files."""

import hashlib
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kd_keras import datasets
from kd_keras.datasets.trifeature.render import COLORS, render
from kd_keras.datasets.trifeature.shapes import SHAPES
from kd_keras.datasets.trifeature.textures import TEXTURES

OPTIONS = {"image_size": 16, "versions": 1, "seed": 3, "texture_scale": 40}


def load(data_dir, **options):
    return datasets.load("trifeature", data_dir=str(data_dir), **OPTIONS, **options)


def record_digests(data_dir):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(data_dir).rglob("*.tfrecord*"))
    }


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("tfds")


@pytest.fixture(scope="module")
def dataset(data_dir):
    return load(data_dir)


@pytest.fixture(scope="module")
def examples(dataset):
    return {
        split: list(split_examples.as_numpy_iterator())
        for split, split_examples in dataset.splits.items()
    }


def test_spec(dataset):
    spec = dataset.spec
    assert (spec.name, spec.label, spec.example_id) == ("trifeature", "shape", "id")
    assert spec.class_names == SHAPES
    assert dict(spec.groups) == {"texture": TEXTURES, "color": COLORS}
    assert spec.features["image"].shape == (16, 16, 3)
    for split in dataset.splits.values():
        assert split.element_spec["image"] == spec.features["image"]
        assert set(split.element_spec) == {"image", "shape", "texture", "color", "id"}
        dtypes = {split.element_spec[key].dtype.name for key in ("shape", "texture")}
        assert dtypes == {"int64"}


def test_counts_and_ids(dataset, examples):
    counts = {split: len(found) for split, found in examples.items()}
    assert counts == {"train": 700, "validation": 100, "test": 200}
    assert {s: int(d.cardinality()) for s, d in dataset.splits.items()} == counts
    assert len({e["id"] for found in examples.values() for e in found}) == 1000


def test_examples_are_what_their_ids_say(examples):
    for example in examples["validation"]:
        shape, texture, color, version = example["id"].decode().split("_")
        assert SHAPES[example["shape"]] == shape
        assert TEXTURES[example["texture"]] == texture
        assert COLORS[example["color"]] == color
        drawn = render(
            shape, texture, color, int(version), seed=3, image_size=16, texture_scale=40
        )
        np.testing.assert_array_equal(example["image"], drawn)


def test_order_is_stable_and_not_sorted(dataset, examples):
    again = [e["id"] for e in dataset.splits["train"].as_numpy_iterator()]
    first = [e["id"] for e in examples["train"]]
    assert first == again
    # Any first part is a fair sample, so that `take` is one.
    assert len({e["shape"] for e in examples["train"][:100]}) == 10


@pytest.mark.parametrize("label", ["texture", "color"])
def test_another_label_reads_the_same_files(label, data_dir, dataset, examples):
    before = record_digests(data_dir)
    other = load(data_dir, label=label)
    assert record_digests(data_dir) == before
    assert other.spec.label == label
    assert set(other.spec.groups) == {"shape", "texture", "color"} - {label}
    ids = [e["id"] for e in other.splits["test"].as_numpy_iterator()]
    assert ids == [e["id"] for e in examples["test"]]


def test_unknown_option():
    with pytest.raises(
        ValueError, match=r"trifeature.*: verions\..*Available: .*versions"
    ):
        datasets.load("trifeature", verions=3)


def test_killed_preparation_leaves_no_half_data_set(tmp_path, data_dir, dataset):
    script = (
        "from kd_keras import datasets\n"
        f"datasets.load('trifeature', data_dir={str(tmp_path)!r}, **{OPTIONS!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    while not any(path.is_file() for path in tmp_path.rglob("incomplete.*/*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not list(tmp_path.rglob("dataset_info.json"))

    splits = load(tmp_path).splits
    assert int(splits["train"].cardinality()) == 700
    finished = next(tmp_path.rglob("dataset_info.json")).parent
    assert record_digests(finished) == record_digests(data_dir)
