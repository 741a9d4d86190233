"""What one part of the loss costs, by hand; replicas: test_distribution.py."""

import numpy as np
import pytest
from keras import ops

from kd_keras.distiller import part_term as module
from kd_keras.distiller.part_term import part_term
from kd_keras.losses import LossInputs, LossPart

STUDENT = ops.convert_to_tensor(
    np.arange(24, dtype="float32").reshape(4, 2, 3)
)  # `[batch, time, classes]`.
WEIGHTS = ops.convert_to_tensor(np.float32([[0.5], [2], [0], [3]]))
MASK = ops.convert_to_tensor(
    np.array([[True, True], [True, False], [True, True], [False, True]])
)


def numbers(term):
    return [float(x) for x in term]


class First(LossPart):
    """The logit of class 0: 0, 3, 6, ... 21."""

    needs = ()

    def __call__(self, inputs):
        self.inputs = inputs
        return inputs.student[..., 0]


class Whole(First):
    whole_batch = True


class WholeNumber(Whole):
    def __call__(self, inputs):
        return ops.sum(super().__call__(inputs) * inputs.weights)


class OwnMean(First):
    def __call__(self, inputs):
        return ops.mean(super().__call__(inputs))


# 0.5 * (0 + 3) + 2 * 6 + 3 * 21, where the mask keeps them.
WEIGHTED = 0.5 * 3 + 2 * 6 + 3 * 21


def test_values_are_weighted_and_masked():
    assert numbers(part_term(First(), LossInputs(STUDENT))) == [84, 8, 8]
    found = part_term(First(), LossInputs(STUDENT), WEIGHTS, MASK)
    assert numbers(found) == [WEIGHTED, 6, 6]


def test_a_part_that_compares_examples_is_given_their_weights():
    part = Whole()
    found = part_term(part, LossInputs(STUDENT), WEIGHTS, MASK)
    np.testing.assert_array_equal(
        part.inputs.weights, [[0.5] * 2, [2, 0], [0] * 2, [0, 3]]
    )
    assert numbers(found) == [WEIGHTED, 6, 6]
    part_term(part, LossInputs(STUDENT))
    np.testing.assert_array_equal(part.inputs.weights, np.ones((4, 2)))


def test_one_number_of_all_examples_is_every_replica_s(monkeypatch):
    monkeypatch.setattr("kd_keras.distiller.reduction.replicas", lambda: 4)
    # Nothing to gather: of this process there is one.
    monkeypatch.setattr(module, "all_gather", lambda tensors: tensors)
    found = part_term(WholeNumber(), LossInputs(STUDENT), WEIGHTS, MASK)
    assert numbers(found) == [WEIGHTED / 4, 0.25, 6]


def test_values_of_all_examples_are_shared_by_the_replicas(monkeypatch):
    monkeypatch.setattr(module, "replicas", lambda: 4)
    monkeypatch.setattr(module, "all_gather", lambda tensors: tensors)
    found = part_term(Whole(), LossInputs(STUDENT), WEIGHTS, MASK)
    assert numbers(found) == [WEIGHTED / 4, 6, 6]


def test_all_that_examples_have_comes_from_all_replicas(monkeypatch):
    def twice(tensors):
        return None if tensors is None else np.concatenate([tensors] * 2)

    class All(Whole):
        needs = ("teacher", "labels", "groups")

    monkeypatch.setattr(module, "all_gather", twice)
    rows, part = np.arange(4.0, dtype="float32"), All()
    given = LossInputs(STUDENT, STUDENT, ops.convert_to_tensor(rows), rows, rows)
    part_term(part, given)
    for name in ("student", "teacher", "temperature", "labels", "groups", "weights"):
        assert len(getattr(part.inputs, name)) == 8, name
    # One temperature is that of all.
    part_term(part, given._replace(temperature=ops.convert_to_tensor(2.0)))
    assert float(part.inputs.temperature) == 2.0
    part_term(part, given._replace(temperature=None))
    assert part.inputs.temperature is None


def test_one_number_of_this_batch_is_a_mean():
    # The mean of 0, 3, ... 21.
    assert numbers(part_term(OwnMean(), LossInputs(STUDENT))) == [84, 8, 8]


@pytest.mark.parametrize(
    ("weights", "mask"), [(WEIGHTS, None), (None, MASK)], ids=["weights", "mask"]
)
def test_one_number_of_this_batch_has_no_weights(weights, mask):
    with pytest.raises(ValueError, match="OwnMean gives one number a batch"):
        part_term(OwnMean(), LossInputs(STUDENT), weights, mask)
    # A part that is given the weights applies them itself.
    assert len(part_term(WholeNumber(), LossInputs(STUDENT), weights, mask)) == 3


def test_the_factor_is_the_squared_temperature():
    inputs = LossInputs(STUDENT, temperature=ops.convert_to_tensor(3.0))
    assert numbers(part_term(First(), inputs)) == [84, 8, 8]
    assert numbers(part_term(First(), inputs, scaled=True)) == [9 * 84, 8, 8]
    assert numbers(part_term(OwnMean(), inputs, scaled=True)) == [9 * 84, 8, 8]


def test_the_factor_is_that_of_the_example():
    temperatures = ops.convert_to_tensor(np.float32([1, 2, 3, 4]))
    inputs = LossInputs(STUDENT, temperature=temperatures)
    # Rows sum to 3, 15, 27, 39.
    expected = 3 + 4 * 15 + 9 * 27 + 16 * 39
    for part in (First(), Whole()):
        assert numbers(part_term(part, inputs, scaled=True)) == [expected, 8, 8]
        assert numbers(part_term(part, inputs)) == [84, 8, 8]
    for part in (OwnMean(), WholeNumber()):
        with pytest.raises(ValueError, match="gives one number a batch"):
            part_term(part, inputs, scaled=True)
        part_term(part, inputs)


def test_rows_say_what_a_weight_belongs_to():
    # One weight an example, of features with positions.
    part = Whole()
    rows, weights = ops.ones((4,)), ops.convert_to_tensor(np.float32([1, 2, 3, 4]))
    class_part = type("Rows", (Whole,), {"__call__": lambda s, i: i.student[:, 0, 0]})
    found = part_term(class_part(), LossInputs(STUDENT), weights, rows=rows)
    # 0, 6, 12, 18 times 1 to 4.
    assert numbers(found) == [12 + 36 + 72, 4, 4]
    part_term(part, LossInputs(STUDENT), rows=ops.ones((4, 2)))
    assert part.inputs.weights.shape == (4, 2)


@pytest.mark.parametrize("name", ["teacher", "labels", "groups"])
def test_a_part_reads_what_it_names(name):
    part = type("Needs", (First,), {"needs": (name,)})()
    given = LossInputs(STUDENT, teacher=1, labels=2, groups=3)
    part_term(part, given)
    others = {"teacher", "labels", "groups"} - {name}
    assert getattr(part.inputs, name) is not None
    assert {getattr(part.inputs, other) for other in others} == {None}
    with pytest.raises(ValueError, match=rf"Needs needs {name}\. .* for output 'a'\. "):
        part_term(part, given._replace(**{name: None}), where="output 'a'")
