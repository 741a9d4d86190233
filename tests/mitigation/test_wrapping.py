"""A student and its mending as one model: names, inputs and types, by hand."""

import keras
import numpy as np
import pytest

from kd_keras.mitigation import GroupOffsets, GroupShift, GroupThresholds


def make_student():
    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input((), name=name) for name in ("a", "b")}
    x = keras.ops.stack(list(inputs.values()), axis=-1)
    return keras.Model(inputs, keras.layers.Dense(2)(x))


def of_two_groups(**options):
    """Thresholds of the groups 0 and 1, of which 1 gets a lower one."""
    fitted = GroupThresholds(
        floor={"accuracy": 1.0}, from_logits=True, margin=0, min_examples=1
    )
    return fitted.fit([1, -1, -1, -3], [1, 0, 1, 0], [0, 0, 1, 1], **options)


def test_names_of_a_wrapped_model_and_its_layer():
    student = make_student()
    for told in (None, [0, 0, 1, 1]):
        fitted = of_two_groups(inferred=told)
        head = None if told is None else group_of(student)
        model = fitted.wrap(student, group_model=head)
        assert model.name == f"{student.name}_mended"
        assert isinstance(model.get_layer("mended"), GroupShift)
    inputs = of_two_groups().wrap(student).input
    assert {name: x.dtype for name, x in inputs.items()} == {
        "a": "float32",
        "b": "float32",
        "group": "int64",
    }


def group_of(student, first=None):
    """A model that tells the group 1 of what has a positive b."""
    inputs = {**student.input, **({} if first is None else {"a": first})}
    both = keras.ops.stack(list(inputs.values()), axis=-1)
    head = keras.layers.Dense(2, name="group")
    model = keras.Model(inputs, head(both))
    head.set_weights([np.array([[0, 0], [-1, 1]], "float32"), np.zeros(2, "float32")])
    return model


def test_a_group_model_on_some_of_the_students_inputs_is_called():
    student = make_student()
    x = {"a": np.zeros(4, "float32"), "b": np.array([-2, -1, 1, 2], "float32")}
    fitted = of_two_groups(inferred=[0, 0, 1, 1])
    logits = student.predict(x, verbose=0)
    expected = fitted.predict(logits, [0, 0, 1, 1])
    other = keras.Input((), name="a")
    heads = ((group_of(student), True), (group_of(student, first=other), False))
    for head, shared in heads:
        model = fitted.wrap(student, group_model=head)
        found = model.predict(x, verbose=0).argmax(-1)
        np.testing.assert_array_equal(found, expected)
        # Its layers are the wrapped model's own, or it is one of them.
        own = head.get_layer("group") in model.layers
        assert (own, head in model.layers) == (shared, not shared)


def test_the_feature_is_named_as_the_students_input_and_has_its_type():
    inputs = keras.Input((2,), dtype="int32", name="codes")
    x = keras.layers.Flatten()(keras.layers.Embedding(3, 2)(inputs))
    students = [
        keras.Model(inputs, keras.layers.Dense(1)(x)),
        keras.Model([inputs], keras.layers.Dense(1)(x)),
    ]
    for student in students:
        model = of_two_groups().wrap(student)
        given = {name: (x.dtype, x.shape) for name, x in model.input.items()}
        assert given == {"codes": ("int32", (None, 2)), "group": ("int64", (None,))}
        codes = np.array([[0, 1], [2, 2]])
        moved = model.predict({"codes": codes, "group": np.array([1, 5])}, verbose=0)
        # Half way between -1 and -3 for the group 1; no offset for one not known.
        np.testing.assert_allclose(
            moved - student.predict(codes, verbose=0), [[2], [0]], atol=1e-6
        )


class Subclassed(keras.Model):
    def call(self, x):
        return x


def test_inputs_without_names_are_refused():
    with pytest.raises(ValueError, match=r"must be a functional or .*Subclassed"):
        of_two_groups().wrap(Subclassed())
    a, b = keras.Input((1,)), keras.Input((1,))
    pair = keras.Model([a, b], keras.layers.Dense(1)(a + b))
    with pytest.raises(ValueError, match=r"a dict of them\. Received: a list of 2"):
        of_two_groups().wrap(pair)


@pytest.mark.parametrize("kind", [GroupThresholds, GroupOffsets])
def test_nothing_is_wrapped_before_it_is_fitted(kind):
    mending = kind(floor={"accuracy": 0.5})
    with pytest.raises(ValueError, match=r"Call fit\(\) first"):
        mending.wrap(make_student(), group_names=["red", "blue"])


def test_an_input_of_the_student_is_not_the_groups():
    with pytest.raises(ValueError, match=r"`group_input` must .*Received: 'a'"):
        of_two_groups().wrap(make_student(), group_input="a")
    model = of_two_groups().wrap(make_student(), group_input="kind")
    assert sorted(model.input) == ["a", "b", "kind"]


def test_a_sequential_student_keeps_the_name_of_its_input_unless_told():
    student = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(1)])
    assert sorted(of_two_groups().wrap(student).input) == ["group", "x"]
    named = of_two_groups().wrap(student, feature="numbers", group_input="kind")
    assert sorted(named.input) == ["kind", "numbers"]
