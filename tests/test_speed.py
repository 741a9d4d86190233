"""What must not cost time: another trace, an import that nothing needs."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import Distiller

MAINS = (
    "embeddings",
    "evaluate",
    "gate",
    "litert",
    "mitigate",
    "report.__main__",
    "select",
    "study",
    "tensorboard",
    "trainer",
)
# Whatever any of these imports, they take seconds.
HEAVY = ("tensorflow", "keras", "apache_beam", "tensorflow_model_analysis", "pandas")


def _network(seed):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


@pytest.mark.parametrize("cached", [False, True], ids=["live", "cached"])
def test_one_traced_step_serves_all_epochs_and_temperatures(cached):
    traces = []

    def soft_loss(teacher_logits, student_logits, temperature):
        traces.append(temperature)
        return keras.ops.mean((teacher_logits - student_logits) ** 2, -1) / temperature

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 4)).astype("float32"), rng.integers(0, 3, 10)
    if cached:
        y = {"labels": y, "teacher_logits": rng.normal(size=(10, 3))}
    distiller = Distiller(
        student=_network(0),
        teacher=None if cached else _network(1),
        soft_loss=soft_loss,
        scale_by_temperature_squared=False,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Nothing moves: the soft loss differs by the factor 1/T alone.
    distiller.compile(keras.optimizers.SGD(0.0), loss, jit_compile=False)
    # The last batch is smaller.
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    seen = []
    for temperature in (1.0, 4.0, 10.0):
        distiller.temperature = temperature
        logs = distiller.fit(batches, epochs=2, verbose=0).history
        seen.append(logs["soft_loss"][1] * temperature)
    np.testing.assert_allclose(seen, seen[0], rtol=1e-5)
    assert len(traces) == 1


def test_mains_import_nothing_heavy_before_they_have_parsed_their_flags():
    program = (
        "import importlib, sys\n"
        f"for main in {MAINS}:\n"
        "    importlib.import_module(f'pipelines.{main}')\n"
        f"    heavy = [name for name in {HEAVY} if name in sys.modules]\n"
        "    assert not heavy, (main, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert not done.returncode, done.stderr.decode()


def test_kd_keras_imports_no_package_that_keras_does_not():
    program = (
        "import sys, keras\n"
        "before = {name.split('.')[0] for name in sys.modules}\n"
        "from kd_keras import Distiller\n"
        "print(*{name.split('.')[0] for name in sys.modules} - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.stdout.decode().split() == ["kd_keras"], done.stderr.decode()
