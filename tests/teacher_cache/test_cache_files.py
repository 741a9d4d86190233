"""A cache resumes, finds damage, refuses what it was not made from, and is small."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import keras
import killed_build
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import teacher_cache
from kd_keras.datasets import DatasetSpec
from kd_keras.teacher_cache import TopK, writing


@pytest.fixture
def build(tmp_path, tiny_dataset, train, teacher):
    def built(**changes):
        arguments = {
            "directory": str(tmp_path / "cache"),
            "teacher": teacher,
            "examples": train,
            "spec": tiny_dataset.spec,
            "batch_size": 8,
        }
        return teacher_cache.build(**{**arguments, **changes})

    return built


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_killed_build_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARD_EXAMPLES", 16)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, killed_build.__file__, str(killed)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    # 40 of 90 examples: two files of 16 were finished.
    assert len(list(killed.glob("logits-*.npy"))) == 2
    # What is not named in cache.json does not count.
    (killed / "logits-0-00002.npy").write_bytes(b"half")
    resumed = []
    killed_build.build(str(killed), resumed.append)
    assert sum(resumed) == 90 - 2 * 16
    killed_build.build(str(whole))
    assert contents(killed) == contents(whole)
    killed_build.build(str(killed), resumed.append)
    assert sum(resumed) == 90 - 2 * 16


@pytest.mark.parametrize("name", ["keys-00003.npy", "logits-1-00003.npy"])
def test_a_corrupt_file_is_named_and_made_anew_once_deleted(
    tmp_path, build, small_shards, name
):
    options = {"augmentation": "flip", "views": 2}
    build(**options)
    whole = contents(tmp_path / "cache")
    path = tmp_path / "cache" / name
    damaged = bytearray(whole[name])
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=f"{name} of the teacher cache is corrupt"):
        build(**options)
    path.unlink()
    done = []
    build(**options, progress=done.append)
    assert sum(done) == 16
    assert contents(tmp_path / "cache") == whole


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("examples", lambda train, spec: {"examples": train.take(80)}),
        (
            "dataset",
            lambda train, spec: {"spec": dataclasses.replace(spec, name="other")},
        ),
        ("storage", lambda train, spec: {"storage": "float32"}),
        ("storage", lambda train, spec: {"storage": TopK(2)}),
        ("augmentation", lambda train, spec: {"augmentation": "pad_crop"}),
        ("seed", lambda train, spec: {"seed": 1}),
        ("views", lambda train, spec: {"views": 3}),
    ],
    ids=[
        "size",
        "data",
        "float32",
        "top-k",
        "augmentation",
        "seed",
        "views",
    ],
)
def test_a_mismatch_is_refused_by_name(build, train, tiny_dataset, field, change):
    made = {"augmentation": "flip", "views": 2}
    build(**made)
    with pytest.raises(
        ValueError, match=rf"was made with {field}=.* Received: {field}="
    ):
        build(**{**made, **change(train, tiny_dataset.spec)})


def test_another_teacher_is_refused(build, network):
    build()
    with pytest.raises(
        ValueError, match=r"was made with teacher=.* Received: teacher="
    ):
        build(teacher=network(4))


def other_pixel(example):
    wrong = tf.equal(example["id"], "train_70")
    return {**example, "image": example["image"] + tf.cast(wrong, tf.uint8)}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.map(other_pixel), "other features of.*train_70"),
        (lambda d: d.skip(1).concatenate(d.take(1)), "another id.*train_1"),
    ],
    ids=["features", "order"],
)
def test_other_examples_are_named(build, train, change, problem):
    joined = build().join(change(train))
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){problem}"):
        list(joined)


def test_a_build_does_not_go_on_with_other_examples(
    tmp_path, build, train, small_shards
):
    build()
    (tmp_path / "cache" / "logits-0-00004.npy").unlink()
    with pytest.raises(ValueError, match=r"those that keys-00004.npy"):
        build(examples=train.map(other_pixel))
    build()


def test_bytes_of_an_example_and_a_view(tmp_path):
    # 2 classes and 2 views: 2.1 * 2 * 2 + 16, and all that is in the directory.
    size = 9000
    rng = np.random.default_rng(0)
    examples = tf.data.Dataset.from_tensor_slices(
        {
            "image": rng.integers(0, 256, (size, 2, 2, 3), dtype=np.uint8),
            "y": np.zeros(size, np.int64),
            "id": [f"{i}" for i in range(size)],
        }
    )
    spec = DatasetSpec(
        name="many",
        features={"image": tf.TensorSpec((2, 2, 3), tf.uint8)},
        label="y",
        class_names=("no", "yes"),
        groups={},
    )
    teacher = keras.Sequential(
        [keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    teacher_cache.build(
        str(tmp_path), teacher, examples, spec, augmentation="flip", views=2
    )
    whole = sum(os.path.getsize(path) for path in tmp_path.iterdir())
    assert whole <= size * (2.1 * 2 * 2 + 16)


def test_numpy_reads_the_files(tmp_path, build, teacher, train):
    build(storage="float32")
    logits = np.load(tmp_path / "cache" / "logits-0-00000.npy", mmap_mode="r")
    images = np.stack([example["image"] for example in train.as_numpy_iterator()])
    expected = teacher.predict(images, verbose=0)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
    manifest = json.loads((tmp_path / "cache" / "cache.json").read_text())
    assert manifest["identity"]["examples"] == 90


def probabilities():
    inputs = keras.Input((12, 12, 3))
    hidden = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(hidden))


def two_outputs():
    inputs = keras.Input((12, 12, 3))
    hidden = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(3)(hidden) for _ in range(2)])


def huge_logits():
    inputs = keras.Input((12, 12, 3))
    hidden = keras.layers.Flatten()(inputs)
    return keras.Model(
        inputs, keras.layers.Dense(3, bias_initializer="ones")(hidden) * 1e6
    )


@pytest.mark.parametrize(
    ("argument", "change"),
    [
        ("precision", lambda d: {"storage": "float8"}),
        ("k", lambda d: {"storage": TopK(3)}),
        ("views", lambda d: {"views": 0}),
        ("views", lambda d: {"views": 2}),
        ("examples", lambda d: {"examples": d.filter(lambda example: True)}),
        ("teacher", lambda d: {"teacher": probabilities()}),
        ("teacher", lambda d: {"teacher": two_outputs()}),
        ("teacher", lambda d: {"teacher": huge_logits()}),
    ],
    ids=["precision", "k", "no view", "equal views", "size", "softmax", "two", "huge"],
)
def test_bad_arguments_are_named(build, train, argument, change):
    with pytest.raises(ValueError, match=f"`{argument}` .*Received:"):
        build(**change(train))


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 1, "tail": "zero"}], ids=str)
def test_top_k_refuses(options):
    with pytest.raises(ValueError, match="Received: "):
        TopK(**options)


def test_a_teacher_without_numbers_is_named_with_its_batch(build, network, train):
    image = next(train.skip(13).take(1).as_numpy_iterator())["image"].astype("float32")
    inputs = keras.Input(image.shape)
    far = keras.ops.max(keras.ops.abs(inputs - image), axis=(1, 2, 3))[:, None]
    logits = network(3)(inputs) + keras.ops.where(far == 0, np.nan, 0.0)
    broken = keras.Model(inputs, logits)
    # The 14th example is the sixth of the second batch of 8.
    with pytest.raises(ValueError, match=r"batch 1 of 8 .* first in its row 5\."):
        build(teacher=broken)


def test_join_refuses(build, train):
    cache = build(augmentation="flip", views=2)
    with pytest.raises(ValueError, match=r"`examples` must be .*Received: 80"):
        cache.join(train.take(80))
    with pytest.raises(ValueError, match=r"`epoch` must be .*views=2"):
        cache.join(train)
