"""Measures the teacher cache: writing, containers, the student's step, memory.

    python -m benchmarks.cache

Competitors take turns in one process; the figures are medians over the rounds, wall
clock and CPU time. On a machine that others use too, the CPU time says more.
"""

import argparse
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.turns import machine, peak_memory, timed
from kd_keras import Distiller, models, teacher_cache
from kd_keras.datasets import DatasetSpec
from kd_keras.datasets.batches import (
    evaluation_batches,
    training_batches,
    without_autotune,
)

SPEC = DatasetSpec(
    name="noise",
    features={"image": tf.TensorSpec((32, 32, 3), tf.uint8)},
    label="label",
    class_names=tuple(map(str, range(10))),
    groups={},
)


def images(size: int) -> tf.data.Dataset:
    """Examples that are drawn as they are read: no memory grows with their number."""

    def draw(i: tf.Tensor) -> dict[str, tf.Tensor]:
        seed = tf.stack([i, i])
        pixels = tf.random.stateless_uniform((32, 32, 3), seed, 0, 256, tf.int32)
        return {
            "image": tf.cast(pixels, tf.uint8),
            "label": i % 10,
            "id": tf.strings.as_string(i),
        }

    return tf.data.Dataset.range(size).map(draw)


def exhaust(dataset: tf.data.Dataset) -> None:
    for _ in without_autotune(dataset):
        pass


def measure_writing(examples: tf.data.Dataset, rounds: int) -> None:
    """A build against `predict` over the same batches; both trace the teacher."""
    teacher = models.build("resnet20", (32, 32, 3), 10)
    teacher.compile(jit_compile=False)
    size = int(examples.cardinality())
    bytes_made = []

    def build() -> None:
        with tempfile.TemporaryDirectory() as directory:
            teacher_cache.build(directory, teacher, examples, SPEC)
            with os.scandir(directory) as entries:
                bytes_made.append(sum(entry.stat().st_size for entry in entries))

    def predict() -> None:
        teacher.make_predict_function(force=True)
        teacher.predict(evaluation_batches(examples, SPEC), verbose=0)

    found = timed({"predict": predict, "build": build}, rounds)
    print(
        f"writing, ResNet-20, {size:,} images: predict "
        f"{found['predict'].per(size, 1e3)} ms an image, speed of build "
        f"{found['predict'].over(found['build'])} of it; "
        f"{bytes_made[-1] / size:.2f} bytes an example, 10 classes, float16"
    )


def measure_precision(name: str, examples: tf.data.Dataset, rounds: int) -> None:
    """Builds with the teacher in bfloat16 and in float32, as studies run it."""
    model = models.build(name, (32, 32, 3), 10)
    teacher = models.fuse_batch_normalization(model, inference=True)
    size, differences = int(examples.cardinality()), []

    def build(precision: str) -> None:
        with tempfile.TemporaryDirectory() as directory:
            cache = teacher_cache.build(
                directory, teacher, examples, SPEC, precision=precision
            )
            differences.append(cache.largest_difference)

    found = timed(
        {p: functools.partial(build, p) for p in ("float32", "bfloat16")}, rounds
    )
    print(
        f"writing, {name}, {size:,} images: float32 {found['float32'].per(size, 1e3)} "
        f"ms an image, bfloat16 {found['bfloat16'].over(found['float32'])} of it; "
        f"logits differ by {max(differences):.2g} at most (weights are random)"
    )


def measure_containers(size: int, classes: int, rounds: int) -> None:
    """Bytes and time of rows of a key and float16 logits in three containers."""
    from array_record.python import array_record_module as array_record

    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2**63, (size, 2)).astype("<u8")
    logits = rng.normal(size=(size, classes)).astype("<f2")
    with tempfile.TemporaryDirectory() as directory:
        paths = {
            kind: f"{directory}/{kind}"
            for kind in ("keys.npy", "logits.npy", "tfrecord", "array_record")
        }

        def write_npy() -> None:
            np.save(paths["keys.npy"], keys)
            np.save(paths["logits.npy"], logits)

        def write_tfrecord() -> None:
            with tf.io.TFRecordWriter(paths["tfrecord"]) as writer:
                for key, row in zip(keys, logits, strict=True):
                    writer.write(key.tobytes() + row.tobytes())

        def write_array_record() -> None:
            writer = array_record.ArrayRecordWriter(
                paths["array_record"], "group_size:1024"
            )
            for key, row in zip(keys, logits, strict=True):
                writer.write(key.tobytes() + row.tobytes())
            writer.close()

        def read_npy() -> None:
            columns = [
                tf.data.FixedLengthRecordDataset(paths[name], size, header_bytes=128)
                for name, size in (("keys.npy", 16), ("logits.npy", 2 * classes))
            ]
            exhaust(tf.data.Dataset.zip(tuple(columns)).batch(64))

        def read_array_record() -> None:
            reader = array_record.ArrayRecordReader(paths["array_record"])
            while reader.record_index() < size:
                reader.read()

        writing = timed(
            {
                "npy": write_npy,
                "tfrecord": write_tfrecord,
                "array_record": write_array_record,
            },
            rounds,
        )
        reading = timed(
            {
                "npy": read_npy,
                "tfrecord": lambda: exhaust(
                    tf.data.TFRecordDataset(paths["tfrecord"]).batch(64)
                ),
                "array_record": read_array_record,
            },
            rounds,
        )
        for kind in writing:
            used = sum(
                os.path.getsize(path)
                for name, path in paths.items()
                if name.split(".")[-1] == kind
            )
            print(
                f"{kind}, {size:,} x {classes} classes: {used / size:.2f} bytes, "
                f"write {writing[kind].per(size, 1e6)} us, "
                f"stream {reading[kind].per(size, 1e6)} us an example"
            )


def measure_step(student: str, examples: tf.data.Dataset, rounds: int) -> None:
    """An epoch of a student: alone, with constant logits, cached, live."""
    examples = examples.cache()
    epoch = tf.Variable(0, dtype=tf.int64)
    teacher = models.build("resnet20", (32, 32, 3), 10)
    steps = -(-int(examples.cardinality()) // 64)

    def trainer(served: tf.data.Dataset, wrap: Callable) -> Callable[[], object]:
        model = wrap(models.build(student, (32, 32, 3), 10))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
        batches = training_batches(
            served,
            SPEC,
            batch_size=64,
            seed=0,
            epoch=epoch,
            shuffle_buffer=int(examples.cardinality()),
        )
        return lambda: model.fit(batches, shuffle=False, verbose=0)

    def without_teacher(example: dict[str, tf.Tensor]) -> dict:
        label = {"labels": example["label"], "teacher_logits": tf.zeros(10)}
        return {**example, "label": label}

    def cached(model: keras.Model) -> Distiller:
        return Distiller(student=model)

    def live(model: keras.Model) -> Distiller:
        return Distiller(student=model, teacher=teacher)

    with tempfile.TemporaryDirectory() as directory:
        cache = teacher_cache.build(directory, teacher, examples, SPEC)
        found = timed(
            {
                "student": trainer(examples, lambda model: model),
                "bare": trainer(examples.map(without_teacher), cached),
                "cached": trainer(cache.join(examples), cached),
                "live": trainer(examples, live),
            },
            rounds,
        )
    text = ", ".join(f"{n} {cost.per(steps, 1e3)} ms" for n, cost in found.items())
    print(
        f"step of 64, {student}: {text}; "
        f"cached {found['cached'].over(found['student'])} of the student alone, "
        f"{found['cached'].over(found['bare'])} of the Distiller without a cache"
    )


def measure_validation(student: str, examples: tf.data.Dataset, rounds: int) -> None:
    """A pass over validation data, as after every epoch: alone, and cached."""
    examples = examples.cache()
    teacher = models.build("resnet20", (32, 32, 3), 10)
    size = int(examples.cardinality())

    def validation(served: tf.data.Dataset, model: keras.Model) -> Callable:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
        batches = evaluation_batches(served, SPEC)
        return lambda: model.evaluate(batches, verbose=0)

    alone = models.build(student, (32, 32, 3), 10)
    with tempfile.TemporaryDirectory() as directory:
        cache = teacher_cache.build(directory, teacher, examples, SPEC)
        taught = Distiller(student=models.build(student, (32, 32, 3), 10))
        found = timed(
            {
                "student": validation(examples, alone),
                "cached": validation(cache.join(examples), taught),
            },
            rounds,
        )
    print(
        f"validation, {student}, {size:,} images: student "
        f"{found['student'].per(size, 1e6)} us an image; cached "
        f"{found['cached'].over(found['student'])} of it"
    )


def measure_joining(size: int, rounds: int) -> None:
    """An epoch of batches with and without a cache, of two lengths."""
    teacher = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    epochs = {}
    with tempfile.TemporaryDirectory() as directory:
        for count in (size, 4 * size):
            examples = images(count).cache()
            cache = teacher_cache.build(f"{directory}/{count}", teacher, examples, SPEC)
            for name, served in (("plain", examples), ("joined", cache.join(examples))):
                batches = training_batches(
                    served,
                    SPEC,
                    batch_size=64,
                    seed=0,
                    epoch=tf.Variable(0, dtype=tf.int64),
                    shuffle_buffer=count,
                )
                epochs[name, count] = functools.partial(exhaust, batches)
        found = timed(epochs, rounds)
    for name in ("plain", "joined"):
        short, long = found[name, size].cpu, found[name, 4 * size].cpu
        example = (long - short) / (3 * size)
        print(
            f"input pipeline, {name}: CPU {example * 1e6:.2f} us an example, "
            f"{(short - example * size) * 1e3:.1f} ms an epoch"
        )


def measure_memory(size: int) -> None:
    """Peak of this process, after building and reading a cache."""
    teacher = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    with tempfile.TemporaryDirectory() as directory:
        cache = teacher_cache.build(directory, teacher, images(size), SPEC)
        exhaust(cache.join(images(size)).batch(64))
    print(f"memory, {size:,} examples: peak {peak_memory():,.0f} MiB")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=4096)
    parser.add_argument("--container-examples", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--students", nargs="*", default=["lenet5", "resnet20"])
    parser.add_argument("--teachers", nargs="*", default=["resnet20", "resnet56"])
    parser.add_argument("--memory", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--peak-memory", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    if args.peak_memory:
        measure_memory(args.peak_memory)
        return
    print(machine())
    for classes in (10, 1000):
        measure_containers(args.container_examples, classes, args.rounds)
    examples = images(args.examples)
    measure_writing(examples, args.rounds)
    for teacher in args.teachers:
        measure_precision(teacher, examples.cache(), args.rounds)
    measure_joining(args.examples, args.rounds)
    for student in args.students:
        measure_step(student, examples, args.rounds)
        measure_validation(student, examples, args.rounds)
    for factor in args.memory:
        size = factor * args.examples
        subprocess.run(
            [sys.executable, "-m", "benchmarks.cache", f"--peak-memory={size}"],
            check=True,
        )


if __name__ == "__main__":
    main()
