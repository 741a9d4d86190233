"""Distils one's own teacher on one's own data, and audits the student."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import kd_keras


def my_examples() -> tf.data.Dataset:
    """Dicts of an image, its digit, and the group of who wrote it: light or heavy."""
    images, digits = load_digits(return_X_y=True)
    ink = images.mean(axis=1)
    # Heavy: more ink than the median image of the same digit.
    median = np.array([np.median(ink[digits == digit]) for digit in range(10)])
    return tf.data.Dataset.from_tensor_slices(
        {
            "image": (images / 16).astype(np.float32),
            "digit": digits,
            "hand": (ink > median[digits]).astype(int),
        }
    )


def my_model(*units: int) -> keras.Model:
    hidden = [keras.layers.Dense(n, activation="relu") for n in units]
    return keras.Sequential([keras.Input([64]), *hidden, keras.layers.Dense(10)])


def main() -> kd_keras.Audit:
    keras.utils.set_random_seed(0)
    examples = my_examples()
    teacher, alone, student = my_model(256, 256), my_model(8), my_model(8)
    # [start README]
    train, test = examples.take(1000), examples.skip(1000)
    names = [str(digit) for digit in range(10)]
    hand = {"hand": ("light", "heavy")}
    spec = kd_keras.DatasetSpec.of(train, label="digit", class_names=names, groups=hand)
    batches = train.map(lambda e: (e["image"], e["digit"])).shuffle(1000).batch(32)
    distiller = kd_keras.Distiller(
        student=student, teacher=teacher, temperature=4.0, alpha=0.8
    )
    for model in (teacher, alone, distiller):  # Or without a teacher that is trained.
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(3e-3), loss=loss)
        model.fit(batches, epochs=30, shuffle=False, verbose=0)
    models = {"teacher": teacher, "alone": alone, "distilled": student}
    result = kd_keras.audit(models, test, spec)
    print(result)
    # [end README]
    return result


if __name__ == "__main__":
    main()
