"""Embeddings for individual fairness: made once, by the teacher or a user's model."""

import keras
import numpy as np
import pytest
import study_config

from kd_keras import files
from pipelines.studies import config as configs
from pipelines.studies import (
    config_checks,
    embeddings,
    individual_options,
    run_record,
    sealed,
    study,
)
from pipelines.studies.layout import Run, run_dir

TEACHER = Run("teacher", 3)


@pytest.fixture
def workdir(tmp_path, tiny_dataset, monkeypatch):
    """A study whose teacher sees the mean colour of an image."""
    inputs = keras.Input((12, 12, 3))
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    logits = keras.layers.Dense(3, name="logits")(mean)
    directory = run_dir(str(tmp_path), TEACHER)
    files.gfile.makedirs(directory)
    keras.Model(inputs, logits).save(f"{directory}/model.keras")
    write_config(tmp_path)
    write_record(str(tmp_path), "a")
    monkeypatch.setattr(configs, "load_dataset", lambda config: tiny_dataset)
    return str(tmp_path)


def write_config(workdir, **individual_fairness):
    config = study_config.made_up("tiny", (3, 4), (4.0,))
    config["evaluation"]["individual_fairness"].update(individual_fairness)
    sealed.write(f"{workdir}/config.json", {"config": config})


def write_record(workdir, export):
    """The teacher's run.json, as of this export."""
    directory = run_dir(workdir, TEACHER)
    record = run_record.write(directory, TEACHER, configs.read_config(workdir), {})
    sealed.write(f"{directory}/run.json", {**record, "export_digest": export})


def examples(dataset):
    return next(dataset.splits["test"].batch(50).as_numpy_iterator())


def test_the_first_teacher_without_its_last_layer(workdir, tiny_dataset):
    assert embeddings.ensure(workdir) == f"{workdir}/embeddings/test.npz"
    found = embeddings.read(workdir, "test")
    test = examples(tiny_dataset)
    np.testing.assert_array_equal(found.ids, test["id"])
    expected = test["image"].mean(axis=(1, 2))
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert found.values.dtype == np.float32
    assert found.source == {"extractor": "teacher/seed3", "export": "a"}


def test_made_once_and_again_for_another_teacher(workdir, tiny_dataset, monkeypatch):
    path = embeddings.ensure(workdir)
    before = files.read_bytes(path)

    def forbidden(config):
        raise AssertionError("The data set is read again.")

    with monkeypatch.context() as patch:
        patch.setattr(configs, "load_dataset", forbidden)
        embeddings.ensure(workdir)
    assert files.read_bytes(path) == before
    write_record(workdir, "b")
    embeddings.ensure(workdir)
    assert embeddings.read(workdir, "test").source["export"] == "b"


def test_a_model_of_the_user(workdir, tiny_dataset):
    inputs = keras.Input((12, 12, 3))
    path = f"{workdir}/extractor.keras"
    keras.Model(inputs, keras.layers.Flatten()(inputs)).save(path)
    write_config(workdir, extractor=path)
    embeddings.ensure(workdir)
    found = embeddings.read(workdir, "test")
    expected = examples(tiny_dataset)["image"].reshape(50, -1)
    np.testing.assert_array_equal(found.values, expected)
    config = configs.read_config(workdir)
    assert embeddings.is_made_from(found, workdir, config)
    keras.Model(inputs, keras.layers.Flatten()(inputs * 2)).save(path)
    assert not embeddings.is_made_from(found, workdir, config)
    keras.Model(inputs, inputs).save(path)
    with pytest.raises(ValueError, match=r"extractor must be .*\(50, 12, 12, 3\)"):
        embeddings.ensure(workdir)


def test_examples_as_they_are(workdir, tiny_dataset):
    write_config(workdir, extractor="input")
    embeddings.ensure(workdir)
    found = embeddings.read(workdir, "test")
    assert found.source == {"extractor": "input"}
    images = examples(tiny_dataset)["image"].reshape(50, -1).astype(np.float64)
    expected = (images - images.mean(axis=0)) / 255
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


def test_what_is_missing_is_named(workdir):
    files.gfile.remove(f"{run_dir(workdir, TEACHER)}/run.json")
    with pytest.raises(ValueError, match="needs the teacher seed 3"):
        embeddings.ensure(workdir)
    write_config(workdir, extractor="nowhere.keras")
    with pytest.raises(ValueError, match=r"Received: 'nowhere\.keras'"):
        embeddings.ensure(workdir)


@pytest.mark.parametrize("name", ["resnet20", "lenet5", "wide_and_deep"])
def test_architectures_have_what_comes_before_the_logits(name):
    import tensorflow as tf

    from kd_keras import models

    shape = (32, 32, 3)
    if name == "wide_and_deep":
        shape = {
            "age": tf.TensorSpec((), tf.float32),
            "job": tf.TensorSpec((), tf.int64),
        }
    model = models.build(name, shape, 4)
    extractor = embeddings.before_logits(model)
    assert len(extractor.output.shape) == 2
    assert extractor.output.shape[1] == model.get_layer("logits").input.shape[1]


def test_a_last_layer_of_any_name_is_found():
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(7, activation="relu", name="hidden")
    head = keras.Sequential([keras.Input((7,)), keras.layers.Dense(3, name="scores")])
    nested = keras.Model(inputs, head(hidden(inputs)))
    stacked = keras.Sequential([keras.Input((5,)), hidden, keras.layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    for model in (nested, stacked):
        found = embeddings.before_logits(model)(x)
        np.testing.assert_allclose(found, hidden(x), atol=1e-6)


def test_a_model_without_such_a_layer_says_what_to_give():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    subclassed = Subclassed()
    subclassed(np.zeros((1, 5), np.float32))
    inputs = keras.Input((5,))
    for model in (subclassed, keras.Model(inputs, keras.layers.ReLU()(inputs))):
        with pytest.raises(embeddings.NoEmbeddingError, match=r"extractor a \.keras"):
            embeddings.before_logits(model)


def test_bad_options_are_refused_before_any_training(tmp_path):
    from configs import demo

    for field, value in {"input_distance": "taxicab", "pairs": 0}.items():
        config = demo.get_config()
        config.evaluation.individual_fairness[field] = value
        with pytest.raises(ValueError, match=f"individual_fairness.{field} must be"):
            config_checks.validate(config)
    config = demo.get_config()
    config.evaluation.individual_fairness.extractor = "nowhere.keras"
    with pytest.raises(ValueError, match=r"extractor must be.*'nowhere\.keras'"):
        study.train_study(config, str(tmp_path / "study"))
    assert not (tmp_path / "study").exists()


def test_a_study_that_names_no_options_has_the_defaults():
    assert individual_options.options({"evaluation": {}}) == {
        "extractor": "teacher",
        "input_distance": "cosine",
        "output_distance": "total_variation",
        "pairs": 100_000,
    }
