"""FairFace out of the official label files and folders."""

import numpy as np
import official
import pytest
import tensorflow as tf

from kd_keras import datasets


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("fairface")
    official.write_fairface(directory, {"train": 50, "val": 200})
    return directory


def test_examples_are_the_images_and_labels(directory):
    dataset = datasets.load("fairface", data_dir=str(directory))
    found = {s: list(d.as_numpy_iterator()) for s, d in dataset.splits.items()}
    assert {s: len(f) for s, f in found.items()} == {
        "train": 45,
        "validation": 5,
        "test": 200,
    }
    original = dict(np.load(official.shared("fairface", "fairface64_val_3000.npz")))
    index = {name: i for i, name in enumerate(original["names"][:200])}
    races = [name.decode() for name in original["race_names"]]
    assert list(dataset.spec.groups["race"]) == races
    assert len({e["id"] for e in found["test"]}) == 200
    for example in found["test"]:
        i = index[example["id"]]
        # Age groups: 0-2, 3-9, 10-19, 20-29, 30-39, then 40 and older.
        assert example["age"] == int(original["age"][i] >= 5)
        assert example["race"] == original["race"][i]
        assert example["gender"] == original["gender"][i]
    content = (directory / example["id"].decode()).read_bytes()
    expected = tf.io.decode_jpeg(content, channels=3)
    np.testing.assert_array_equal(example["image"], expected)


def test_other_sizes_are_prepared_beside(directory):
    dataset = datasets.load("fairface", data_dir=str(directory), image_size=32)
    assert next(iter(dataset.splits["test"]))["image"].shape == (32, 32, 3)
    names = sorted(p.name for p in (directory / "fairface").iterdir())
    assert "32px" in names


def labels(directory, lines: list[str]) -> None:
    for split in ("train", "val"):
        (directory / split).mkdir()
        header = "file,age,gender,race,service_test"
        path = directory / f"fairface_label_{split}.csv"
        path.write_text("\n".join([header, *lines]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "train/1.jpg,30-40,Male,White,True",
            "_train.csv, line 2: unknown age '30-40'",
        ),
        (
            "train/1.jpg,30-39,Male,Blue,True",
            "line 2: unknown race 'Blue'. Allowed: Bl",
        ),
        ("train/9.jpg,30-39,Male,White,True", "train/9.jpg is missing or no intact im"),
        ("train/1.jpg,30-39,Male,White,True", "train/1.jpg is missing or no intact im"),
    ],
    ids=["age", "race", "missing image", "corrupt image"],
)
def test_bad_files_are_named(tmp_path, line, message):
    labels(tmp_path, [line])
    (tmp_path / "train" / "1.jpg").write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(ValueError, match=message):
        datasets.load("fairface", data_dir=str(tmp_path))
