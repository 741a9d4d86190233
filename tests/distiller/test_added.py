"""Losses of the user's own, as soft loss, as further part and as hint."""

import keras
import numpy as np
import pytest
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher
from parts import GroupCentroids, ScoreGap, SquaredDistance, WorseGroup
from scipy.special import log_softmax

from kd_keras.distiller import Distiller
from kd_keras.losses import DistLoss, FeatureHint, LossPart

# Teacher [1, 2, 3] and [4, 5, 6], student [2, 1, 4] and [3, 6, 2].
SQUARED = np.array([3.0, 18.0])
# Sample 2 twice: the student's scores of class 0 are 2, 3 and 3.
THREE, LABELS_3 = X[[0, 1, 1]], LABELS[[0, 1, 1]]
WEIGHTS_3 = np.array([1.0, 3.0, 1.0])
HARD_3 = -log_softmax(THREE[:, 3:], -1)[[0, 1, 2], LABELS_3]


def compiled(loss=SPARSE, student=None, teacher=None, **options):
    distiller = Distiller(
        student=student or reads_student(),
        teacher=teacher or reads_teacher(),
        **options,
    )
    distiller.compile(keras.optimizers.SGD(0.0), loss)
    return distiller


def evaluate(distiller, x, y, **options):
    return distiller.evaluate(x, y, verbose=0, return_dict=True, **options)


def with_groups(groups, labels=LABELS_3):
    return {"labels": labels, "groups": np.array(groups)}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [(None, SQUARED.mean()), (np.array([2.0, 0.0]), 3.0)],
    ids=["plain", "weighted"],
)
def test_a_soft_loss_that_no_temperature_softens(weights, expected):
    distiller = compiled(
        soft_loss=SquaredDistance(weight=2.0), temperature=3, alpha=0.25
    )
    logs = evaluate(distiller, X, LABELS, sample_weight=weights)
    assert logs["soft_loss"] == pytest.approx(expected, rel=1e-6)
    # Its weight is a factor beside alpha.
    assert logs["loss"] == pytest.approx(
        0.75 * logs["hard_loss"] + 0.25 * 2 * expected, rel=1e-6
    )


def test_a_soft_loss_that_softens_has_the_factor():
    class Softening(SquaredDistance):
        uses_temperature = True

    distiller = compiled(soft_loss=Softening(), temperature=3, alpha=1.0)
    logs = evaluate(distiller, X, LABELS)
    assert logs["soft_loss"] == pytest.approx(9 * SQUARED.mean(), rel=1e-6)


def test_a_soft_loss_for_another_head_is_refused():
    class Sigmoid(SquaredDistance):
        heads = ("sigmoid",)

    with pytest.raises(ValueError, match=r"head='softmax' must .*LossPart.*'Sigmoid'"):
        compiled(soft_loss=Sigmoid())


@pytest.mark.parametrize("loss", [SPARSE, None], ids=["with", "without"])
def test_a_part_over_groups_beside_the_other_parts(loss):
    distiller = compiled(loss, parts=[ScoreGap("gap", weight=4.0)], alpha=1.0)
    logs = evaluate(distiller, THREE, with_groups([0, 0, 1]), sample_weight=WEIGHTS_3)
    # (1 * 2 + 3 * 3) / 4 against 3.
    assert logs["gap"] == pytest.approx(0.25, rel=1e-6)
    assert logs["loss"] == pytest.approx(logs["soft_loss"] + 4 * 0.25, rel=1e-6)


def test_a_part_reads_the_teachers_together():
    # The second teacher is the student: a quarter of what is between them is gone.
    distiller = compiled(
        teacher=[reads_teacher(), reads_student()],
        teacher_weights=[3, 1],
        combine_teachers="logits",
        parts=[SquaredDistance(name="far", weight=2.0)],
        alpha=1.0,
    )
    logs = evaluate(distiller, X, LABELS)
    expected = 0.75**2 * SQUARED.mean()
    assert logs["far"] == pytest.approx(expected, rel=1e-6)
    assert logs["loss"] == pytest.approx(logs["soft_loss"] + 2 * expected, rel=1e-6)


def test_a_part_that_gives_a_value_for_each_example():
    part = WorseGroup(name="worse")
    distiller = compiled(parts=[part], alpha=0.0)
    y = with_groups([1, 0, 0])
    logs = evaluate(distiller, THREE, y, sample_weight=WEIGHTS_3)
    # As in every mean of the Distiller the weights do not enter the divisor.
    expected = 0.5 * (WEIGHTS_3 * HARD_3).mean()
    assert logs["worse"] == pytest.approx(expected, rel=1e-6)
    assert logs["loss"] == pytest.approx(3 * expected, rel=1e-6)


def test_the_state_of_a_part_moves_in_training_and_is_saved(tmp_path):
    student = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(3, use_bias=False)]
    )
    student.set_weights([np.eye(6, 3, -3)])
    distiller = compiled(student=student, parts=[WorseGroup(name="worse")])
    y = with_groups([1, 0, 0])
    evaluate(distiller, THREE, y)
    np.testing.assert_array_equal(distiller.parts[0].shares, [0.5, 0.5])
    distiller.fit(THREE, y, epochs=2, verbose=0)
    # Twice times exp of the groups' losses; nothing else moves.
    grown = np.exp(2 * np.array([HARD_3[1], HARD_3[0]]))
    np.testing.assert_allclose(
        distiller.parts[0].shares, grown / grown.sum(), rtol=1e-5
    )
    distiller.save(tmp_path / "d.keras")
    loaded = keras.saving.load_model(tmp_path / "d.keras")
    assert loaded.parts[0].get_config() == distiller.parts[0].get_config()
    np.testing.assert_array_equal(loaded.parts[0].shares, distiller.parts[0].shares)
    loaded.teacher = distiller.teacher
    one, other = (evaluate(model, THREE, y) for model in (distiller, loaded))
    assert one == other


def test_a_part_reads_what_it_names_alone():
    seen = []

    class Watch(LossPart):
        needs = ("labels",)

        def __call__(self, inputs):
            seen.append(inputs)
            return inputs.student[..., 0]

    distiller = compiled(parts=[Watch()])
    evaluate(distiller, THREE, with_groups([0, 0, 1]), sample_weight=WEIGHTS_3)
    inputs = seen[-1]
    assert inputs.student.shape[1:] == (3,)
    assert inputs.labels is not None
    assert (inputs.teacher, inputs.groups, inputs.weights) == (None, None, None)
    assert (inputs.head, inputs.training) == ("softmax", False)


def test_groups_may_be_a_dict_of_attributes():
    class OfSex(ScoreGap):
        def __call__(self, inputs):
            return super().__call__(inputs._replace(groups=inputs.groups["sex"]))

    groups = {"sex": np.array([0, 0, 1]), "race": np.array([2, 1, 0])}
    logs = evaluate(
        compiled(parts=[OfSex("gap")]), THREE, {"labels": LABELS_3, "groups": groups}
    )
    # (2 + 3) / 2 against 3.
    assert logs["gap"] == pytest.approx(0.5, rel=1e-6)


def test_a_hint_over_groups():
    # Features [2, 1, 4] and twice [3, 6, 2], of the teacher twice as large.
    def model(factor):
        inputs = keras.Input((6,))
        hidden = keras.layers.Dense(3, use_bias=False, name="hidden")
        head = keras.layers.Dense(3, kernel_initializer="zeros")
        result = keras.Model(inputs, head(hidden(inputs)))
        hidden.set_weights([factor * np.eye(6, 3, -3)])
        return result

    hint = GroupCentroids("hidden", "hidden", name="hint", weight=2.0)
    distiller = compiled(student=model(1), teacher=model(2), hints=[hint], alpha=0.0)
    logs = evaluate(distiller, THREE, with_groups([0, 0, 1]), sample_weight=WEIGHTS_3)
    # Differences of group 0: ([2, 1, 4] + 3 [3, 6, 2]) / 4; of group 1: [3, 6, 2].
    expected = (11**2 + 19**2 + 10**2) / 16 + (9 + 36 + 4)
    assert logs["hint"] == pytest.approx(expected, rel=1e-6)
    assert logs["loss"] == pytest.approx(logs["hard_loss"] + 2 * expected, rel=1e-6)


def test_two_outputs_add_up_by_their_weights():
    inputs = keras.Input((6,))
    kernels = {"a": np.eye(6, 3, -3), "b": np.eye(6, 3)}
    outputs = {name: linear(kernel)(inputs) for name, kernel in kernels.items()}
    student = keras.Model(inputs, outputs)
    distiller = Distiller(
        student=student, teacher=student, alpha=1.0, parts=[ScoreGap("gap")]
    )
    distiller.compile("sgd", SPARSE, loss_weights={"a": 2.0, "b": 1.0})
    labels = {"a": LABELS_3, "b": LABELS_3}
    logs = evaluate(distiller, THREE, with_groups([0, 0, 1], labels))
    # Scores 2, 3, 3 and 1, 4, 4.
    assert logs["gap"] == pytest.approx(2 * 0.5 + 1.5, rel=1e-6)
    # The teacher is the student.
    assert logs["loss"] == pytest.approx(logs["gap"], rel=1e-5)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (LABELS_3, r"WorseGroup needs groups\. .*output '.*'groups': \.\.\.\}"),
        ({"groups": np.array([0, 0, 1])}, r"WorseGroup needs labels\. "),
    ],
    ids=["groups", "labels"],
)
def test_a_batch_without_what_a_part_needs_is_refused(y, message):
    distiller = compiled(parts=[WorseGroup()], alpha=1.0)
    with pytest.raises(ValueError, match=message):
        distiller.fit(THREE, y, verbose=0)


@pytest.mark.parametrize(
    ("y", "weights"),
    [
        (LABELS, np.ones(2)),
        ({"labels": LABELS, "temperature": np.array([1.0, 2.0])}, None),
    ],
    ids=["weights", "temperatures"],
)
def test_one_number_a_batch_cannot_be_weighted_by_example(y, weights):
    def mean_distance(teacher_logits, student_logits, temperature):
        return keras.ops.mean((teacher_logits - student_logits) ** 2)

    distiller = compiled(soft_loss=mean_distance)
    with pytest.raises(ValueError, match="mean_distance gives one number a batch"):
        distiller.fit(X, y, sample_weight=weights, verbose=0)


def test_what_is_no_part_is_refused():
    with pytest.raises(ValueError, match=r"`parts` must be objects of .*LossPart"):
        compiled(parts=[lambda inputs: inputs.student])
    with pytest.raises(ValueError, match=r"`hints` need names.*\['gap'\]"):
        compiled(parts=[ScoreGap("gap"), ScoreGap("gap")])
    with pytest.raises(ValueError, match=r"`weight` of a ScoreGap must be at least 0"):
        ScoreGap(weight=float("nan"))


def test_what_a_part_cannot_be_given_is_refused():
    class Typo(ScoreGap):
        needs = ("group",)

    class OfSoftmax(ScoreGap):
        heads = ("softmax",)

    with pytest.raises(ValueError, match=r"`needs` of a Typo may name .*\['group'\]"):
        Typo()
    with pytest.raises(ValueError, match=r"'gap' understands .*head='sigmoid'"):
        compiled(None, parts=[OfSoftmax("gap")], head="sigmoid")


def test_a_part_shows_its_arguments():
    assert repr(SquaredDistance(3, name="s")) == (
        "SquaredDistance(name='s', weight=1.0, power=3)"
    )


def test_hints_are_no_parts_and_parts_no_hints():
    hint = FeatureHint("a", "b")
    with pytest.raises(ValueError, match=r"Received: parts with .*as hints\."):
        compiled(parts=[hint])
    with pytest.raises(ValueError, match=r"Received: hints with .*as parts\."):
        compiled(hints=[DistLoss(name="d")])
    with pytest.raises(ValueError, match="`soft_loss` for head='softmax'"):
        compiled(soft_loss=hint)
