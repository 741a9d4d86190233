"""Bad input is refused with the argument, the value and what is allowed."""

import inspect

import keras
import numpy as np
import pytest
from cases import LABELS, SPARSE, Subclassed, X, linear, reads_student, reads_teacher

from kd_keras import losses
from kd_keras.distiller import Distiller


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0}, r"`temperature` must be a positive .*temperature=0\."),
        ({"temperature": -1.0}, r"`temperature` must be a positive .*=-1\.0"),
        ({"temperature": float("nan")}, r"`temperature` must be a positive .*=nan"),
        ({"temperature": float("inf")}, r"`temperature` must be a positive .*=inf"),
        ({"temperature": "hot"}, r"`temperature` must be a positive .*='hot'"),
        ({"alpha": -0.1}, r"`alpha` must be a number in \[0, 1\] .*alpha=-0\.1"),
        ({"alpha": 1.5}, r"`alpha` must be a number in \[0, 1\] .*alpha=1\.5"),
        ({"alpha": float("nan")}, r"`alpha` must be a number in .*=nan"),
        ({"alpha": True}, r"`alpha` must be a number in .*=True"),
        ({"head": "relu"}, r"`head` must be one of .*head='relu'"),
        ({"teacher_outputs": "scores"}, r"`teacher_outputs` must be one of .*'scores'"),
        ({"soft_loss": "mse"}, r"`soft_loss` for head='softmax' .*soft_loss='mse'"),
        (
            {"soft_loss": "dist", "head": "sigmoid"},
            r"`soft_loss` for head='sigmoid' .*soft_loss='dist'",
        ),
        (
            {"soft_loss": losses.DecoupledLoss(), "head": "sigmoid"},
            r"`soft_loss` for head='sigmoid' .*'DecoupledLoss'",
        ),
        ({"combine_teachers": "vote"}, r"`combine_teachers` must be one of .*'vote'"),
        ({"teacher_weights": [1, 2]}, r"`teacher_weights` must have one .*\[1, 2\]"),
        (
            {"teacher_outputs": "probabilities"},
            r"`teacher_outputs` contradicts .*linear.*'probabilities'",
        ),
        (
            {
                "soft_loss": keras.distillation.FeatureDistillation(
                    teacher_layer_name="head0", student_layer_name="head0"
                )
            },
            r"`soft_loss` compares outputs.*FeatureHint",
        ),
    ],
)
def test_constructor(arguments, message):
    with pytest.raises(ValueError, match=message):
        Distiller(student=reads_student(), teacher=reads_teacher(), **arguments)


@pytest.mark.parametrize(
    ("positional", "named"),
    [((reads_student(), reads_teacher()), {}), ((reads_student(),), {"teacher": None})],
    ids=["two", "one"],
)
def test_positions_are_refused(positional, named):
    # keras.distillation.Distiller takes the teacher first.
    message = (
        r"keyword arguments only.*teacher first.*Received: "
        rf"{len(positional)} positional .*Distiller\(student=\.\.\., teacher=\.\.\.\)"
    )
    with pytest.raises(TypeError, match=message):
        Distiller(*positional, **named)
    names = list(inspect.signature(Distiller).parameters)
    assert names[:3] == ["student", "teacher", "temperature"]


def test_an_unknown_argument_is_refused():
    with pytest.raises(ValueError, match=r"Unrecognized keyword.*tempurature"):
        Distiller(student=reads_student(), tempurature=2.0)


def test_setters_check_too():
    distiller = Distiller(student=reads_student(), teacher=reads_teacher())
    with pytest.raises(ValueError, match=r"`temperature` must be a positive"):
        distiller.temperature = 0
    with pytest.raises(ValueError, match=r"`alpha` must be a number"):
        distiller.alpha = 2


@pytest.mark.parametrize(
    ("student", "teacher", "message"),
    [
        ("student", None, r"`student` must be a keras\.Model.*'student'"),
        (
            linear(np.eye(6, 3), activation="softmax"),
            None,
            r"`student` must give logits.*'head0' applies softmax",
        ),
        (
            reads_student(),
            linear(np.eye(6, 3), activation="softmax"),
            r"`teacher_outputs` contradicts .*softmax.*'logits'.*'probabilities'",
        ),
        (reads_student(), Subclassed([np.eye(6, 3)]), r"`teacher` .*no weights yet"),
        (reads_student(), "teacher", r"`teacher` must be a keras\.Model.*'teacher'"),
    ],
    ids=["no model", "student softmax", "teacher softmax", "unbuilt", "no teacher"],
)
def test_models(student, teacher, message):
    with pytest.raises(ValueError, match=message):
        Distiller(student=student, teacher=teacher)


def test_other_class_counts():
    distiller = Distiller(student=reads_student(), teacher=linear(np.eye(6, 4)))
    distiller.compile("sgd", SPARSE, run_eagerly=True)
    with pytest.raises(ValueError, match=r"same shape.*\(2, 4\).*\(2, 3\)"):
        distiller.fit(X, LABELS, verbose=0)


def test_missing_teacher_logits():
    distiller = Distiller(student=reads_student())
    distiller.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match="`teacher` is None, so every batch needs"):
        distiller.fit(X, LABELS, verbose=0)


def test_labels_without_hard_loss():
    distiller = Distiller(student=reads_student(), teacher=reads_teacher(), alpha=0.5)
    distiller.compile("sgd")
    with pytest.raises(ValueError, match=r"`loss` of compile is needed.*alpha=0\.5"):
        distiller.fit(X, LABELS, verbose=0)
    distiller.alpha = 1.0
    distiller.fit(X, LABELS, verbose=0)
    # The step traced for alpha=1 has no hard term.
    distiller.alpha = 0.7
    with pytest.raises(ValueError, match=r"`loss` of compile is needed.*alpha=0\.7"):
        distiller.fit(X, LABELS, verbose=0)


def test_decoupled_needs_labels():
    distiller = Distiller(
        student=reads_student(), teacher=reads_teacher(), soft_loss="decoupled"
    )
    distiller.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match=r"'decoupled' needs labels|needs labels"):
        distiller.fit(X, verbose=0)


def test_weights_cannot_reach_a_keras_distillation_loss():
    distiller = Distiller(
        student=reads_student(),
        teacher=reads_teacher(),
        soft_loss=keras.distillation.LogitsDistillation(),
    )
    distiller.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match=r"gives one number a batch"):
        distiller.fit(X, LABELS, sample_weight=np.ones(2), verbose=0)


def test_unknown_keys_beside_teacher_logits():
    distiller = Distiller(student=reads_student())
    distiller.compile("sgd", SPARSE)
    y = {"label": LABELS, "teacher_logits": X[:, :3]}
    with pytest.raises(ValueError, match=r"may hold .*\['label', 'teacher_logits'\]"):
        distiller.fit(X, y, verbose=0)


def test_labels_that_do_not_match_the_outputs():
    distiller = Distiller(student=reads_student(), teacher=reads_teacher())
    distiller.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match=r"`y` does not match .*\['a', 'b'\]"):
        distiller.fit(X, {"a": LABELS, "b": LABELS}, verbose=0)


@pytest.mark.parametrize(
    ("head", "loss", "message"),
    [
        ("softmax", "sparse_categorical_crossentropy", "reads probabilities"),
        ("softmax", "crossentropy", "reads probabilities"),
        ("softmax", keras.losses.CategoricalCrossentropy(), "reads probabilities"),
        ("softmax", keras.losses.categorical_crossentropy, "reads probabilities"),
        ("softmax", "kl_divergence", "reads probabilities"),
        ("softmax", ["categorical_crossentropy"], "reads probabilities"),
        (
            "softmax",
            keras.losses.BinaryCrossentropy(from_logits=True),
            "applies a sigmoid, which contradicts head='softmax'",
        ),
        ("sigmoid", "binary_crossentropy", "reads probabilities"),
        ("sigmoid", SPARSE, "applies a softmax, which contradicts head='sigmoid'"),
    ],
)
def test_hard_loss_that_contradicts_the_head(head, loss, message):
    distiller = Distiller(student=reads_student(), teacher=reads_teacher(), head=head)
    with pytest.raises(ValueError, match=message):
        distiller.compile("sgd", loss)


def test_an_unreduced_hard_loss_is_refused():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    distiller = Distiller(student=reads_student(), teacher=reads_teacher())
    distiller.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"`loss` must have a reduction"):
        distiller.fit(X, LABELS, verbose=0)
