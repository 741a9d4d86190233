"""Class bias is Welch's test over the initialisations."""

import warnings

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from kd_keras.fairness import (
    class_bias,
)


@pytest.mark.parametrize("relative", ["ratio", "difference"])
def test_class_bias_is_welchs_test(relative):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 0.9, (5, 6)), rng.uniform(0.5, 0.9, (4, 6))
    b[:, 2] -= 0.3
    overall_a, overall_b = a.mean(1), b.mean(1)
    if relative == "ratio":
        a_rel, b_rel = a / overall_a[:, None], b / overall_b[:, None]
    else:
        a_rel, b_rel = a - overall_a[:, None], b - overall_b[:, None]
    expected = scipy.stats.ttest_ind(a_rel, b_rel, equal_var=False).pvalue
    result = class_bias(
        a, b, overall_a=overall_a, overall_b=overall_b, relative=relative
    )
    np.testing.assert_allclose(result.p_values, expected, rtol=1e-10)
    assert result.significant == tuple(np.nonzero(expected < 0.05)[0])
    corrected = scipy.stats.false_discovery_control(expected)
    assert result.significant_corrected == tuple(np.nonzero(corrected < 0.05)[0])
    np.testing.assert_allclose(result.change, b_rel.mean(0) - a_rel.mean(0))
    assert result.expected_by_chance == pytest.approx(0.3)


def test_class_bias_without_difference_is_at_chance_level():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.7, 0.05, (2, 20, 2000))
    result = class_bias(a, b, overall_a=np.full(20, 0.7), overall_b=np.full(20, 0.7))
    # Four standard errors of 2000 tests: 4 sqrt(2000 x .05 x .95) = 39.
    assert abs(len(result.significant) - result.expected_by_chance) < 39
    assert result.expected_by_chance == 100
    assert len(result.significant_corrected) <= 2


def test_class_without_variation_is_untested():
    a = np.array([[1.0, 0.5, np.nan], [1.0, 0.6, 0.5]])
    b = np.array([[1.0, 0.8, 0.4], [1.0, 0.9, 0.5]])
    result = class_bias(
        a, b, overall_a=[0.7, 0.7], overall_b=[0.7, 0.7], relative="difference"
    )
    assert result.untested == (0, 2)
    assert result.expected_by_chance == pytest.approx(0.05)


def test_a_p_value_at_alpha_is_not_significant():
    # Equal means have p = 1 exactly.
    a, b = [[0.25, 0.25], [0.75, 0.3125]], [[0.375, 0.875], [0.625, 0.9375]]
    zero = [0.0, 0.0]
    options = {"overall_a": zero, "overall_b": zero, "relative": "difference"}
    found = class_bias(a, b, alpha=1.0, **options)
    assert found.p_values[0] == 1 > found.p_values[1]
    assert found.significant == found.significant_corrected == (1,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_accuracy_a": [[0.5, 0.5]]}, "at least two runs"),
        ({"class_accuracy_a": [0.5, 0.6]}, r"`class_accuracy_a` must .* \(2,\)"),
        ({"class_accuracy_a": [[0.5], [0.6]]}, "must have the same classes"),
        ({"overall_b": [0.5]}, r"`overall_b` must have shape \[2\]"),
        ({"overall_a": [0.5, 0]}, "must be positive for a ratio"),
        ({"relative": "odds"}, '`relative` must be "ratio" or "difference"'),
    ],
    ids=["runs", "axes", "classes", "overall", "zero", "relative"],
)
def test_bad_class_bias(options, message):
    accuracy = [[0.5, 0.6], [0.7, 0.8]]
    good = {
        "class_accuracy_a": accuracy,
        "class_accuracy_b": accuracy,
        "overall_a": [0.5, 0.6],
        "overall_b": [0.5, 0.6],
    }
    arguments = {**good, **options}
    with pytest.raises(ValueError, match=message):
        class_bias(
            arguments.pop("class_accuracy_a"),
            arguments.pop("class_accuracy_b"),
            **arguments,
        )


def test_a_class_that_varies_in_one_model_alone_is_tested():
    # Class 0 varies in neither, and differs; 1 varies in a alone, 2 in b, 3 in both.
    a = np.array([[0.5, 0.5, 0.25, 0.25], [0.5, 0.75, 0.25, 0.5]])
    b = np.array([[0.75, 0.5, 0.25, 0.75], [0.75, 0.5, 0.75, 0.5], [0.75, 0.5, 0.5, 1]])
    result = class_bias(a, b, overall_a=np.ones(2), overall_b=np.ones(3))
    assert result.untested == (0,)
    for k in (1, 2, 3):
        with warnings.catch_warnings(action="ignore"):  # Of one that does not vary.
            expected = scipy.stats.ttest_ind(a[:, k], b[:, k], equal_var=False).pvalue
        assert result.p_values[k] == pytest.approx(expected)
    assert result.expected_by_chance == pytest.approx(3 * 0.05)
