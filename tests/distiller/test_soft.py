"""The soft term of one output, of several teachers and outputs, against NumPy."""

import keras
import numpy as np
import pytest
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher
from keras import ops
from scipy.special import log_softmax, softmax
from scipy.stats import pearsonr

from kd_keras import losses
from kd_keras.distiller import Distiller
from kd_keras.distiller.batch import Batch, Schedule
from kd_keras.distiller.outputs import Output, Targets, make_output
from kd_keras.distiller.soft import (
    SoftPart,
    agreement_term,
    resolve_soft_loss,
    soft_term,
)

RNG = np.random.default_rng(0)
# `[batch, time, classes]` of three sizes.
TEACHER, OTHER, STUDENT = 2 * RNG.normal(size=(3, 4, 2, 3)).astype("float32")
WEIGHTS = np.array([0.5, 2.0, 0.0, 3.0], "float32")
MASK = np.array([[1, 1], [1, 0], [1, 1], [0, 1]], bool)


def kl(teacher, student, temperature):
    log_p = log_softmax(teacher / temperature, -1)
    log_q = log_softmax(student / temperature, -1)
    return (np.exp(log_p) * (log_p - log_q)).sum(-1)


def output(head="softmax", teachers=(TEACHER,), student=STUDENT, **changes):
    given = {"labels": None, "weights": None, "mask": None, **changes}
    return make_output("a", head, teachers, student, **given)


def mean(term):
    return float(term.total / term.divisor)


def test_a_soft_term_is_weighted_masked_and_scaled():
    term = soft_term(
        output(weights=WEIGHTS, mask=MASK),
        resolve_soft_loss("kl", "softmax"),
        ops.convert_to_tensor(3.0),
    )
    values = 9 * kl(TEACHER, STUDENT, 3.0)
    expected = (WEIGHTS[:, None] * values)[MASK].sum() / MASK.sum()
    assert mean(term) == pytest.approx(expected, rel=1e-5)
    assert float(term.entries) == 6


def test_the_factor_may_be_left_out():
    loss = resolve_soft_loss("kl", "softmax")
    term = soft_term(output(), loss, ops.convert_to_tensor(3.0), False)
    assert mean(term) == pytest.approx(kl(TEACHER, STUDENT, 3.0).mean(), rel=1e-5)


def test_a_loss_without_temperature_has_no_factor():
    class Distance(losses.LossPart):
        uses_temperature = False

        def __call__(self, inputs):
            return ops.sum(ops.abs(inputs.teacher - inputs.student), -1)

    term = soft_term(output(), Distance(), ops.convert_to_tensor(3.0))
    expected = abs(TEACHER - STUDENT).sum(-1).mean()
    assert mean(term) == pytest.approx(expected, rel=1e-5)


def test_a_soft_loss_is_given_head_groups_and_whether_it_trains():
    seen = []

    class Watch(losses.LossPart):
        needs = ("teacher", "groups")

        def __call__(self, inputs):
            seen.append((inputs.head, inputs.groups.tolist(), inputs.training))
            return inputs.student[..., 0]

    groups, one = np.arange(4), ops.convert_to_tensor(1.0)
    soft_term(output("sigmoid"), Watch(), one, groups=groups, training=True)
    soft_term(output(), Watch(), one, groups=groups)
    assert seen == [("sigmoid", [0, 1, 2, 3], True), ("softmax", [0, 1, 2, 3], False)]


def test_what_a_soft_loss_lacks_is_said_with_its_output():
    loss = resolve_soft_loss("decoupled", "softmax")
    with pytest.raises(ValueError, match=r"without labels for output 'a'"):
        soft_term(output(), loss, ops.convert_to_tensor(1.0))


def test_dist_has_the_factor_of_squared_temperature():
    # Huang et al. 2022, equations 8 to 11, at T=3 on three rows, times 9.
    x = np.vstack([X, [[0.0, 1, -1, 1, 0, 0]]]).astype("float32")
    p, q = softmax(x[:, :3] / 3, -1), softmax(x[:, 3:] / 3, -1)
    inter = np.mean([1 - pearsonr(a, b)[0] for a, b in zip(p, q, strict=True)])
    intra = np.mean([1 - pearsonr(a, b)[0] for a, b in zip(p.T, q.T, strict=True)])
    for loss, expected in (
        ("dist", 9 * (inter + intra)),
        (losses.DistLoss(0.5, 2.0), 9 * (0.5 * inter + 2 * intra)),
    ):
        distiller = Distiller(
            student=reads_student(),
            teacher=reads_teacher(),
            temperature=3,
            alpha=1.0,
            soft_loss=loss,
        )
        distiller.compile("sgd", SPARSE)
        logs = distiller.evaluate(x, np.array([0, 1, 2]), return_dict=True, verbose=0)
        assert logs["soft_loss"] == pytest.approx(expected, rel=1e-4)
        assert logs["loss"] == pytest.approx(expected, rel=1e-4)


def softened_mean(weights, temperature):
    pairs = zip(weights, (TEACHER, OTHER), strict=True)
    return temperature * np.log(sum(w * softmax(z / temperature, -1) for w, z in pairs))


@pytest.mark.parametrize(
    ("combination", "expected"),
    [
        ("losses", 0.8 * kl(TEACHER, STUDENT, 2.0) + 0.2 * kl(OTHER, STUDENT, 2.0)),
        ("logits", kl(0.8 * TEACHER + 0.2 * OTHER, STUDENT, 2.0)),
        ("probabilities", kl(softened_mean([0.8, 0.2], 2.0), STUDENT, 2.0)),
    ],
    ids=["losses", "logits", "probabilities"],
)
def test_teachers_count_by_their_weights(combination, expected):
    part = SoftPart("kl", [4.0, 1.0], combination, True, None)
    batch = Batch(
        [output(teachers=[TEACHER, OTHER])],
        Targets(None),
        Schedule(ops.convert_to_tensor(2.0), 0.5, 0),
    )
    *means, agreement = part(batch)
    found = sum(m.scale * mean(m.term) for m in means)
    assert found == pytest.approx(4 * expected.mean(), rel=1e-5)
    assert [m.coefficient for m in means] == [0.5] * len(means)
    combined = 0.8 * TEACHER + 0.2 * OTHER
    if combination != "logits":
        combined = softened_mean([0.8, 0.2], 2.0)
    same = combined.argmax(-1) == STUDENT.argmax(-1)
    assert 0 < same.mean() < 1
    assert mean(agreement.term) == pytest.approx(same.mean(), rel=1e-6)


def test_a_weight_of_the_loss_and_its_warm_up_are_factors_beside_alpha():
    loss = losses.DecoupledLoss(1.0, 2.0, warmup_steps=4, weight=3.0)
    part = SoftPart(loss, None, "probabilities", True, None)
    batch = Batch(
        [output(labels=np.zeros((4, 2), int))],
        Targets(None),
        Schedule(ops.convert_to_tensor(2.0), 0.5, 1),
    )
    # Step 1 of 4.
    assert float(part(batch)[0].coefficient) == 0.5 * 3 * 0.25


def test_outputs_add_up_and_agree_on_average():
    part = SoftPart("kl", None, "probabilities", True, {"a": 2.0, "b": 5.0})
    # Heads only of the first two.
    outputs = [
        output(),
        output(teachers=[OTHER])._replace(name="b"),
        Output("c", None, [], STUDENT, None, None, None, None),
    ]
    one = ops.convert_to_tensor(1.0)
    first, agree_a, second, agree_b = part(
        Batch(outputs, Targets(None), Schedule(one, 1.0, 0))
    )
    assert [m.name for m in (first, second)] == ["soft_loss"] * 2
    assert (first.scale, second.scale) == (2.0, 5.0)
    assert mean(first.term) == pytest.approx(kl(TEACHER, STUDENT, 1).mean(), rel=1e-5)
    assert mean(second.term) == pytest.approx(kl(OTHER, STUDENT, 1).mean(), rel=1e-5)
    for logged, teacher in ((agree_a, TEACHER), (agree_b, OTHER)):
        # The mean of both, in the logs alone.
        assert (logged.name, logged.scale, logged.coefficient) == ("agreement", 0.5, 0)
        same = teacher.argmax(-1) == STUDENT.argmax(-1)
        assert mean(logged.term) == pytest.approx(same.mean(), rel=1e-6)


# Rows 0 to 3: agree, agree, disagree, disagree.
T4 = np.float32([[3, 1, 2], [0, 5, 1], [0, 1, 4], [2, 0, 0]])
S4 = np.float32([[9, 0, 8], [1, 2, 1], [7, 1, 2], [0, 0, 1]])


@pytest.mark.parametrize(
    ("weights", "mask", "expected"),
    [
        (None, None, 2 / 4),
        # A weight matters by being 0 or not.
        (np.float32([5, 1, 0, 1]), None, 2 / 3),
        (None, np.array([True, False, True, True]), 1 / 3),
        (np.float32([0, 2, 2, 2]), np.array([True, True, True, False]), 1 / 2),
    ],
    ids=["all", "weights", "mask", "both"],
)
def test_agreement_is_over_what_counts(weights, mask, expected):
    given = output(teachers=[T4], student=S4, weights=weights, mask=mask)
    term = agreement_term(given, given.teacher[0])
    assert mean(term) == pytest.approx(expected)


def test_labels_agree_together():
    # Signs of 2 labels: alike in both, in one, in none; 0 is no positive one.
    teacher = np.float32([[1, -1], [1, 1], [2, 3], [0, 1]])
    student = np.float32([[2, -5], [1, -1], [-1, -1], [-2, 1]])
    given = output("sigmoid", [teacher], student)
    assert mean(agreement_term(given, teacher)) == 2 / 4
    # The student's 0, against a positive and a negative one.
    swapped = output("sigmoid", [student], teacher)
    assert mean(agreement_term(swapped, student)) == 2 / 4
    only = output("sigmoid", [np.float32([[0.5]])], np.float32([[0.9]]))
    assert mean(agreement_term(only, only.teacher[0])) == 1.0
    # Signs opposed, but for the third row, where both are negative.
    assert (
        mean(agreement_term(output("sigmoid", [-teacher], student), -teacher)) == 0.25
    )


def test_agreement_of_sequences_is_by_position():
    # Argmax along the classes, of tensors in which each axis has another size.
    same = TEACHER.argmax(-1) == STUDENT.argmax(-1)
    term = agreement_term(output(mask=MASK), TEACHER)
    assert mean(term) == pytest.approx(same[MASK].mean(), rel=1e-6)


def test_agreement_in_the_logs_of_two_outputs():
    # Predictions of the teachers 2, 2; of the students 2, 1 and 2, 2.
    inputs = keras.Input((6,))
    kernels = {"a": np.eye(6, 3, -3), "b": np.eye(6, 3)}
    student = keras.Model(inputs, {k: linear(v)(inputs) for k, v in kernels.items()})
    teacher = keras.Model(inputs, {k: reads_teacher()(inputs) for k in kernels})
    distiller = Distiller(student=student, teacher=teacher)
    distiller.compile("sgd", SPARSE)
    y = {"a": LABELS, "b": LABELS}
    logs = distiller.evaluate(X, y, return_dict=True, verbose=0)
    assert logs["agreement"] == pytest.approx((0.5 + 1) / 2)


def test_what_is_no_loss_is_refused():
    with pytest.raises(ValueError, match=r"Received: soft_loss=7\. Choose"):
        resolve_soft_loss(7, "softmax")
