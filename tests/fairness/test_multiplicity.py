"""Corrections of p-values: by hand, and the published example."""

import math

import numpy as np
import pytest

from kd_keras.fairness import adjust_p_values


def test_holm():
    """Holm's steps by hand: 4 x .005, 3 x .01, then 2 x .03, which covers .04."""
    adjusted = adjust_p_values([[0.01, 0.04], [0.03, 0.005]], method="holm")
    np.testing.assert_allclose(adjusted, [[0.03, 0.06], [0.06, 0.02]])


def test_benjamini_hochberg():
    """The example of Benjamini and Hochberg (1995): four of fifteen are rejected."""
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
    adjusted = adjust_p_values(p_values, method="benjamini_hochberg")
    assert (adjusted <= 0.05).sum() == 4
    # Bonferroni-like Holm rejects three there.
    assert (adjust_p_values(p_values, method="holm") <= 0.05).sum() == 3


def test_untested_hypotheses_do_not_count():
    with_nan = adjust_p_values([0.01, math.nan, 0.02], method="holm")
    np.testing.assert_allclose(with_nan, [0.02, math.nan, 0.02])


@pytest.mark.parametrize(
    ("p_values", "method", "message"),
    [
        ([1.5], "holm", "`p_values` must lie between 0 and 1. Received: 1.5"),
        ([0.5, -0.25, 0.75], "holm", "between 0 and 1. Received: -0.25"),
        ([0.5], "bonferroni", "`method` must be"),
    ],
    ids=["above", "below", "method"],
)
def test_bad_p_values(p_values, method, message):
    with pytest.raises(ValueError, match=message):
        adjust_p_values(p_values, method=method)


@pytest.mark.parametrize("method", ["holm", "benjamini_hochberg"])
def test_p_values_of_0_and_1_are_possible(method):
    found = adjust_p_values([0.0, 1.0, 0.75], method=method)
    # 3 x 0; 2 x .75 and 3/2 x .75 are over 1.
    np.testing.assert_allclose(found, [0, 1, 1])


def test_the_first_p_value_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"Received: -0\.25"):
        adjust_p_values([0.0, 1.0, 0.5, -0.25, 1.5], method="holm")
    with pytest.raises(ValueError, match=r"Received: 1\.25"):
        adjust_p_values([0.0, 1.0, 0.5, 1.25, -0.5], method="holm")
