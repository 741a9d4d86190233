"""A distilled student against the same student trained on labels alone."""

import keras
import numpy as np
import pytest
from scipy import stats

from kd_keras.datasets import trifeature
from kd_keras.distiller import Distiller

SEEDS = 5


def network(filters, blocks):
    layers = [keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255)]
    for block in range(blocks):
        layers += [
            keras.layers.Conv2D(filters * 2**block, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(),
        ]
    return keras.Sequential(
        [*layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    )


def fit(model, train, epochs):
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(*train, batch_size=128, epochs=epochs, verbose=0)
    return model


@pytest.mark.slow
def test_distillation_helps_on_trifeature(tmp_path):
    dataset = trifeature.load(
        data_dir=str(tmp_path), label="shape", image_size=32, versions=3
    )

    def arrays(split):
        rows = list(dataset.splits[split].as_numpy_iterator())
        return np.stack([r["image"] for r in rows]), np.array(
            [r["shape"] for r in rows]
        )

    train, test = arrays("train"), arrays("test")
    keras.utils.set_random_seed(100)
    teacher = fit(network(32, 4), train, epochs=15)

    def student_accuracy(seed, distilled):
        keras.utils.set_random_seed(seed)
        student = network(8, 3)
        model = Distiller(student, teacher, temperature=4) if distilled else student
        fit(model, train, epochs=10)
        return np.mean(student.predict(test[0], verbose=0).argmax(-1) == test[1])

    differences = [
        student_accuracy(seed, True) - student_accuracy(seed, False)
        for seed in range(SEEDS)
    ]
    mean = np.mean(differences)
    margin = stats.t.ppf(0.975, SEEDS - 1) * stats.sem(differences)
    accuracy = np.mean(teacher.predict(test[0], verbose=0).argmax(-1) == test[1])
    print(
        f"teacher {accuracy:.3f}, gain {mean:.3f} +- {margin:.3f} (95 %): {differences}"
    )
    assert mean > 0
