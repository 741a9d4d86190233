"""A cache resumes, finds damage, refuses what it was not made from, and is small."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import zlib

import keras
import killed_build
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import teacher_cache
from kd_keras.datasets import DatasetSpec
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.teacher_cache import SampledIds, TopK, writing


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


def test_files_that_the_manifest_does_not_name_do_not_count(
    tmp_path, build, small_shards
):
    # Killed between the files of a shard and cache.json, which names them.
    build()
    whole, path = contents(tmp_path / "cache"), tmp_path / "cache" / "cache.json"
    manifest = json.loads(path.read_text())
    for name in ("keys-00002.npy", "logits-0-00002.npy"):
        del manifest["crc32"][name]
        (tmp_path / "cache" / name).write_bytes(b"half")
    path.write_text(json.dumps(manifest))
    done = []
    build(progress=done.append)
    assert sum(done) == 16
    assert contents(tmp_path / "cache") == whole


def test_runs_of_missing_shards_are_made_where_they_belong(
    tmp_path, build, small_shards
):
    # The first, two in the middle, and the last one, of 10 examples.
    build(storage="float32")
    whole = contents(tmp_path / "cache")
    for shard in (0, 2, 3, 5):
        (tmp_path / "cache" / f"logits-0-0000{shard}.npy").unlink()
    done = []
    build(storage="float32", progress=done.append)
    assert sum(done) == 16 + 32 + 10
    assert contents(tmp_path / "cache") == whole


def test_files_hold_as_many_examples_as_said(tmp_path, build, small_shards):
    build(storage="float32")
    for shard, size in enumerate([16] * 5 + [10]):
        keys = np.load(tmp_path / "cache" / f"keys-0000{shard}.npy")
        logits = np.load(tmp_path / "cache" / f"logits-0-0000{shard}.npy")
        assert (keys.shape, keys.dtype) == ((size, 2), "<u8")
        assert (logits.shape, logits.dtype) == ((size, 3), "<f4")
    assert len(list((tmp_path / "cache").iterdir())) == 13


def test_drawn_ids_are_read_for_their_examples(build, train, tiny_dataset, teacher):
    made = build(storage=SampledIds(40))
    images = np.stack([e["image"] for e in train.as_numpy_iterator()])
    probability = tf.nn.softmax(teacher(images, training=False)).numpy()
    joined = list(made.join(train).as_numpy_iterator())
    shares = np.exp([e[tiny_dataset.spec.label]["teacher_logits"] for e in joined])
    assert (np.abs(shares - probability) < 1 / 40 + 1e-6).all()


def test_a_build_says_what_it_was_made_from(tmp_path, build, tiny_dataset, teacher):
    made = build(augmentation="flip", views=2, seed=4, storage=TopK(1))
    expected = {
        "teacher": fingerprint([Teacher(teacher)]),
        "dataset": "tiny",
        "features": {"image": "uint8[12, 12, 3]"},
        "examples": 90,
        "storage": "TopK(k=1, tail='uniform')",
        "augmentation": "flip",
        "seed": 4,
        "views": 2,
        "shard_examples": 4096,
        "precision": "float32",
    }
    assert made.identity.to_json() == expected
    manifest = json.loads((tmp_path / "cache" / "cache.json").read_text())
    assert manifest["identity"] == expected
    assert manifest["outputs"] == made.outputs == [3]
    crc32 = {
        name: zlib.crc32(content)
        for name, content in contents(tmp_path / "cache").items()
        if name.endswith(".npy")
    }
    assert manifest["crc32"] == crc32


def test_without_an_augmentation_the_seed_does_not_matter(build):
    assert build(seed=3).identity.seed == 0
    assert build(seed=4).identity.views == 1


def test_one_example_is_enough_and_none_is_not(tmp_path, build, train):
    one = build(examples=train.take(1), directory=str(tmp_path / "one"))
    assert one.identity.examples == 1
    (example,) = one.join(train.take(1))
    assert example["channel"]["teacher_logits"].shape == (3,)
    with pytest.raises(ValueError, match=r"at least one. Received: cardinality 0"):
        build(examples=train.take(0))


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


def test_a_cache_is_opened_without_its_teacher(
    tmp_path, build, tiny_dataset, train, teacher, small_shards
):
    options = {"storage": "float32", "augmentation": "flip", "seed": 4, "views": 2}
    directory, known = str(tmp_path / "cache"), fingerprint([Teacher(teacher)])

    def opened(known=known):
        arguments = (directory, known, train, tiny_dataset.spec)
        return teacher_cache.reopen(*arguments, **options)

    assert opened() is None
    made = build(**options)
    assert (opened().identity, opened().outputs) == (made.identity, [3])
    epoch = tf.Variable(1, dtype=tf.int64)
    served = [
        [e["channel"]["teacher_logits"] for e in c.join(train, epoch)]
        for c in (made, opened())
    ]
    np.testing.assert_array_equal(*served)
    with pytest.raises(ValueError, match=r"teacher=.* Received: teacher='another'"):
        opened("another")
    last = tmp_path / "cache" / "logits-1-00005.npy"
    last.write_bytes(last.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=f"{last.name} of the teacher cache is corr"):
        opened()
    last.unlink()
    assert opened() is None


@pytest.mark.parametrize("options", [{}, {"augmentation": "flip"}], ids=["", "flip"])
def test_what_is_opened_is_by_default_what_is_built(
    tmp_path, build, tiny_dataset, train, teacher, options
):
    made, known = build(**options), fingerprint([Teacher(teacher)])
    directory = str(tmp_path / "cache")
    opened = teacher_cache.reopen(directory, known, train, tiny_dataset.spec, **options)
    assert opened.identity == made.identity
    assert opened.identity.storage == "Dense(precision='float16')"
    assert (opened.identity.seed, opened.identity.views) == (0, 1)


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
    done = []
    teacher_cache.build(
        str(tmp_path),
        teacher,
        examples,
        spec,
        augmentation="flip",
        views=2,
        progress=done.append,
    )
    # 256 at a time, and the 40 that 9000 leaves.
    assert done == 2 * [*35 * [256], 40]
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


def test_a_teacher_without_numbers_is_named_with_its_batch(build, network, train):
    image = next(train.skip(13).take(1).as_numpy_iterator())["image"].astype("float32")
    inputs = keras.Input(image.shape)
    far = keras.ops.max(keras.ops.abs(inputs - image), axis=(1, 2, 3))[:, None]
    # Of one class alone.
    here = keras.ops.logical_and(keras.ops.equal(far, 0.0), np.array([0, 1, 0], bool))
    added = keras.ops.where(here, np.nan, 0.0)
    broken = keras.Model(inputs, network(3)(inputs) + added)
    # The 14th example is the sixth of the second batch of 8.
    with pytest.raises(ValueError, match=r"batch 1 of 8 .* first in its row 5\."):
        build(teacher=broken)


def test_join_refuses(build, train):
    cache = build(augmentation="flip", views=2)
    with pytest.raises(ValueError, match=r"`examples` must be .*Received: 80"):
        cache.join(train.take(80))
    with pytest.raises(ValueError, match=r"`epoch` must be .*views=2"):
        cache.join(train)


def test_a_teacher_is_traced_twice_whatever_sizes_its_batches_have(
    tmp_path, build, small_shards
):
    class Counted(keras.Model):
        def __init__(self):
            super().__init__()
            self.traced = []
            self.last = keras.layers.Dense(3)

        def call(self, x):
            self.traced.append(x.shape[0])
            return self.last(keras.ops.reshape(x, (-1, 432)) / 255)

    teacher = Counted()
    teacher(np.zeros((1, 12, 12, 3), "float32"))
    build(teacher=teacher)
    for shard in (0, 2, 3, 5):
        (tmp_path / "cache" / f"logits-0-0000{shard}.npy").unlink()
    teacher.traced.clear()
    # Parts of 16, 32 and 10 examples: batches of 12, 4, 12, 12, 8 and 10.
    build(teacher=teacher, batch_size=12)
    assert teacher.traced == [12, None]


@pytest.mark.parametrize("deterministic", [None, False])
def test_examples_stay_in_their_order_though_one_takes_long(
    tmp_path, tiny_dataset, teacher, deterministic
):
    sizes = [1500, *[16] * 40]

    def images():
        for i, size in enumerate(sizes):
            image = np.full((size, size, 3), i, np.uint8)
            yield {"image": image, "channel": 0, "side": 0, "id": f"{i}"}

    kinds = {key: tf.TensorSpec((), tf.int64) for key in ("channel", "side")}
    kinds["image"] = tf.TensorSpec((None, None, 3), tf.uint8)
    kinds["id"] = tf.TensorSpec((), tf.string)
    examples = tf.data.Dataset.from_generator(images, output_signature=kinds)
    counted = tf.data.experimental.assert_cardinality(len(sizes))
    examples = examples.apply(counted)
    if deterministic is not None:
        options = tf.data.Options()
        options.deterministic = deterministic
        examples = examples.with_options(options)
    change = {"augmentation": "resized_crop_flip"}
    spec = tiny_dataset.spec
    cache = teacher_cache.build(str(tmp_path), teacher, examples, spec, **change)
    ids = [int(example["id"]) for example in cache.join(examples).as_numpy_iterator()]
    assert ids == list(range(len(sizes)))
