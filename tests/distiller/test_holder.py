"""Attaching teachers: which ones, how many, and what a new one changes."""

import numpy as np
import pytest
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher

from kd_keras.distiller import Distiller


def holder(**options):
    return Distiller(student=reads_student(), **options)


def test_one_teacher_is_itself_and_several_are_a_list():
    one, two = reads_teacher(), linear(2 * np.eye(6, 3))
    assert holder().teacher is None
    assert holder(teacher=one).teacher is one
    assert holder(teacher=[one]).teacher is one
    for given in ([one, two], (one, two)):
        assert holder(teacher=given).teacher == [one, two]


def test_a_first_teacher_needs_no_permission_and_another_does():
    one, two = reads_teacher(), linear(2 * np.eye(6, 3))
    distiller = holder()
    assert distiller.teacher_fingerprint is None
    distiller.teacher = one
    first = distiller.teacher_fingerprint
    assert len(first) == 64
    with pytest.raises(ValueError, match=rf"is not the one .*expected {first}"):
        distiller.attach_teacher(two)
    assert (distiller.teacher, distiller.teacher_fingerprint) == (one, first)
    # A teacher with the same name, shape and values is the same one.
    distiller.attach_teacher(one)
    distiller.attach_teacher(two, allow_different=True)
    assert distiller.teacher is two
    assert distiller.teacher_fingerprint != first


def test_every_teacher_is_checked_before_it_is_attached():
    softmax = linear(np.eye(6, 3), activation="softmax")
    distiller = holder(teacher=reads_teacher())
    with pytest.raises(ValueError, match="`teacher_outputs` contradicts"):
        distiller.attach_teacher([reads_teacher(), softmax], allow_different=True)
    weighted = holder(teacher_weights=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"\[1\.0, 2\.0\] for 1 teacher"):
        weighted.teacher = reads_teacher()
    assert weighted.teacher is None
    weighted.teacher = [reads_teacher(), reads_teacher()]


def test_a_new_teacher_is_the_one_of_every_traced_step():
    distiller = holder(teacher=reads_teacher(), temperature=3, alpha=1.0)
    distiller.compile("sgd", SPARSE)
    distiller.optimizer.learning_rate = 0.0

    def losses():
        fitted = distiller.fit(X, LABELS, verbose=0).history["loss"][0]
        return fitted, distiller.evaluate(X, LABELS, verbose=0, return_dict=True)[
            "loss"
        ]

    # Reference case 1, and the student itself.
    assert losses() == (pytest.approx(1.346688, abs=2e-6),) * 2
    distiller.attach_teacher(reads_student(), allow_different=True)
    assert losses() == (0.0, 0.0)
    # Before anything is traced there is nothing to trace again.
    fresh = holder()
    fresh.retrace()
    assert (fresh.train_function, fresh.test_function) == (None, None)


def test_positions_are_refused_with_their_number():
    with pytest.raises(TypeError, match=r"Received: 2 positional"):
        Distiller(reads_teacher(), reads_student())
