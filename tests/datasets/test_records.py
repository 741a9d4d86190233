"""Reading prepared records: order, ids, and errors that name file and record."""

import pathlib
import shutil
import struct

import numpy as np
import official
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from kd_keras import datasets
from kd_keras.datasets import records

SHARD = "cifar10-train.tfrecord-00000-of-00001"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """40 real training images of CIFAR-10 and 10 test images, prepared by TFDS."""
    root = official.shared("tfds")
    source = tfds.builder_from_directory(root / "cifar10" / "3.0.2")
    directory = tmp_path_factory.mktemp("cifar10")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="cifar10",
        version="3.0.2",
        features=source.info.features,
        split_datasets={
            "train": source.as_dataset(split="train[:40]"),
            "test": source.as_dataset(split="test[:10]"),
        },
        data_dir=str(directory),
    )
    return directory


@pytest.fixture
def copy(small, tmp_path):
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    return tmp_path


def shard(directory: pathlib.Path) -> pathlib.Path:
    return directory / "cifar10" / "3.0.2" / SHARD


def offsets(path: pathlib.Path) -> list[int]:
    """Where the records begin. Each is length, its CRC, the data and their CRC."""
    content, begins = path.read_bytes(), [0]
    while begins[-1] < len(content):
        (length,) = struct.unpack_from("<Q", content, begins[-1])
        begins.append(begins[-1] + 8 + 4 + length + 4)
    return begins


def read_all(directory: pathlib.Path) -> list:
    dataset = datasets.load("cifar10", data_dir=str(directory), validation_fraction=0.2)
    return [e for s in dataset.splits.values() for e in s.as_numpy_iterator()]


def rewrite(path: pathlib.Path, index: int, change) -> None:
    """Changes one tf.Example; the file stays a valid one."""
    examples = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    example = tf.train.Example.FromString(examples[index])
    change(example.features.feature)
    examples[index] = example.SerializeToString()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for serialized in examples:
            writer.write(serialized)


def test_equals_what_tfds_reads(small):
    builder = tfds.builder_from_directory(small / "cifar10" / "3.0.2")
    expected = [
        example
        for split in ("train", "test")
        for example in builder.as_dataset(split=split).as_numpy_iterator()
    ]
    found = read_all(small)
    assert len(found) == 50
    for one, other in zip(found, expected, strict=True):
        assert (one["id"], one["label"]) == (other["id"], other["label"])
        np.testing.assert_array_equal(one["image"], other["image"])


def test_sharded_parts_are_disjoint_and_complete(tmp_path):
    features = tfds.features.FeaturesDict({"label": np.int64})
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="numbers",
        version="1.0.0",
        features=features,
        split_datasets={"train": [(i, {"label": i}) for i in range(20)]},
        data_dir=str(tmp_path),
        download_config=tfds.download.DownloadConfig(num_shards=3),
    )
    assert builder.info.splits["train"].num_shards == 3
    parts = records.carve(builder, 0.3)
    assert parts == {"train": "train[:14]", "validation": "train[14:]"}
    spec = datasets.DatasetSpec(
        "numbers", {}, "label", tuple("abcdefghijklmnopqrst"), {}
    )

    def convert(raw):
        return {"label": raw["label"], "id": raw["record"]}

    splits = records.read_all(builder, parts, spec, convert).splits
    found = [list(splits[part].as_numpy_iterator()) for part in parts]
    assert [len(part) for part in found] == [14, 6]
    both = found[0] + found[1]
    assert sorted(e["label"] for e in both) == list(range(20))
    assert len({e["id"] for e in both}) == 20
    assert both[0]["id"] == b"numbers-train.tfrecord-00000-of-00003__0"
    stored = [e["label"] for e in builder.as_dataset(split="train").as_numpy_iterator()]
    assert [e["label"] for e in both] == stored


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 0.001], ids=str)
def test_validation_fraction_must_leave_two_parts(small, fraction):
    with pytest.raises(ValueError, match=rf"validation_fraction={fraction}, of 40"):
        datasets.load("cifar10", data_dir=str(small), validation_fraction=fraction)


def test_truncated_file(copy):
    begins = offsets(shard(copy))
    assert len(begins) == 41
    content = shard(copy).read_bytes()
    shard(copy).write_bytes(content[: begins[17] + 30])
    with pytest.raises(ValueError, match=f"Cannot read record 17 of {shard(copy)}, "):
        datasets.load("cifar10", data_dir=str(copy))


def test_file_that_ends_between_two_records(copy):
    content = shard(copy).read_bytes()
    shard(copy).write_bytes(content[: offsets(shard(copy))[33]])
    with pytest.raises(ValueError, match=f"record 33 of {shard(copy)}, .* 40: "):
        datasets.load("cifar10", data_dir=str(copy))


def test_missing_file(copy):
    shard(copy).unlink()
    with pytest.raises(ValueError, match=f"Cannot read record 0 of {shard(copy)}"):
        datasets.load("cifar10", data_dir=str(copy))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("image", [b"\x89PNG\r\n\x1a\nbroken"]),
        ("image", [b""]),
        ("label", [10]),
        ("label", [-1]),
    ],
    ids=["corrupt image", "empty image", "label too large", "no label"],
)
def test_corrupt_example_in_an_intact_file(copy, field, values):
    def change(features):
        kind = "int64_list" if field == "label" else "bytes_list"
        getattr(features[field], kind).value[:] = values

    rewrite(shard(copy), 5, change)
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        read_all(copy)
    assert "corrupt image, or a label that is not in [0, 10)" in str(raised.value)
    assert f"[{SHARD}__5]" in str(raised.value)


def test_small_splits_are_read_once(copy):
    dataset = datasets.load("cifar10", data_dir=str(copy))
    first = [e["id"] for e in dataset.splits["train"].as_numpy_iterator()]
    shard(copy).unlink()
    assert [e["id"] for e in dataset.splits["train"].as_numpy_iterator()] == first


def test_large_splits_are_read_again(copy, monkeypatch):
    monkeypatch.setattr(records, "CACHE_BYTES", 36 * 32 * 32 * 3 - 1)
    dataset = datasets.load("cifar10", data_dir=str(copy))
    assert len(list(dataset.splits["train"])) == 36
    shard(copy).unlink()
    with pytest.raises(tf.errors.NotFoundError, match=SHARD):
        list(dataset.splits["train"])


def test_resize_and_crop_is_the_usual_evaluation():
    # 512x640 -> shorter side 256 -> 256x320 -> middle 224: 448 of 512 and of 640.
    image = np.zeros((512, 640, 3), np.uint8)
    image[32:480, 96:544] = 200
    cropped = records.resize_and_crop(tf.constant(image), 224).numpy()
    assert cropped.shape == (224, 224, 3)
    assert (cropped == 200).all()


def test_resize_keeps_constant_and_averages():
    image = tf.constant(np.indices((4, 4)).sum(0)[..., None] % 2 * 100, tf.uint8)
    image = tf.repeat(image, 3, axis=-1)
    # Anti-aliasing averages the chequerboard instead of picking a colour.
    small = records.resize(image, (1, 1)).numpy()
    np.testing.assert_array_equal(small, [[[50, 50, 50]]])
