"""The distillation step of distill_step.py in Keras: kd_keras and keras.distillation.

The process's environment decides whether TensorFlow uses oneDNN.
"""

import argparse
import tempfile
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks import turns
from kd_keras import Distiller, models, teacher_cache
from kd_keras.datasets import DatasetSpec
from kd_keras.datasets.batches import (
    evaluation_batches,
    training_batches,
    without_autotune,
)

SHAPE = (32, 32, 3)


def spec(classes: int, shape: tuple[int, int, int] = SHAPE) -> DatasetSpec:
    return DatasetSpec(
        name="noise",
        features={"image": tf.TensorSpec(shape, tf.uint8)},
        label="label",
        class_names=tuple(map(str, range(classes))),
        groups={},
    )


def as_examples(images: np.ndarray, labels: np.ndarray) -> tf.data.Dataset:
    ids = [str(i) for i in range(len(labels))]
    return tf.data.Dataset.from_tensor_slices(
        {"image": images, "label": labels, "id": ids}
    )


def shuffled(images: np.ndarray, labels: np.ndarray, batch: int) -> tf.data.Dataset:
    """What a user of Keras writes, without the stall of the autotuner."""
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    dataset = dataset.shuffle(len(labels)).batch(batch).prefetch(tf.data.AUTOTUNE)
    return without_autotune(dataset)


def optimizer(learning_rate: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(learning_rate, momentum=0.9)


def hard_loss() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Steps:
    """Models with given weights, and what trains them.

    Args:
      args: as `parse_arguments` gives.
      data: images, labels, number of classes, weights of both models.
    """

    def __init__(self, args: argparse.Namespace, data: dict):
        self.args = args
        self.images, self.labels = data["images"], data["labels"]
        self.classes = int(data["classes"])
        self.weights = {
            role: [data[f"{role}{i}"] for i in range(int(data[role]))]
            for role in ("teacher", "student")
        }
        self.examples = as_examples(self.images, self.labels)
        self.spec = spec(self.classes)

    def model(self, role: str, build: Callable) -> keras.Model:
        model = build(getattr(self.args, role), SHAPE, self.classes)
        model.set_weights(self.weights[role])
        return model

    def stock(self, role: str) -> keras.Model:
        """With Keras' own batch normalization."""
        return self.model(role, lambda name, *args: models.MODELS[name](*args))

    def fused_teacher(self) -> keras.Model:
        """As a study has it."""
        teacher = self.model("teacher", models.build)
        return models.fuse_batch_normalization(teacher, inference=True)

    def epochs(
        self, trainer: keras.Model, examples: tf.data.Dataset
    ) -> Callable[[], float]:
        """Trains for an epoch as a study does; returns the epoch's loss."""
        trainer.compile(
            optimizer(self.args.learning_rate),
            hard_loss(),
            metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
            jit_compile=False,
        )
        batches = training_batches(
            examples,
            self.spec,
            batch_size=self.args.batch_size,
            seed=0,
            epoch=tf.Variable(0, dtype=tf.int64),
            shuffle_buffer=len(self.labels),
        )
        return lambda: trainer.fit(batches, shuffle=False, verbose=0).history["loss"][0]

    def peer(self) -> keras.Model:
        """keras.distillation in the form that applies softmax and T^2."""
        soft = keras.distillation.LogitsDistillation(
            self.args.temperature, keras.losses.KLDivergence()
        )
        distiller = keras.distillation.Distiller(
            self.stock("teacher"),
            self.stock("student"),
            soft,
            student_loss_weight=1 - self.args.alpha,
        )
        distiller.compile(
            optimizer(self.args.learning_rate),
            hard_loss(),
            metrics=["accuracy"],
        )
        return distiller

    def peer_epochs(self) -> Callable[[], float]:
        distiller = self.peer()
        batches = shuffled(self.images, self.labels, self.args.batch_size)

        def epoch() -> float:
            return distiller.fit(batches, verbose=0).history["total_loss"][0]

        return epoch

    def peer_loss(self) -> float:
        first = slice(self.args.batch_size)
        x, y = self.images[first], self.labels[first]
        logs = self.peer().train_on_batch(x, y, return_dict=True)
        return float(logs["total_loss"])

    def distiller(self, teacher: keras.Model | None) -> Distiller:
        return Distiller(
            student=self.model("student", models.build),
            teacher=teacher,
            temperature=self.args.temperature,
            alpha=self.args.alpha,
        )

    def loss(self, examples: tf.data.Dataset, teacher: keras.Model | None) -> float:
        """Of the first batch, before any update."""
        distiller = self.distiller(teacher)
        distiller.compile(
            optimizer(self.args.learning_rate), hard_loss(), jit_compile=False
        )
        batches = evaluation_batches(
            examples, self.spec, batch_size=self.args.batch_size
        )
        return float(distiller.train_step(next(iter(batches)))["loss"])


def billion_operations(model: keras.Model) -> float:
    """Billions of floating-point operations of a prediction for one image."""
    graph = tf.function(model).get_concrete_function(tf.zeros((1, *SHAPE))).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder(
        tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    )
    options = options.with_empty_output().build()
    found = tf.compat.v1.profiler.profile(graph, options=options)
    return found.total_float_ops / 1e9


def multiply_matrices(side: int = 4096) -> Callable[[], float]:
    """Multiplies two square matrices; returns the billions of operations it took."""
    matrix = tf.random.normal((side, side), seed=0)
    multiply = tf.function(tf.linalg.matmul)

    def run() -> float:
        multiply(matrix, matrix).numpy()
        return 2 * side**3 / 1e9

    return run


def ours(steps: Steps, directory: str) -> dict[str, Callable]:
    """Competitors with kd_keras' settings, the parts of a step, first losses."""
    teacher = steps.fused_teacher()
    cache = teacher_cache.build(
        directory, teacher, steps.examples, steps.spec, storage="float16"
    )
    cached = cache.join(steps.examples)
    batches = evaluation_batches(
        steps.examples, steps.spec, batch_size=steps.args.batch_size
    )
    inference = steps.fused_teacher()
    inference.compile(jit_compile=False)
    return {
        "loss": lambda: steps.loss(steps.examples, teacher),
        "cached loss": lambda: steps.loss(cached, None),
        "billion operations": lambda: {
            role: billion_operations(steps.stock(role)) for role in steps.weights
        },
        "multiply matrices": multiply_matrices(),
        "student alone": steps.epochs(
            steps.model("student", models.build), steps.examples
        ),
        "teacher's predict": lambda: len(inference.predict(batches, verbose=0)),
        "kd_keras, live": steps.epochs(steps.distiller(teacher), steps.examples),
        "kd_keras, cached": steps.epochs(steps.distiller(None), cached),
    }


def peer(steps: Steps, settings: str) -> dict[str, Callable]:
    """keras.distillation as its user runs it; the process has the settings."""
    return {
        "loss": steps.peer_loss,
        f"keras.distillation{settings}": steps.peer_epochs(),
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("teacher", "student", "data"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--batch-size", type=int)
    for name in ("temperature", "alpha", "learning-rate"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--peer", help="Settings of the process, for its name.")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    steps = Steps(args, np.load(args.data, allow_pickle=False))
    if args.peer is not None:
        turns.serve(peer(steps, args.peer))
        return
    with tempfile.TemporaryDirectory() as directory:
        turns.serve(ours(steps, directory))


if __name__ == "__main__":
    main()
