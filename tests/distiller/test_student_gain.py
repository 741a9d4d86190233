"""A student with a good teacher is better than one with few noisy labels alone."""

import keras
import numpy as np
from scipy import special, stats

from kd_keras import Distiller

SEEDS = range(5)
SIZE, WIDTH, CLASSES = 300, 20, 3
# Of normal classes with these means and variance 1, the posterior's logits are linear.
MEANS = np.random.default_rng(0).normal(size=(CLASSES, WIDTH)) * 0.35
BIASES = -(MEANS**2).sum(1) / 2


def draw(size, rng):
    """Features, labels and the logits of the true posterior."""
    labels = rng.integers(0, CLASSES, size)
    features = (MEANS[labels] + rng.normal(size=(size, WIDTH))).astype("float32")
    return features, labels, features @ MEANS.T + BIASES


def student_loss(seed, distilled):
    """KL of the student from the true posterior, on 5,000 examples, in nats."""
    features, labels, logits = draw(SIZE, np.random.default_rng(seed))
    test, _, true_logits = draw(5_000, np.random.default_rng(100))
    keras.utils.set_random_seed(seed)
    student = keras.Sequential(
        [
            keras.Input((WIDTH,)),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(CLASSES),
        ]
    )
    model, y = student, labels
    if distilled:
        model = Distiller(student=student, temperature=2.0, alpha=0.9)
        y = {"labels": labels, "teacher_logits": logits.astype("float32")}
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(features, y, batch_size=100, epochs=30, verbose=0)
    truth = special.softmax(true_logits, -1)
    found = special.log_softmax(student.predict(test, batch_size=5_000, verbose=0), -1)
    return np.mean((truth * (special.log_softmax(true_logits, -1) - found)).sum(-1))


def test_the_gain_over_five_seeds_is_sure():
    gains = [student_loss(s, False) - student_loss(s, True) for s in SEEDS]
    margin = stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
    print(
        f"gain {np.mean(gains):.3f} +- {margin:.3f} nats (95 %): {np.round(gains, 3)}"
    )
    assert np.mean(gains) - margin > 0
