"""`config.precision`: what computes in it, and what stays in float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import demo
from kd_keras import export, litert, strategy
from pipelines.studies import config as configs
from pipelines.studies import config_checks, runs, stacks, study, trainers
from pipelines.studies.layout import Run

DISTILLED = Run("ds", 0, 4.0)


def _config(precision):
    config = demo.get_config()
    config.precision = precision
    for recipe in (config.teacher, config.student):
        recipe.model, recipe.model_options = "resnet20", {"depth": 8}
    config_checks.validate(config)
    return config


def _student(trainer):
    return getattr(trainer, "student", trainer)


@pytest.mark.parametrize("run", [Run("teacher", 0), Run("nds", 0), DISTILLED])
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_layers_compute_in_it_and_weights_and_logits_do_not(
    precision, run, tiny_dataset
):
    before = keras.config.dtype_policy()
    trainer = trainers.compiled(_config(precision), tiny_dataset, run, None)
    assert keras.config.dtype_policy() == before
    student = _student(trainer)
    computed = {layer.compute_dtype for layer in student.layers if layer.weights}
    # The last layer gives the logits.
    assert computed == {precision.removeprefix("mixed_"), "float32"}
    assert {weight.dtype for weight in student.weights} == {"float32"}
    assert student.output.dtype == "float32"
    scaled = isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")


def test_a_student_begins_with_the_same_weights_in_each(tiny_dataset):
    plain, mixed = (
        _student(trainers.compiled(_config(p), tiny_dataset, DISTILLED, None))
        for p in ("float32", "mixed_bfloat16")
    )
    for a, b in zip(plain.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    images = next(tiny_dataset.splits["test"].batch(8).as_numpy_iterator())["image"]
    a, b = plain(images), mixed(images)
    assert np.abs(a - b).max() > 0
    # bfloat16 has 8 bits; eight layers of it.
    np.testing.assert_allclose(a, b, atol=2**-8 * 8 * np.abs(a).max())


def test_runs_in_float32_are_those_of_studies_that_do_not_name_it():
    config, older = demo.get_config(), demo.get_config()
    del older["precision"]
    assert configs.digest(config) == configs.digest(older)
    config.precision = "mixed_bfloat16"
    assert configs.digest(config) != configs.digest(older)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=r"precision must be one of .*'float16'"):
        _config("float16")


def test_a_processor_is_warned_of(monkeypatch):
    monkeypatch.setattr(strategy, "has_accelerator", lambda: False)
    with pytest.warns(UserWarning, match=r"for GPUs and TPUs.*'float32'"):
        study._warn_of_precision(_config("mixed_float16"))


@pytest.mark.filterwarnings("error")
def test_an_accelerator_is_not_warned_of(monkeypatch):
    monkeypatch.setattr(strategy, "has_accelerator", lambda: True)
    study._warn_of_precision(_config("mixed_float16"))


def test_a_run_is_trained_and_served_and_is_not_for_litert(tmp_path, tiny_dataset):
    config = _config("mixed_bfloat16")
    config.student.epochs, config.student.batch_size = 1, 16
    runs.train_run(config, tiny_dataset, str(tmp_path), Run("nds", 0))
    directory = tmp_path / "student-nds" / "seed0"
    with np.load(directory / "predictions" / "test.npz") as predictions:
        logits = predictions["logits"]
    assert logits.dtype == "float32"
    path = str(directory / "export" / "1")
    served = export.load(path).signatures["serving_features"]
    images = [e["image"] for e in tiny_dataset.splits["test"].as_numpy_iterator()]
    probabilities = served(image=tf.constant(np.stack(images)))["probabilities"]
    assert probabilities.dtype == tf.float32
    # Two graphs of the same model may round bfloat16 otherwise.
    np.testing.assert_allclose(probabilities, tf.nn.softmax(logits), atol=2**-6)
    with pytest.raises(ValueError, match=r"computes in \['bfloat16'\].*float32"):
        litert.convert(path, "float32")


def test_a_stack_is_of_float32(tiny_dataset):
    config = _config("mixed_bfloat16")
    config.student.augmentation, config.teacher_cache = "", "float32"
    config.student.model, config.student.model_options = "lenet5", {}
    why = stacks.why_single(config, tiny_dataset)
    assert "precision='mixed_bfloat16'" in why
