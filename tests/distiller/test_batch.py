"""A batch in the order of the student's outputs, teachers of every structure."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import logit

from kd_keras.distiller.batch import (
    Batch,
    Schedule,
    align_outputs,
    attach_masks,
    both_masks,
)
from kd_keras.distiller.outputs import Targets
from kd_keras.keras_internals import mask_of, set_mask

# Two outputs of other widths, and one that nobody distils.
A, B, C = (
    np.float32([[1, 2, 3], [4, 5, 6]]),
    np.float32([[0.1, 0.2], [0.6, 0.9]]),
    np.float32([[7], [8]]),
)
STUDENT = {"a": 10 + A, "b": 10 + B, "c": 10 + C}
HEADS = {"a": "softmax", "b": "sigmoid", "c": None}
MODEL = keras.Sequential()


def align(teachers=(), head=HEADS, kinds="logits", student=STUDENT, **targets):
    targets = Targets(targets.pop("labels", None), **targets)
    return align_outputs(MODEL, head, kinds, student, teachers, targets)


def found(outputs):
    """(name, head, logits of the first teacher) of each output."""
    return [
        (o.name, o.head, np.array(o.teacher[0]).tolist() if o.teacher else None)
        for o in outputs
    ]


ALL = [
    ("a", "softmax", A.tolist()),
    ("b", "sigmoid", B.tolist()),
    ("c", None, None),
]


@pytest.mark.parametrize(
    "teacher",
    [
        {"b": B, "a": A, "c": C},
        {"a": A, "b": B},
        {"a": A, "b": B, "other": C, "more": C},
        [A, B, C],
        [A, B],
    ],
    ids=["dict", "distilled", "others too", "list", "list of distilled"],
)
def test_a_teacher_s_outputs_are_found(teacher):
    assert found(align([teacher])) == ALL


def test_outputs_of_a_teacher_with_one_under_another_name():
    head = {"a": None, "b": "sigmoid", "c": None}
    for teacher in (B, {"logits": B}, [B]):
        assert found(align([teacher], head)) == [
            ("a", None, None),
            ("b", "sigmoid", B.tolist()),
            ("c", None, None),
        ]


def test_several_teachers_are_in_their_order():
    outputs = align([{"a": A, "b": B}, [2 * A, 3 * B]])
    assert [len(o.teacher) for o in outputs] == [2, 2, 0]
    np.testing.assert_array_equal(outputs[0].teacher[1], 2 * A)
    np.testing.assert_array_equal(outputs[1].teacher[1], 3 * B)


def test_a_teacher_that_lacks_one_is_refused():
    with pytest.raises(ValueError, match=r"each of \['a', 'b'\].*Received: 1 output"):
        align([A])
    with pytest.raises(ValueError, match=r"each of \['a', 'b'\].*Received: 1 output"):
        align([{"a": A}])


def test_probabilities_of_one_output():
    kinds = {"a": "logits", "b": "probabilities"}
    a, b, c = align([{"a": A, "b": B, "c": C}], kinds=kinds)
    np.testing.assert_array_equal(a.teacher[0], A)
    np.testing.assert_allclose(b.teacher[0], logit(B), rtol=1e-5)
    assert c.teacher == []


def test_probabilities_of_all_that_are_there():
    _, b, _ = align([{"a": B[:, [0, 0, 0]], "b": B}], kinds="probabilities")
    np.testing.assert_allclose(b.teacher[0], logit(B), rtol=1e-5)


def test_logits_of_the_data_are_no_probabilities():
    a, _, _ = align([[A, B]], kinds="probabilities", teacher_logits=[A, B])
    np.testing.assert_array_equal(a.teacher[0], A)


def test_labels_and_weights_of_each_output():
    labels = {"a": np.array([0, 1]), "c": np.array([5, 6])}
    a, b, c = align([[A, B]], labels=labels, sample_weight=np.float32([2, 3]))
    assert [o.labels is None for o in (a, b, c)] == [False, True, False]
    assert np.array(c.labels).tolist() == [5, 6]
    for o in (a, b, c):
        np.testing.assert_array_equal(o.weights, [2, 3])
    weights = {"b": np.float32([4, 5])}
    a, b, c = align([[A, B]], labels=labels, sample_weight=weights)
    assert [o.weights is None for o in (a, b, c)] == [True, False, True]


def test_one_head_is_that_of_all_outputs():
    student = {"a": A, "b": A + 1}
    assert [o.head for o in align([[A, A]], "softmax", student=student)] == [
        "softmax"
    ] * 2


def test_weights_of_outputs_are_1_where_none_is_given():
    batch = Batch(align([[A, B]]), Targets(None))
    assert batch.scales(None) == [1.0, 1.0, 1.0]
    assert batch.scales({"b": 3.0}) == [1.0, 3.0, 1.0]
    assert batch.scales([2.0, 3.0, 0.0]) == [2.0, 3.0, 0.0]
    assert batch.scales(5.0) == [5.0] * 3
    with pytest.raises(ValueError, match="`loss_weights` does not match"):
        batch.scales({"d": 1.0})


def test_entries_of_all_outputs_are_counted():
    a, b, c = align([[A, B]])
    # Two, one of two, and two sequences of three.
    b = b._replace(mask=ops.convert_to_tensor(np.array([True, False])))
    c = c._replace(student=ops.zeros((2, 3, 4)))
    assert float(Batch([a, b, c], Targets(None)).entries()) == 2 + 1 + 6


def test_two_masks_leave_what_both_leave():
    whole, each = np.array([1, 1, 0]), np.array([[1, 0], [1, 1], [1, 1]])
    assert both_masks(None, None) is None
    assert both_masks(whole, None) is whole
    assert both_masks(None, each) is each
    for found in (both_masks(whole, each), both_masks(each, whole)):
        assert found.dtype == "bool"
        np.testing.assert_array_equal(found, [[1, 0], [1, 1], [0, 0]])


def test_masks_of_the_batch_are_attached_to_their_outputs():
    outputs = {name: ops.convert_to_tensor(x) for name, x in (("a", A), ("b", B))}
    set_mask(outputs["a"], ops.convert_to_tensor([True, False]))
    attach_masks(outputs, None, MODEL)
    attach_masks(outputs, {"a": np.array([True, True])}, MODEL)
    assert mask_of(outputs["a"]).numpy().tolist() == [True, False]
    assert mask_of(outputs["b"]) is None
    attach_masks(outputs, np.array([False, True]), MODEL)
    assert mask_of(outputs["a"]).numpy().tolist() == [False, False]
    np.testing.assert_array_equal(mask_of(outputs["b"]), [False, True])


def test_what_a_batch_is_by_default():
    batch = Batch([], Targets(None))
    assert batch.schedule == Schedule(1.0, 0.0, 0)
    assert batch.training is False
