"""Distils a teacher into a student with `kd_keras.Distiller`, on digits."""

import keras
from sklearn.datasets import load_digits

from kd_keras import Distiller


def dense(*units: int) -> keras.Model:
    hidden = [keras.layers.Dense(n, activation="relu") for n in units]
    scale = keras.layers.Rescaling(1 / 16)
    return keras.Sequential([keras.Input([64]), scale, *hidden, keras.layers.Dense(10)])


def main() -> None:
    x, y = load_digits(return_X_y=True)
    settings = {
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }
    teacher, student = dense(256, 256), dense(8)  # Both end in logits.
    teacher.compile("adam", **settings)
    teacher.fit(x[:1200], y[:1200], epochs=20, verbose=0)

    distiller = Distiller(student=student, teacher=teacher, temperature=4.0, alpha=0.8)
    distiller.compile("adam", **settings)
    distiller.fit(x[:1200], y[:1200], epochs=20, verbose=0)
    print(distiller.evaluate(x[1200:], y[1200:], verbose=0, return_dict=True))
    distiller.student.save("student.keras")


if __name__ == "__main__":
    main()
