"""Tiny ImageNet out of the official archive."""

import shutil
import zipfile
from collections import Counter

import numpy as np
import official
import pytest
import tensorflow as tf

from kd_keras import datasets

ZIP = "tiny-imagenet-200.zip"
ROOT = "tiny-imagenet-200"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tiny")
    official.write_tiny_imagenet(directory, classes=3, train=20, validation=4)
    return directory


def replace_member(source, target, name: str, content: bytes) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))


def test_examples_are_the_files_of_the_archive(directory):
    dataset = datasets.load("tiny_imagenet", data_dir=str(directory))
    archive = zipfile.ZipFile(directory / ZIP)
    wnids = archive.read(f"{ROOT}/wnids.txt").decode().split()
    words = archive.read(f"{ROOT}/words.txt").decode().splitlines()
    words = dict(line.split("\t") for line in words)
    assert [name.split(" ", 1)[0] for name in dataset.spec.class_names] == wnids
    for name in dataset.spec.class_names:
        wnid, word = name.split(" ", 1)
        assert words[wnid].split(",")[0] == word

    found = {s: list(d.as_numpy_iterator()) for s, d in dataset.splits.items()}
    assert {s: len(f) for s, f in found.items()} == {
        "train": 54,
        "validation": 6,
        "test": 12,
    }
    labels = Counter(e["label"] for e in found["train"] + found["validation"])
    assert labels == {0: 20, 1: 20, 2: 20}
    for example in found["validation"]:
        key = example["id"].decode()
        wnid = key.split("_")[0]
        assert wnids[example["label"]] == wnid
        content = archive.read(f"{ROOT}/train/{wnid}/images/{key}.JPEG")
        expected = tf.io.decode_jpeg(content, channels=3)
        np.testing.assert_array_equal(example["image"], expected)
    annotations = archive.read(f"{ROOT}/val/val_annotations.txt").decode()
    assert {f"{e['id'].decode()}.JPEG\t{wnids[e['label']]}" for e in found["test"]} == {
        "\t".join(line.split("\t")[:2]) for line in annotations.splitlines()
    }


def test_prepared_data_set_needs_no_archive(directory, tmp_path):
    datasets.load("tiny_imagenet", data_dir=str(directory))
    shutil.copytree(directory / "tiny_imagenet", tmp_path / "tiny_imagenet")
    assert datasets.load("tiny_imagenet", data_dir=str(tmp_path)).spec.num_classes == 3
    assert [p.name for p in tmp_path.iterdir()] == ["tiny_imagenet"]


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff broken"], ids=["empty", "cut"])
def test_corrupt_image_is_named(directory, tmp_path, content):
    with zipfile.ZipFile(directory / ZIP) as archive:
        member = next(n for n in archive.namelist() if n.endswith("_0.JPEG"))
    replace_member(directory / ZIP, tmp_path / ZIP, member, content)
    with pytest.raises(ValueError, match=f"{ZIP}: {member} is missing or no intact"):
        datasets.load("tiny_imagenet", data_dir=str(tmp_path))
    assert not list(tmp_path.rglob("dataset_info.json"))


def test_unknown_label_is_named(directory, tmp_path):
    name = f"{ROOT}/val/val_annotations.txt"
    line = b"val_7.JPEG\tn00000000\t0\t0\t9\t9\n"
    replace_member(directory / ZIP, tmp_path / ZIP, name, line)
    with pytest.raises(
        ValueError, match=r"val_7.JPEG has the unknown label 'n00000000"
    ):
        datasets.load("tiny_imagenet", data_dir=str(tmp_path))


def test_truncated_archive(directory, tmp_path):
    content = (directory / ZIP).read_bytes()
    (tmp_path / ZIP).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{ZIP} is no intact zip archive"):
        datasets.load("tiny_imagenet", data_dir=str(tmp_path))
