"""LeNet-5 on Trifeature's shapes: what it gains from a ResNet-20, over five seeds.

python -m benchmarks.student_gain: 5 minutes on two cores.
"""

import tempfile

import keras
import numpy as np
import tensorflow as tf
from scipy import stats

from kd_keras import Distiller, models
from kd_keras.datasets import trifeature
from kd_keras.datasets.batches import without_autotune

SEEDS = range(5)


def batches(images, targets, seed):
    dataset = tf.data.Dataset.from_tensor_slices((images, targets))
    dataset = dataset.shuffle(len(images), seed=seed).batch(64).prefetch(2)
    return without_autotune(dataset)


def fit(model, train, epochs):
    steps = epochs * int(train.cardinality())
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(train, epochs=epochs, verbose=0)
    return model


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        measure(directory)


def measure(directory: str) -> None:
    dataset = trifeature.load(
        data_dir=directory,
        image_size=32,
        versions=4,
        shape_size=96,
        texture_scale=35,
    )

    def arrays(split):
        rows = list(dataset.splits[split].as_numpy_iterator())
        return (np.stack([row[key] for row in rows]) for key in ("image", "shape"))

    (images, labels), (test_images, test_labels) = arrays("train"), arrays("test")

    def accuracy(model):
        predictions = model.predict(test_images, batch_size=256, verbose=0)
        return np.mean(predictions.argmax(-1) == test_labels)

    keras.utils.set_random_seed(100)
    teacher = models.build("resnet20", (32, 32, 3), 10)
    fit(teacher, batches(images, labels, seed=100), epochs=10)
    logits = teacher.predict(images, batch_size=256, verbose=0)
    taught = {"labels": labels, "teacher_logits": logits}

    def student_accuracy(seed, distilled):
        keras.utils.set_random_seed(seed)
        student = models.build("lenet5", (32, 32, 3), 10)
        model = Distiller(student=student, temperature=4.0) if distilled else student
        fit(model, batches(images, taught if distilled else labels, seed), epochs=30)
        return accuracy(student)

    gains = [student_accuracy(s, True) - student_accuracy(s, False) for s in SEEDS]
    mean, margin = np.mean(gains), stats.t.ppf(0.975, 4) * stats.sem(gains)
    print(f"teacher {accuracy(teacher):.3f}; gain of the distilled student over five")
    print(f"seeds {mean:.3f} +- {margin:.3f} (95 %): {np.round(gains, 3)}")


if __name__ == "__main__":
    main()
