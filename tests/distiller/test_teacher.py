"""Teachers that come as a SavedModel, and how the Distiller holds them."""

import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher
from scipy.special import log_softmax

from kd_keras.distiller import Distiller
from kd_keras.distiller.teacher import Teacher, fingerprint


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


def noisy_teacher():
    """Gives other outputs in training: other means, and half of the inputs dropped."""
    inputs = keras.Input((6,))
    norm = keras.layers.BatchNormalization()
    hidden = keras.layers.Dropout(0.5, seed=1)(norm(inputs))
    logits = keras.layers.Dense(3)
    model = keras.Model(inputs, logits(hidden))
    norm.set_weights([np.full(6, 2.0), np.ones(6), np.arange(6.0), np.arange(1.0, 7)])
    logits.set_weights([np.eye(6, 3) + np.eye(6, 3, -3), np.array([0.5, -0.5, 0])])
    return model


def inferred(x):
    """What it gives in inference, by the formula of batch normalization."""
    normed = 2.0 * (x - np.arange(6)) / np.sqrt(np.arange(1, 7) + 1e-3) + 1.0
    return normed[:, :3] + normed[:, 3:] + [0.5, -0.5, 0.0]


def test_a_teacher_infers_wherever_it_is_called():
    teacher = Teacher(noisy_teacher())

    class Around(keras.layers.Layer):
        def call(self, x, training=None):
            return teacher(x)

    # A layer that trains passes that on to those called within it.
    for outputs in (teacher(X), Around()(X), Around()(X, training=True)):
        np.testing.assert_allclose(outputs, inferred(X), rtol=1e-5)
    assert not np.allclose(teacher.model(X, training=True), inferred(X), rtol=0.1)


@pytest.mark.parametrize("eagerly", [True, False], ids=["eager", "graph"])
def test_a_student_is_taught_what_the_teacher_infers(eagerly):
    distiller = Distiller(
        student=reads_student(), teacher=noisy_teacher(), temperature=3, alpha=1.0
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE, run_eagerly=eagerly)
    trained = distiller.fit(X, LABELS, epochs=2, verbose=0).history["soft_loss"]
    log_p, log_q = log_softmax(inferred(X) / 3, -1), log_softmax(X[:, 3:] / 3, -1)
    expected = 9 * (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()
    np.testing.assert_allclose(trained, [expected] * 2, rtol=1e-4)


class TwoInputs(tf.Module):
    def __init__(self):
        super().__init__()
        self.second = tf.Variable([1.0, 2.0], name="second")
        self.first = tf.Variable([3.0], name="first")

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 2), tf.float32, name="a"),
            tf.TensorSpec((None, 2), tf.float32, name="b"),
        ]
    )
    def difference(self, a, b):
        return {"difference": self.first * a - self.second * b}

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="a")])
    def both(self, a):
        return {"twice": 2 * a, "same": a + 0 * self.first}


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("two") / "1")
    module = TwoInputs()
    # The default one is neither the first nor the last of them.
    signatures = {
        "a": module.both,
        "serving_default": module.difference,
        "z": module.both,
    }
    tf.saved_model.save(module, path, signatures)
    return tf.saved_model.load(path)


A, B = np.array([[1.0, 2]]), np.array([[10, 20]])


@pytest.mark.parametrize(
    "x",
    [{"b": B, "a": A}, {"a": A, "b": B, "unused": A}],
    ids=["dict", "more than it needs"],
)
def test_inputs_of_a_signature_by_name(two_inputs, x):
    # 3 a - [1, 2] b, in the dtypes of the signature.
    np.testing.assert_allclose(Teacher(two_inputs)(x), [[-7, -34]])


@pytest.mark.parametrize(
    "x",
    [{"a": A}, A, (A, B), [A, B], (A, B, B)],
    ids=["name", "one", "tuple", "list", "three"],
)
def test_inputs_that_do_not_name_those_of_a_signature_are_refused(two_inputs, x):
    # A loaded signature's inputs have another order in each process.
    with pytest.raises(ValueError, match=r"must give the inputs \['a', 'b'\]"):
        Teacher(two_inputs)(x)


def test_outputs_of_a_signature(two_inputs):
    several = Teacher(two_inputs.signatures["a"])(A)
    assert sorted(several) == ["same", "twice"]
    np.testing.assert_allclose(several["twice"], 2 * A)


def test_a_saved_model_without_a_default_has_its_only_signature(tmp_path):
    module = TwoInputs()
    tf.saved_model.save(module, str(tmp_path), {"only": module.difference})
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(Teacher(loaded)({"a": A, "b": B}), [[-7, -34]])


def test_a_saved_model_whose_signatures_are_several_without_a_default_is_refused(
    tmp_path,
):
    module = TwoInputs()
    signatures = {"b": module.difference, "a": module.both}
    tf.saved_model.save(module, str(tmp_path), signatures)
    loaded = tf.saved_model.load(str(tmp_path))
    with pytest.raises(ValueError, match=r"Received: \['a', 'b'\]. Pass one of"):
        Teacher(loaded)
    assert len(Teacher(loaded.signatures["a"])(A)) == 2


def test_a_fingerprint_is_of_names_shapes_and_values_in_a_fixed_order(two_inputs):
    teacher = Teacher(two_inputs)
    assert [weight.name for weight in teacher.weights] == ["first:0", "second:0"]
    digest = hashlib.sha256()
    digest.update(b"first:0(1,)float32" + np.float32([3]).tobytes())
    digest.update(b"second:0(2,)float32" + np.float32([1, 2]).tobytes())
    assert fingerprint([teacher]) == digest.hexdigest()
    assert fingerprint([teacher, teacher]) != fingerprint([teacher])


def test_a_layer_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match=r"no weights yet.*'late' \(Dense\)"):
        Teacher(keras.layers.Dense(3, name="late"))
