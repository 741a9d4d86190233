"""The Distiller's own branches: what it is made of, and what it reads of a batch."""

import keras
import numpy as np
import pytest
from cases import (
    LABELS,
    SPARSE,
    STUDENT,
    TEACHER,
    Subclassed,
    X,
    linear,
    reads_student,
    reads_teacher,
)
from parts import WorseGroup
from scipy.special import log_softmax

from kd_keras.distiller import Distiller
from kd_keras.losses import FeatureHint
from kd_keras.mitigation import MixedLoss

HARD = -log_softmax(STUDENT, -1)[[0, 1], LABELS].mean()
# Of a kernel with three ones.
SEVEN = keras.regularizers.L2(7 / 3)


def soft(teacher, student=STUDENT, temperature=1.0):
    """T^2 KL(teacher || student), the mean over the examples."""
    log_p, log_q = (log_softmax(z / temperature, -1) for z in (teacher, student))
    return temperature**2 * (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()


def logs_of(x=X, y=LABELS, optimizer="sgd", loss=SPARSE, **settings):
    given = {"student": reads_student(), "temperature": 1.0, "alpha": 1.0}
    distiller = Distiller(**given | settings)
    distiller.compile(optimizer, loss)
    return distiller.evaluate(x, y, return_dict=True, verbose=0)


def test_what_is_not_given_has_its_documented_value():
    distiller = Distiller(student=reads_student())
    expected = {
        "temperature": 4.0,
        "alpha": 0.8,
        "soft_loss": "kl",
        "head": "softmax",
        "teacher_outputs": "logits",
        "hints": [],
        "parts": [],
        "scale_by_temperature_squared": True,
        "teacher_weights": None,
        "combine_teachers": "probabilities",
        "time_chunk": None,
        "name": "distiller",
    }
    assert {name: getattr(distiller, name) for name in expected} == expected
    assert distiller.teacher is None
    assert Distiller(student=reads_student(), name="mine").name == "mine"
    assert keras.saving.get_registered_name(Distiller) == "kd_keras>Distiller"


@pytest.mark.parametrize(
    ("kind", "teacher", "hints", "built"),
    [
        ("functional", False, False, True),
        ("sequential", True, False, True),
        ("functional", True, True, True),
        # The projection is not known yet, or the student's input is not.
        ("functional", False, True, False),
        ("subclassed", True, True, False),
        ("subclassed", False, False, False),
    ],
)
def test_it_is_built_as_soon_as_all_is_known(kind, teacher, hints, built):
    hints = [FeatureHint("head0", "head0", name="hint")] if hints else []
    given = linear(np.eye(6, 5)) if teacher else None
    distiller = Distiller(
        student=linear(np.eye(6, 3, -3), kind=kind), teacher=given, hints=hints
    )
    assert distiller.built is built
    assert len(distiller.projections) == int(built and bool(hints))
    if distiller.projections:
        # It is made once.
        kept = list(distiller.projections)
        distiller.build(None)
        assert distiller.projections[0] is kept[0]


def test_the_loss_of_both_terms_is_in_a_mixed_loss_already():
    with pytest.raises(ValueError, match=r"`alpha` must be 1.*alpha=0\.5"):
        Distiller(student=reads_student(), soft_loss=MixedLoss(), alpha=0.5)


def test_the_soft_term_is_of_the_logits_that_the_batch_brings():
    other = np.array([[3, 0, 1], [1, 1, 5]], "float32")
    y = {"labels": LABELS, "teacher_logits": other}
    for teacher in (None, reads_teacher()):
        logs = logs_of(y=y, teacher=teacher, alpha=0.5)
        assert logs["soft_loss"] == pytest.approx(soft(other), rel=1e-5)
        assert logs["hard_loss"] == pytest.approx(HARD, rel=1e-5)
        assert logs["loss"] == pytest.approx((soft(other) + HARD) / 2, rel=1e-5)
    # Without labels, too.
    logs = logs_of(y={"teacher_logits": other}, alpha=0.5)
    assert logs["loss"] == pytest.approx(soft(other) / 2, rel=1e-5)


def test_the_teacher_may_see_other_inputs():
    y = {"labels": LABELS, "teacher_inputs": X[::-1]}
    logs = logs_of(y=y, teacher=reads_teacher())
    assert logs["soft_loss"] == pytest.approx(soft(TEACHER[::-1]), rel=1e-5)
    plain = logs_of(teacher=reads_teacher())
    assert plain["soft_loss"] == pytest.approx(soft(TEACHER), rel=1e-5)


def test_a_hint_reads_the_teacher_also_beside_logits_of_the_batch():
    other = np.array([[3, 0, 1], [1, 1, 5]], "float32")
    hint = FeatureHint("head0", "head0", name="hint", weight=0.5)
    squares = ((TEACHER - STUDENT) ** 2).mean()
    for y, logits in (
        (LABELS, TEACHER),
        ({"labels": LABELS, "teacher_logits": other}, other),
    ):
        logs = logs_of(y=y, teacher=reads_teacher(), hints=[hint])
        assert logs["hint"] == pytest.approx(squares, rel=1e-5)
        assert logs["soft_loss"] == pytest.approx(soft(logits), rel=1e-5)
        assert logs["loss"] == pytest.approx(soft(logits) + squares / 2, rel=1e-5)
    with pytest.raises(ValueError, match="`teacher` is None, so every batch needs"):
        logs_of(y={"labels": LABELS, "teacher_logits": other}, hints=[hint])


def test_what_the_student_adds_is_in_the_loss_once():
    inputs = keras.Input((6,))
    dense = keras.layers.Dense(3, use_bias=False, kernel_regularizer=SEVEN)
    student = keras.Model(inputs, dense(inputs))
    dense.kernel.assign(np.eye(6, 3, -3))
    logs = logs_of(student=student, teacher=reads_teacher())
    assert logs["loss"] == pytest.approx(soft(TEACHER) + 7, rel=1e-5)
    # Before an optimizer is there a schedule is at its first step.
    steps = keras.optimizers.schedules.PiecewiseConstantDecay([0], [2.0, 5.0])
    logs = logs_of(student=student, teacher=reads_teacher(), temperature=steps,
                   optimizer=None)  # fmt: skip
    assert logs["soft_loss"] == pytest.approx(soft(TEACHER, temperature=2.0), rel=1e-5)


@pytest.mark.parametrize("time_chunk", [None, 1, 2])
@pytest.mark.parametrize("cached", [False, True])
def test_chunks_of_positions_have_the_same_loss(time_chunk, cached):
    steps = np.stack([X, X[::-1], X], 1)
    labels = np.stack([LABELS, LABELS[::-1], LABELS], 1)
    inputs = keras.Input((3, 6))
    dense = keras.layers.Dense(3, use_bias=False, kernel_regularizer=SEVEN)
    student = keras.Model(inputs, dense(inputs))
    dense.kernel.assign(np.eye(6, 3, -3))
    teacher = keras.Sequential(
        [keras.Input((3, 6)), keras.layers.Dense(3, use_bias=False)]
    )
    teacher.layers[0].kernel.assign(np.eye(6, 3))
    y = {"labels": labels, "teacher_logits": steps[..., :3]} if cached else labels
    logs = logs_of(
        x=steps,
        y=y,
        student=student,
        teacher=None if cached else teacher,
        time_chunk=time_chunk,
        alpha=0.5,
    )
    # Each example is there three times.
    assert logs["soft_loss"] == pytest.approx(soft(TEACHER), rel=1e-5)
    assert logs["loss"] == pytest.approx((soft(TEACHER) + HARD) / 2 + 7, rel=1e-5)
    assert logs["agreement"] == 0.5


def test_a_part_that_learns_does_so_in_training_alone():
    part = WorseGroup(name="part")
    distiller = Distiller(
        student=reads_student(), teacher=reads_teacher(), parts=[part]
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE)
    y = {"labels": LABELS, "groups": np.array([0, 1])}
    distiller.evaluate(X, y, verbose=0)
    np.testing.assert_allclose(part.shares, [0.5, 0.5])
    distiller.fit(X, y, verbose=0)
    # q times exp of the cross-entropy of each example.
    grown = np.exp(-log_softmax(STUDENT, -1)[[0, 1], LABELS])
    np.testing.assert_allclose(part.shares, grown / grown.sum(), rtol=1e-5)
    assert any(variable is part.shares for variable in distiller.part_variables)


def test_a_head_for_each_output_has_its_own_hard_loss():
    # One of several heads: what contradicts it is not looked for.
    student = Subclassed([np.eye(6, 3), np.eye(6, 1)])
    student(X)
    distiller = Distiller(student=student, head=["softmax", "sigmoid"])
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    distiller.compile("sgd", [SPARSE, binary], metrics=[["accuracy"], ["accuracy"]])
    both = Distiller(student=student, head=["softmax", "softmax"])
    with pytest.raises(ValueError, match="contradicts head='softmax'"):
        both.compile("sgd", [SPARSE, binary])


def test_gradients_flow_through_the_student_alone():
    student, teacher = reads_student(), reads_teacher()
    distiller = Distiller(student=student, teacher=teacher)
    assert distiller.trainable_variables == student.trainable_variables
    assert distiller.output_names == student.output_names
