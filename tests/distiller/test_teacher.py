"""Teachers that come as a SavedModel, and how the Distiller holds them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher

from kd_keras.distiller import Distiller


def soft_loss(teacher, **kwargs):
    distiller = Distiller(
        student=reads_student(), teacher=teacher, temperature=3, **kwargs
    )
    distiller.compile("sgd", SPARSE)
    logs = distiller.fit(X, LABELS, verbose=0).history
    return logs["soft_loss"][0]


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("teacher") / "1")
    reads_teacher().export(path, verbose=False)
    return path


@pytest.mark.parametrize(
    "load",
    [
        lambda path: keras.layers.TFSMLayer(path, call_endpoint="serve"),
        lambda path: keras.layers.TFSMLayer(path, call_endpoint="serving_default"),
        tf.saved_model.load,
    ],
    ids=["TFSMLayer", "TFSMLayer signature", "SavedModel"],
)
def test_saved_model(saved_model, load):
    assert soft_loss(load(saved_model)) == pytest.approx(1.346688, abs=2e-6)


def test_signature(saved_model):
    loaded = tf.saved_model.load(saved_model)
    value = soft_loss(loaded.signatures["serving_default"])
    assert value == pytest.approx(1.346688, abs=2e-6)


def test_a_signature_that_outlives_its_model_is_refused(saved_model):
    signature = tf.saved_model.load(saved_model).signatures["serving_default"]
    with pytest.raises(ValueError, match="`teacher` is a signature whose variables"):
        Distiller(student=reads_student(), teacher=signature)


def test_fingerprint_of_a_saved_model(saved_model):
    prints = [
        Distiller(
            student=reads_student(), teacher=tf.saved_model.load(saved_model)
        ).teacher_fingerprint
        for _ in range(2)
    ]
    assert prints[0] == prints[1]


def test_signature_with_several_outputs_by_name(tmp_path):
    inputs = keras.Input((6,))
    teacher = keras.Model(inputs, {"logits": reads_teacher()(inputs), "other": inputs})
    teacher.export(str(tmp_path / "t"), verbose=False)
    student = keras.Model(inputs, {"logits": reads_student()(inputs)})
    distiller = Distiller(
        student=student,
        teacher=tf.saved_model.load(str(tmp_path / "t")),
        temperature=3,
        alpha=1.0,
    )
    distiller.compile("sgd", SPARSE)
    logs = distiller.evaluate(X, {"logits": LABELS}, return_dict=True, verbose=0)
    assert logs["soft_loss"] == pytest.approx(1.346688, abs=2e-6)


def test_keras_distillation_loss():
    # Its own temperature and T^2 apply, ours do not: case 1 at T=3.
    loss = keras.distillation.LogitsDistillation(
        temperature=3.0, loss=keras.losses.KLDivergence()
    )
    assert soft_loss(reads_teacher(), soft_loss=loss) == pytest.approx(
        1.346688, abs=1e-5
    )


def test_function_as_soft_loss():
    def absolute(teacher_logits, student_logits, temperature):
        return (
            keras.ops.sum(keras.ops.abs(teacher_logits - student_logits), -1)
            / temperature
        )

    # Distances 3 and 6, times T^2 / T.
    assert soft_loss(reads_teacher(), soft_loss=absolute) == pytest.approx(
        3 * 4.5, rel=1e-6
    )


def test_logit_mse_does_not_depend_on_the_temperature():
    # Squared distances 3 and 18 over 3 classes.
    value = soft_loss(reads_teacher(), soft_loss="logit_mse")
    assert value == pytest.approx(3.5, rel=1e-5)


def test_teacher_is_not_a_layer_of_the_distiller():
    teacher = reads_teacher()
    distiller = Distiller(student=reads_student())
    distiller.teacher = teacher
    assert distiller.teacher is teacher
    assert [layer.name for layer in distiller.layers] == [distiller.student.name]
    assert len(distiller.weights) == 3  # The kernel, temperature and alpha.


def test_replacing_the_teacher_takes_effect_at_once():
    distiller = Distiller(student=reads_student(), teacher=reads_teacher(), alpha=1.0)
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE)
    distiller.fit(X, LABELS, verbose=0)
    distiller.attach_teacher(reads_student(), allow_different=True)
    assert distiller.fit(X, LABELS, verbose=0).history["loss"] == [0.0]


def test_an_infinite_logit_without_weight_changes_nothing():
    x = X.copy()
    x[1] = np.inf
    student = linear(np.eye(6, 3, -3))
    distiller = Distiller(
        student=student, teacher=reads_teacher(), temperature=3, alpha=1.0
    )
    distiller.compile(keras.optimizers.SGD(0.1), SPARSE)
    y = {"labels": LABELS, "teacher_logits": x[:, :3]}
    logs = distiller.evaluate(
        X, y, sample_weight=np.array([2.0, 0.0]), return_dict=True, verbose=0
    )
    assert logs["loss"] == pytest.approx(0.397776, abs=2e-6)
