"""Every architecture comes back from a .keras file and from .weights.h5."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
TEXT = {
    "vocabulary": VOCABULARY,
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 8,
    "sequence_length": 6,
}
VIT = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 8}
SPECS = {
    "age": tf.TensorSpec((), tf.float32),
    "hours": tf.TensorSpec((), tf.float32),
    "job": tf.TensorSpec((), tf.string),
    "education": tf.TensorSpec((), tf.int64),
}
TABLE = {
    "age": np.float32([30, 50]),
    "hours": np.float32([40, 20]),
    "job": np.array(["clerk", "cook"], object),
    "education": np.array([3, 5]),
}


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("lenet5", (32, 32, 3), {}),
        ("resnet20", (8, 8, 3), {}),
        ("resnet20", (8, 8, 3), {"shortcut": "B"}),
        ("resnet18", (8, 8, 3), {"stem": "small"}),
        ("resnet50", (32, 32, 3), {}),
        ("densenet121", (16, 16, 3), {"stem": "small", "growth_rate": 4}),
        ("tinyvit_11m", (32, 32, 3), {}),
        ("vit_b16", (32, 32, 3), VIT),
        ("bert", (), TEXT),
        ("distilbert", (), TEXT),
        ("mlp", SPECS, {}),
        ("wide_and_deep", SPECS, {}),
    ],
)
def test_round_trip(name, shape, options, tmp_path):
    if name in ("vit_b16", "bert", "distilbert"):
        pytest.importorskip("keras_hub")
    keras.utils.set_random_seed(0)
    model = models.build(name, shape, 3, **options)
    # A few heads begin with zeros.
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.uniform(0, 0.1, w.shape) for w in model.get_weights()])
    x = TABLE
    if not isinstance(shape, dict):
        x = (
            rng.integers(0, 256, (2, *shape), np.uint8)
            if shape
            else tf.constant(["Good", "not bad"])
        )
    expected = model(x).numpy()
    assert not np.allclose(expected[0], expected[1])

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-5, atol=1e-6)

    model.save_weights(tmp_path / "model.weights.h5")
    path = str(tmp_path / "model.weights.h5")
    again = models.build(name, shape, 3, pretrained=path, **options)
    np.testing.assert_allclose(again(x), expected, rtol=1e-5, atol=1e-6)
