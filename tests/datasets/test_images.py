"""CIFAR, SVHN and ImageNet through the files of the stock TFDS builders."""

from collections import Counter

import numpy as np
import official
import pytest

from kd_keras import datasets

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse"]


@pytest.mark.parametrize(
    ("name", "classes", "first"),
    [("cifar10", 10, CIFAR10), ("cifar100", 100, ["apple", "aquarium_fish"])],
)
def test_real_cifar(name, classes, first):
    dataset = datasets.load(name, data_dir=str(official.shared("tfds")))
    assert dataset.spec.num_classes == classes
    assert list(dataset.spec.class_names[: len(first)]) == first
    assert dict(dataset.spec.groups) == {}
    sizes = {split: int(d.cardinality()) for split, d in dataset.splits.items()}
    # The subset's 10,000 training images, a tenth of them for validation.
    assert sizes == {"train": 9000, "validation": 1000, "test": 10000}
    labels, ids = Counter(), set()
    for split in ("train", "validation"):
        for batch in dataset.splits[split].batch(1000).as_numpy_iterator():
            labels.update(batch["label"].tolist())
            ids.update(batch["id"].tolist())
            assert batch["image"].shape[1:] == (32, 32, 3)
    assert labels == dict.fromkeys(range(classes), 10000 // classes)
    assert ids == {b"train_%05d" % i for i in range(10000)}


def test_svhn(tmp_path):
    sizes = {"train": 20, "test": 5, "extra": 5}
    official.write_prepared(tmp_path, "svhn_cropped", "3.1.0", sizes)
    dataset = datasets.load("svhn_cropped", data_dir=str(tmp_path))
    assert dataset.spec.class_names == tuple("0123456789")
    found = {s: list(d.as_numpy_iterator()) for s, d in dataset.splits.items()}
    assert {s: len(examples) for s, examples in found.items()} == {
        "train": 18,
        "validation": 2,
        "test": 5,
    }
    assert {e["id"] for e in found["test"]} == {b"test_%d" % i for i in range(5)}


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    directory = tmp_path_factory.mktemp("imagenet")
    sizes = {"train": 20, "validation": 6}
    official.write_prepared(directory, "imagenet2012", "5.1.0", sizes)
    return datasets.load(
        "imagenet2012", data_dir=str(directory), image_size=32, validation_fraction=0.2
    )


def test_imagenet(imagenet):
    assert imagenet.spec.num_classes == 1000
    assert imagenet.spec.class_names[0] == "n01440764"  # tench
    found = {s: list(d.as_numpy_iterator()) for s, d in imagenet.splits.items()}
    assert {s: len(examples) for s, examples in found.items()} == {
        "train": 16,
        "validation": 4,
        "test": 6,
    }
    # The official validation split has the labels of the test split.
    assert {e["id"] for e in found["test"]} == {b"validation_%d" % i for i in range(6)}
    for split in ("validation", "test"):
        assert {e["image"].shape for e in found[split]} == {(32, 32, 3)}
    assert len({e["image"].shape for e in found["train"]}) > 1
    assert {e["image"].dtype for e in found["train"]} == {np.dtype(np.uint8)}
