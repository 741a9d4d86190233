"""One temperature of the sweep of study.py: as a study runs it, or keras.distillation.

The process's environment decides whether TensorFlow uses oneDNN.
"""

import argparse
import gc
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from benchmarks import steps_keras, turns
from kd_keras import Distiller, models, teacher_cache, training
from kd_keras.datasets import Dataset
from pipelines.studies import layout
from pipelines.studies.layout import Run
from pipelines.studies.traced import TracedStep

ALPHA = 0.8


class EpochTimes(keras.callbacks.Callback):
    """Seconds of every epoch; the first one traces the step."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._began)


class Sweep:
    """Students of one teacher at temperature 1, 2, ..., over random images."""

    def __init__(self, args: argparse.Namespace, directory: str):
        self.args, self.directory = args, directory
        self.shape = (args.size, args.size, 3)
        rng = np.random.default_rng(0)
        self.images = rng.integers(
            0, 256, (args.steps * args.batch_size, *self.shape), dtype=np.uint8
        )
        self.labels = rng.integers(0, args.classes, len(self.images))
        self.examples = steps_keras.as_examples(self.images, self.labels)
        self.validation = self.examples.take(args.batch_size)
        self.spec = steps_keras.spec(args.classes, self.shape)
        self.path = os.path.join(directory, "teacher.keras")
        teacher = models.build(args.teacher, self.shape, args.classes)
        # Where no moving statistics were learned, logits grow with the depth.
        teacher.layers[-1].kernel.assign(teacher.layers[-1].kernel * 1e-4)
        teacher.save(self.path)
        self.traced = TracedStep()
        # As a study does: its runs do not look at what was there before them.
        gc.collect()
        gc.freeze()
        self.known = ""  # The teacher's fingerprint, once there are caches.
        self._numbers: Iterator[int] = itertools.count(1)

    def teacher(self) -> keras.Model:
        teacher = keras.models.load_model(self.path)
        return models.fuse_batch_normalization(teacher, inference=True)

    def caches(self, teacher: keras.Model) -> list[teacher_cache.TeacherCache]:
        """Of the training split and of the validation split, one batch of it."""
        return [
            teacher_cache.build(path, teacher, examples, self.spec, storage="float32")
            for path, examples in self._splits()
        ]

    def make_caches(self) -> None:
        made, _ = self.caches(self.teacher())
        self.known = made.identity.teacher

    def reopened(self) -> list[teacher_cache.TeacherCache]:
        """The caches without their teacher, by its digest."""
        if not self.known:
            self.make_caches()
        found = (
            teacher_cache.reopen(
                path, self.known, examples, self.spec, storage="float32"
            )
            for path, examples in self._splits()
        )
        return [cache for cache in found if cache]

    def _splits(self) -> list[tuple[str, tf.data.Dataset]]:
        splits = {"train": self.examples, "validation": self.validation}
        return [(os.path.join(self.directory, name), s) for name, s in splits.items()]

    def ours(self) -> list[float]:
        """What pipelines.studies.runs does to train a distilled student."""
        number = next(self._numbers)
        run = Run(layout.DS, seed=0, temperature=float(number))
        distiller = self.traced.again(run, lambda: self.known) or self._first(run)
        gc.collect()
        train, validation = self.reopened()
        joined = validation.join(self.validation)
        times = EpochTimes()
        training.fit(
            distiller,
            Dataset(self.spec, {"train": self.examples, "validation": joined}),
            directory=os.path.join(self.directory, f"run{number}"),
            epochs=self.args.epochs,
            batch_size=self.args.batch_size,
            seed=0,
            cache=train,
            callbacks=[times],
        )
        return times.seconds

    def _first(self, run: Run) -> keras.Model:
        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(run.seed)
        student = models.build(self.args.student, self.shape, self.args.classes)
        distiller = Distiller(student=student, temperature=run.temperature, alpha=ALPHA)
        self._compile(distiller, jit_compile=False)
        return self.traced.take(distiller, run, self.known)

    def theirs(self) -> list[float]:
        """The same loop over keras.distillation, as its user writes it."""
        number = next(self._numbers)
        keras.backend.clear_session()
        teacher = keras.models.load_model(self.path)
        keras.utils.set_random_seed(0)
        build = models.MODELS[self.args.student]
        distiller = keras.distillation.Distiller(
            teacher,
            build(self.shape, self.args.classes),
            keras.distillation.LogitsDistillation(
                float(number), keras.losses.KLDivergence()
            ),
            student_loss_weight=1 - ALPHA,
        )
        self._compile(distiller)
        batches = steps_keras.shuffled(self.images, self.labels, self.args.batch_size)
        times = EpochTimes()
        distiller.fit(
            batches,
            epochs=self.args.epochs,
            validation_data=batches.take(1),
            callbacks=[times],
            verbose=0,
        )
        return times.seconds

    def _compile(self, trainer: keras.Model, **options) -> None:
        metrics = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
        trainer.compile(
            steps_keras.optimizer(0.01),
            steps_keras.hard_loss(),
            metrics=metrics,
            **options,
        )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("teacher", "student"):
        parser.add_argument(f"--{name}")
    for name in ("size", "classes", "batch-size", "steps", "epochs"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--students", type=int, help="Train so many, print, and end.")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as directory:
        sweep = Sweep(args, directory)
        functions: dict[str, Callable] = {
            "cache": sweep.make_caches,
            "ours": sweep.ours,
            "theirs": sweep.theirs,
        }
        if args.students:
            seconds, cpu = turns.measure(
                lambda: [sweep.ours() for _ in range(args.students)]
            )
            print(seconds, cpu, turns.peak_memory())
            return
        turns.serve(functions)


if __name__ == "__main__":
    main()
