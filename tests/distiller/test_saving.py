"""Saving, loading and going on exactly where training stopped."""

import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.distiller import Distiller

SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype("float32")
Y = RNG.integers(0, 3, 40)
DATA = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


def network(width, seed, dropout=0.0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(width, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(dropout, seed=seed),
            keras.layers.Dense(3),
        ]
    )


TEACHER = network(64, 1)


def compiled():
    distiller = Distiller(
        student=network(8, 2, dropout=0.3),
        teacher=TEACHER,
        temperature=keras.optimizers.schedules.PolynomialDecay(1.0, 10, 4.0),
        alpha=0.5,
        hints=[losses.FeatureHint("hidden", "hidden", name="hint")],
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.9)
    distiller.compile(keras.optimizers.Adam(rate), SPARSE, metrics=["accuracy"])
    return distiller


@pytest.fixture
def trained():
    keras.utils.set_random_seed(3)
    distiller = compiled()
    distiller.fit(DATA, epochs=2, verbose=0)
    return distiller


def test_row_11_fit_save_load_fit_equals_fit(trained, tmp_path):
    trained.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    assert loaded.teacher is None
    assert loaded.optimizer.iterations == trained.optimizer.iterations
    loaded.teacher = TEACHER
    histories = [d.fit(DATA, epochs=2, verbose=0).history for d in (trained, loaded)]
    assert histories[0] == histories[1]
    for a, b in zip(trained.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_changed_temperature_is_restored(tmp_path):
    distiller = Distiller(student=network(8, 2), teacher=TEACHER)
    distiller.compile("sgd", SPARSE)
    distiller.temperature, distiller.alpha = 2.5, 0.3
    distiller.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    assert (loaded.temperature, loaded.alpha) == (2.5, 0.3)


def test_another_teacher_is_refused_unless_told(trained, tmp_path):
    trained.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    other = network(64, 9)
    with pytest.raises(ValueError, match="`teacher` is not the one"):
        loaded.teacher = other
    loaded.attach_teacher(other, allow_different=True)
    assert loaded.teacher is other
    loaded.fit(DATA, verbose=0)


def test_a_teacher_with_changed_weights_is_refused(trained):
    expected = trained.teacher_fingerprint
    changed = keras.models.clone_model(TEACHER)
    changed.set_weights([w + 1e-3 for w in TEACHER.get_weights()])
    with pytest.raises(ValueError, match=expected):
        trained.teacher = changed
    same = keras.models.clone_model(TEACHER)
    same.set_weights(TEACHER.get_weights())
    trained.teacher = same


def datasets_in(path):
    shapes = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                shapes.append(item.shape) if isinstance(item, h5py.Dataset) else None
            )
        )
    return shapes


def test_row_12_no_file_holds_the_teacher(trained, tmp_path):
    trained.save(tmp_path / "d.keras")
    with zipfile.ZipFile(tmp_path / "d.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
        config = archive.read("config.json").decode()
    trained.save_weights(tmp_path / "w.weights.h5")
    tf.train.Checkpoint(trained).save(str(tmp_path / "ckpt"))
    checkpoint = tf.train.list_variables(str(tmp_path))
    # Only a teacher of 64 units has shapes with 64, but for the projection's
    # kernel and its two Adam slots.
    for shapes in (
        datasets_in(tmp_path / "model.weights.h5"),
        datasets_in(tmp_path / "w.weights.h5"),
        [tuple(shape) for _, shape in checkpoint],
    ):
        assert [shape for shape in shapes if 64 in shape] == [(8, 64)] * 3
    assert trained.teacher_fingerprint in config
    assert '"units": 64' not in config


def test_model_checkpoint_and_backup_resume_exactly(tmp_path):
    def fit(distiller, epochs, *callbacks):
        return distiller.fit(
            DATA, epochs=epochs, verbose=0, callbacks=list(callbacks)
        ).history

    backup = keras.callbacks.BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    expected = fit(compiled(), 4)
    fit(compiled(), 2, backup)
    assert (
        sorted(s for s in datasets_in(tmp_path / "b/latest.weights.h5") if 64 in s)
        == [(8, 64)] * 3
    )
    resumed = fit(
        compiled(),
        4,
        keras.callbacks.BackupAndRestore(tmp_path / "b"),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
    )
    assert resumed == {name: values[2:] for name, values in expected.items()}
    loaded = keras.saving.load_model(tmp_path / "4.keras")
    loaded.teacher = TEACHER
    assert loaded.optimizer.iterations == 12


def test_student_is_saved_alone(trained, tmp_path):
    trained.student.save(tmp_path / "s.keras")
    loaded = keras.saving.load_model(tmp_path / "s.keras")
    np.testing.assert_array_equal(
        loaded.predict(X, verbose=0), trained.predict(X, verbose=0)
    )


def test_config_survives_a_round_trip():
    distiller = Distiller(
        student=network(8, 2),
        temperature=2.0,
        soft_loss=losses.DecoupledLoss(1.0, 2.0, 3),
        combine_teachers="logits",
        teacher_weights=[1.0, 2.0],
        scale_by_temperature_squared=False,
    )
    restored = Distiller.from_config(distiller.get_config())
    assert restored.get_config() == distiller.get_config()
