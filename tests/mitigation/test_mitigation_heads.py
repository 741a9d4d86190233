"""A head that tells the group, against scikit-learn's multinomial regression."""

import keras
import numpy as np
import pytest
import sklearn.linear_model

from kd_keras.mitigation import group_head

RNG = np.random.default_rng(4)
GROUPS = RNG.choice([-1, 0, 1, 2], 160, p=[0.1, 0.5, 0.25, 0.15])
X = RNG.normal(size=(160, 4)) * [1, 1, 5, 0.2] + 3
X[:, 0] = 7.0  # The same for everybody.
X[:, 1] += GROUPS == 1
X[:, 2] += 4 * (GROUPS == 2)
X[:, 3] += 0.1 * GROUPS
X = X.astype("float32")
KNOWN = GROUPS >= 0


def identity():
    """A student whose features are its input."""
    inputs = keras.Input((4,))
    features = keras.layers.Activation("linear", name="features")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(features), name="student")


def probabilities(logits):
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


@pytest.mark.parametrize("l2", [3.0, 0.3, 0.01])
def test_three_groups_are_told_as_by_scikit_learn(l2, capsys):
    head = group_head(identity(), X, GROUPS, l2=l2)
    assert capsys.readouterr().out == ""
    assert (head.name, head.output_shape) == ("student_group", (None, 3))
    # The penalty is on coefficients of standardized features, the mean over examples.
    known = X[KNOWN][:, 1:].astype(float)
    scaled = (X[:, 1:] - known.mean(0)) / known.std(0)
    peer = sklearn.linear_model.LogisticRegression(
        C=1 / (l2 * KNOWN.sum()), tol=1e-8, max_iter=5000
    ).fit(scaled[KNOWN], GROUPS[KNOWN])
    found = probabilities(head.predict(X, verbose=0))
    np.testing.assert_allclose(found, peer.predict_proba(scaled), atol=1e-4)
    assert found.std(0).min() > 0.01


@pytest.mark.parametrize("l2", [0.3, 0.01])
def test_two_groups_are_told_as_by_scikit_learn(l2):
    groups = np.minimum(GROUPS, 1)
    varying = X[:, 1:]
    inputs = keras.Input((3,))
    student = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    head = group_head(student, varying, groups, l2=l2)
    # One layer behind what the student is given, and nothing else.
    assert [layer.name for layer in head.layers[1:]] == ["group"]
    known = varying[KNOWN].astype(float)
    scaled = (varying - known.mean(0)) / known.std(0)
    # Each class has its weights: the penalty is on half of the squared difference.
    peer = sklearn.linear_model.LogisticRegression(
        C=2 / (l2 * KNOWN.sum()), tol=1e-8, max_iter=5000
    ).fit(scaled[KNOWN], groups[KNOWN])
    found = probabilities(head.predict(varying, verbose=0))
    np.testing.assert_allclose(found, peer.predict_proba(scaled), atol=1e-4)


def test_a_head_is_not_rounded_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        head = group_head(identity(), X, GROUPS)
    finally:
        keras.config.set_dtype_policy(before)
    assert head.layers[-1].compute_dtype == "float32"


def test_a_penalty_is_small_unless_another_one_is_asked_for():
    found, same, none = (
        group_head(identity(), X, GROUPS, **options).predict(X, verbose=0)
        for options in ({}, {"l2": 1e-4}, {"l2": 1.0})
    )
    np.testing.assert_array_equal(found, same)
    assert np.abs(found - none).max() > 0.5


def test_features_are_what_goes_into_the_last_layer_or_those_of_a_name():
    layers = [
        keras.layers.Dense(6, activation="tanh", name="first"),
        keras.layers.Reshape((2, 3), name="grid"),
        keras.layers.Flatten(name="row"),
        keras.layers.Dense(2),
    ]
    student = keras.Sequential([keras.Input((4,)), *layers])
    rows = group_head(student, X, GROUPS)
    # A grid is read as a row.
    for layer in ("grid", "row", "first"):
        named = group_head(student, X, GROUPS, layer=layer)
        np.testing.assert_allclose(
            named.predict(X, verbose=0), rows.predict(X, verbose=0), atol=1e-5
        )
        assert (layers[0] in named.layers, layers[-1] in named.layers) == (True, False)
    assert [tuple(w.shape) for w in rows.layers[-1].weights] == [(6, 3), (3,)]
    assert rows.layers[-1].name == "group"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (GROUPS.astype(float), r"float64 of shape \(160,\), the highest -\. Number"),
        (GROUPS[:, None], r"int64 of shape \(160, 1\), the highest 2\."),
        (0 * GROUPS, r"at least two groups.*the highest 0\."),
        (GROUPS[:0], r"at least two groups.*shape \(0,\), the highest -1\."),
        (GROUPS[:9], "`groups` must have one value for each of the 160"),
    ],
)
def test_what_are_no_groups(groups, message):
    with pytest.raises(ValueError, match=message):
        group_head(identity(), X, groups)
