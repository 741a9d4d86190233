"""One test per defect measured in keras.distillation 3.15.1."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher

from kd_keras import losses
from kd_keras.distiller import Distiller


def compiled(student, teacher, optimizer="sgd", loss=SPARSE, metrics=None, **kwargs):
    distiller = Distiller(student=student, teacher=teacher, **kwargs)
    distiller.compile(optimizer, loss, metrics=metrics)
    return distiller


def evaluate(distiller, *args, **kwargs):
    return distiller.evaluate(*args, return_dict=True, verbose=0, **kwargs)


@pytest.mark.parametrize(("temperature", "expected"), [(1, 1.208120), (3, 1.346688)])
def test_row_1_default_loss_applies_softmax_and_temperature(temperature, expected):
    distiller = compiled(
        reads_student(), reads_teacher(), temperature=temperature, alpha=1.0
    )
    logs = evaluate(distiller, X, LABELS)
    assert logs["soft_loss"] == pytest.approx(expected, abs=2e-6)


def test_row_2_probability_loss_on_logits_is_refused():
    distiller = Distiller(student=reads_student(), teacher=reads_teacher())
    with pytest.raises(ValueError, match=r"head='softmax'.*from_logits"):
        distiller.compile("sgd", "sparse_categorical_crossentropy")


def test_row_2_hard_loss_is_right():
    # log(1 + e^-3 + e^-6) = 0.051 for logits [5, 2, -1] and label 0.
    x = np.array([[0, 0, 0, 5, 2, -1]], "float32")
    distiller = compiled(reads_student(), reads_teacher(), alpha=0.0)
    assert evaluate(distiller, x, LABELS[:1])["loss"] == pytest.approx(
        np.log(1 + np.exp(-3) + np.exp(-6)), rel=1e-5
    )


def test_row_3_far_logits_keep_loss_and_gradient():
    student = linear(np.eye(4, 2, -2))
    before = student.get_weights()[0]
    distiller = compiled(
        student,
        linear(np.eye(4, 2)),
        temperature=1,
        alpha=1.0,
        optimizer=keras.optimizers.SGD(1.0),
    )
    x = np.array([[0.0, 30, 30, 0]])
    logs = distiller.fit(x, LABELS[:1], verbose=0).history
    assert logs["loss"] == [pytest.approx(30, rel=1e-6)]
    moved = before - student.get_weights()[0]
    np.testing.assert_allclose(moved, np.outer(x[0], [1, -1]), rtol=1e-5)


def test_row_4_single_sigmoid_logit():
    distiller = compiled(
        linear([[0.0], [1.0]]),
        linear([[1.0], [0.0]]),
        temperature=3,
        alpha=1.0,
        head="sigmoid",
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    logs = evaluate(distiller, np.array([[-3.0, 2.0]]), np.array([0]))
    assert logs["loss"] == pytest.approx(2.875854, abs=2e-6)


@pytest.mark.parametrize("how", ["sample_weight", "class_weight"])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_row_5_weights_reach_both_terms(how, alpha):
    # Of the two examples only the first counts, twice: its loss is the mean.
    hard = np.log(np.exp([2.0, 1, 4]).sum()) - 2
    expected = {0.0: hard, 1.0: 0.397776}[alpha]
    weights = {
        "sample_weight": {"sample_weight": np.array([2.0, 0.0])},
        "class_weight": {"class_weight": {0: 2.0, 1: 0.0}},
    }[how]
    distiller = compiled(reads_student(), reads_teacher(), temperature=3, alpha=alpha)
    logs = distiller.fit(X, LABELS, verbose=0, **weights).history
    assert logs["loss"] == [pytest.approx(expected, abs=3e-6)]


def test_row_6_padded_steps_count_nothing():
    inputs = keras.Input((None, 6))
    hidden = keras.layers.Masking()(inputs)
    models = []
    for first in (3, 0):
        dense = keras.layers.Dense(3, use_bias=False)
        models.append(keras.Model(inputs, dense(hidden)))
        dense.set_weights([np.eye(6, 3, -first)])
    distiller = compiled(*models, temperature=3, alpha=1.0)
    x = np.concatenate([X[:1], np.zeros((4, 6), "float32")])[None]
    logs = evaluate(distiller, x, np.zeros((1, 5), int))
    assert logs["loss"] == pytest.approx(0.397776, abs=2e-6)


@pytest.mark.parametrize("training", [True, False])
def test_row_7_regularization_is_added_once(training):
    # 0.5 * (1 + 1 + 1) for a kernel of three ones.
    student = reads_student()
    student.layers[-1].kernel.regularizer = keras.regularizers.L2(0.5)
    distiller = compiled(student, reads_teacher(), temperature=3, alpha=1.0)
    if training:
        loss = distiller.fit(X, LABELS, verbose=0).history["loss"][0]
    else:
        loss = evaluate(distiller, X, LABELS)["loss"]
    assert loss == pytest.approx(1.346688 + 1.5, abs=3e-6)


# Row 8, the replicas, is tests/distiller/test_distribution.py.


def with_batch_norm(name):
    inputs = keras.Input((6,))
    hidden = keras.layers.BatchNormalization(momentum=0.9, name="norm")(inputs)
    return keras.Model(inputs, keras.layers.Dense(3)(hidden), name=name)


def test_row_9_a_hint_runs_the_student_once():
    student = with_batch_norm("student")
    hint = losses.FeatureHint("norm", "norm")
    distiller = compiled(student, with_batch_norm("teacher"), hints=[hint])
    distiller.fit(X, LABELS, verbose=0)
    np.testing.assert_allclose(
        student.get_layer("norm").moving_mean, 0.1 * X.mean(0), rtol=1e-5
    )


def test_row_10_evaluate_changes_nothing():
    student = with_batch_norm("student")
    distiller = compiled(student, reads_teacher())
    before = student.get_weights()
    first, second = (evaluate(distiller, X, LABELS) for _ in range(2))
    assert first == second
    for a, b in zip(before, student.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# Rows 11 and 12, files, are tests/distiller/test_saving.py.


def test_row_13_dict_outputs_and_dict_metrics():
    inputs = keras.Input((6,))
    student = keras.Model(
        inputs, {"a": keras.layers.Dense(3)(inputs), "b": keras.layers.Dense(3)(inputs)}
    )
    teacher = keras.Model(
        inputs, {"a": reads_teacher()(inputs), "b": student(inputs)["b"]}
    )
    distiller = compiled(
        student, teacher, metrics={"a": ["accuracy"], "b": ["accuracy", SPARSE]}
    )
    logs = evaluate(distiller, X, {"a": LABELS, "b": LABELS})
    assert {"a_accuracy", "b_accuracy", "soft_loss"} <= set(logs)


def test_row_14_one_weight_is_honoured():
    logs = []
    for weight in (None, [5.0]):
        distiller = Distiller(
            student=reads_student(), teacher=reads_teacher(), temperature=3
        )
        distiller.compile("sgd", SPARSE, loss_weights=weight)
        logs.append(evaluate(distiller, X, LABELS))
    assert logs[1]["loss"] == pytest.approx(5 * logs[0]["loss"], rel=1e-6)


def test_row_15_callbacks_change_temperature_and_alpha_between_batches():
    seen = []

    class Change(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.temperature = [1.0, 3.0][batch]
            self.model.alpha = [1.0, 0.5][batch]
            self.model.reset_metrics()

        def on_train_batch_end(self, batch, logs=None):
            seen.append(dict(logs))

    distiller = compiled(
        reads_student(), reads_teacher(), optimizer=keras.optimizers.SGD(0.0)
    )
    data = tf.data.Dataset.from_tensors((X, LABELS)).repeat(2)
    distiller.fit(data, verbose=0, callbacks=[Change()])
    assert seen[0]["loss"] == pytest.approx(1.208120, abs=2e-6)
    assert seen[1]["soft_loss"] == pytest.approx(1.346688, abs=2e-6)
    assert seen[1]["loss"] == pytest.approx(
        0.5 * (seen[1]["hard_loss"] + 1.346688), abs=3e-6
    )


def test_row_15_schedules():
    # T = 1, 2, 3 at steps 0, 1, 2.
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 2, 3.0)
    distiller = compiled(
        reads_student(),
        reads_teacher(),
        temperature=schedule,
        alpha=1.0,
        optimizer=keras.optimizers.SGD(0.0),
    )
    logs = distiller.fit(X, LABELS, epochs=3, verbose=0).history
    assert logs["loss"][0] == pytest.approx(1.208120, abs=2e-6)
    assert logs["loss"][2] == pytest.approx(1.346688, abs=2e-6)


def test_row_16_float16_student_of_a_float32_teacher():
    inputs = keras.Input((6,))
    policy = keras.DTypePolicy("mixed_float16")
    dense = keras.layers.Dense(3, use_bias=False, dtype=policy)
    student = keras.Model(inputs, dense(inputs))
    dense.set_weights([np.eye(6, 3, -3)])
    distiller = compiled(student, reads_teacher(), temperature=3, alpha=1.0)
    assert evaluate(distiller, X, LABELS)["loss"] == pytest.approx(1.346688, abs=2e-6)


def test_row_16_features_of_another_width_get_a_trained_projection():
    keras.utils.set_random_seed(0)

    def model(width, name):
        inputs = keras.Input((6,))
        hidden = keras.layers.Dense(width, name="hidden")(inputs)
        return keras.Model(inputs, keras.layers.Dense(3)(hidden), name=name)

    hint = losses.FeatureHint("hidden", "hidden", name="hint")
    distiller = compiled(
        model(2, "student"), model(5, "teacher"), hints=[hint], optimizer="adam"
    )
    (projection,) = distiller.projections
    assert projection.kernel.shape == (2, 5)
    before = projection.kernel.numpy()
    logs = distiller.fit(X, LABELS, epochs=20, verbose=0).history
    assert logs["hint"][-1] < logs["hint"][0]
    assert not np.allclose(projection.kernel, before)


def test_row_17_logs_are_means_over_examples():
    # Hard losses 1 and 5: log(1 + e^z) for two logits that differ by z.
    ones, five = np.log(np.expm1(1.0)), np.log(np.expm1(5.0))
    x = np.zeros((33, 2), "float32")
    x[:, 1] = [ones] * 32 + [five]
    distiller = compiled(linear(np.eye(2)), linear(np.eye(2)), alpha=0.0)
    logs = evaluate(distiller, x, np.zeros(33, int), batch_size=32)
    assert logs["loss"] == pytest.approx(37 / 33, abs=1e-6)
    assert logs["hard_loss"] == pytest.approx(37 / 33, abs=1e-6)


class Noise(keras.layers.Layer):
    """Draws a random number in inference too, and counts its calls."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(1)
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs + keras.random.normal((), seed=self.seed)


def test_row_18_the_teacher_is_untouched():
    inputs = keras.Input((6,))
    hidden = keras.layers.BatchNormalization()(Noise()(inputs))
    hidden = keras.layers.Dropout(0.5)(hidden)
    teacher = keras.Model(inputs, keras.layers.Dense(3)(hidden))
    teacher.layers[2].trainable = False
    trainable = [layer.trainable for layer in teacher.layers]
    before = [variable.numpy() for variable in teacher.variables]
    student = reads_student()
    distiller = compiled(student, teacher, optimizer="adam")
    distiller.fit(X, LABELS, epochs=3, verbose=0)
    for a, b in zip(before, teacher.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [layer.trainable for layer in teacher.layers] == trainable
    assert [id(v) for v in distiller.trainable_variables] == [
        id(v) for v in student.trainable_variables
    ]
