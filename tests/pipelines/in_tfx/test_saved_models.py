"""Where a pipeline's model is, and what it answers."""

import math
import os

import numpy as np
import pytest
import tensorflow as tf
import tfx_data

from kd_keras import models
from kd_keras.datasets import DatasetSpec
from kd_keras.export import save_model
from pipelines.tfx import saved_models

SPEC = DatasetSpec("s", {"u": tf.TensorSpec((), tf.float32)}, "y", ("no", "yes"), {})
EXAMPLES = [tfx_data.example({"u": 0.5}), tfx_data.example({"u": -2.0})]


@pytest.mark.parametrize(
    ("made", "asked", "found"),
    [
        ("Format-Serving", "", "Format-Serving"),
        ("Format-Serving", "Format-Serving", "Format-Serving"),
        # What FnArgs makes of an imported export/1 and of an imported export.
        ("", "Format-Serving", ""),
        ("1", "Format-Serving", "1"),
        ("12", "", "12"),
    ],
)
def test_where_a_model_is(tmp_path, made, asked, found):
    for folder in {made, "9" if made == "12" else made}:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "saved_model.pb").touch()
    path = saved_models.find(str(tmp_path / asked))
    assert path == str(tmp_path / found)


def test_no_model_is_said_with_the_places(tmp_path):
    with pytest.raises(ValueError, match=r"no saved_model.pb in any of .*source_uri"):
        saved_models.find(str(tmp_path / "Format-Serving"))


@pytest.mark.parametrize(
    ("output", "scores", "expected"),
    [
        # Logits -u and u; as probabilities their logarithms.
        ("logits", None, [[-0.5, 0.5], [2, -2]]),
        ("outputs", "logits", [[-0.5, 0.5], [2, -2]]),
        (
            "sigmoid",
            "probabilities",
            [
                [-math.log1p(math.exp(0.5)), -math.log1p(math.exp(-0.5))],
                [-math.log1p(math.exp(-2)), -math.log1p(math.exp(2))],
            ],
        ),
    ],
)
def test_logits_of_a_model_with_serving_default_alone(
    tmp_path, output, scores, expected
):
    path = os.fspath(tmp_path)
    tfx_data.save_examples_model(path, {"u": 1.0}, output)
    model = saved_models.load_model(path, SPEC, scores)
    assert not model.reads_features
    assert np.allclose(model.logits(tf.constant(EXAMPLES)), expected, atol=1e-6)
    assert len(model.fingerprint) == 64


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("outputs", {}, r"answers \['outputs'\].*teacher_outputs"),
        ("logits", {"scores": "probabilities"}, r"Received: 'probabilities'"),
        ("logits", {"scores": "odds"}, r"one of \['logits', 'probabilities'\]"),
        ("logits", {"raw": False}, r"transformed: it cannot read them"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, output, options, message):
    path = os.fspath(tmp_path)
    tfx_data.save_examples_model(path, {"u": 1.0}, output)
    with pytest.raises(ValueError, match=message):
        saved_models.load_model(path, SPEC, **options)


def test_scores_of_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"each of the 2 classes.*\(1, 3\)"):
        saved_models.as_logits(tf.zeros((1, 3)), "logits", 2)


def test_a_model_may_read_some_of_the_features(tmp_path):
    number = tf.TensorSpec((), tf.float32)
    spec = DatasetSpec("s", {"u": number, "v": number}, "y", ("no", "yes"), {})
    built = models.build("mlp", spec.features, 2, reads=("u",), hidden_units=())
    built.get_layer("logits").set_weights([np.float32([[-1, 1]]), np.zeros(2)])
    save_model(built, spec, str(tmp_path))
    # Examples cannot be read here, so it is the features or nothing.
    model = saved_models.load_model(str(tmp_path), spec, raw=False)
    assert model.reads_features
    found = model.logits({"u": tf.constant([0.5]), "v": tf.constant([9.0])})
    difference = float(found[0, 1] - found[0, 0])
    assert difference == pytest.approx(1.0, rel=2e-3)  # Batch normalization's epsilon.
