"""Weights by group and class, by hand."""

import numpy as np
import pytest

from kd_keras.mitigation import group_balancing, reweighing
from kd_keras.mitigation.sample_weights import (
    balancing_cells,
    cell_counts,
    reweighing_cells,
)

# Group 0: classes 0, 0, 0, 1. Group 1: classes 0, 1.
LABELS = np.array([0, 0, 0, 1, 0, 1])
GROUPS = np.array([0, 0, 0, 0, 1, 1])


def test_reweighing_of_six_examples():
    # P(g=0) P(y=0) / P(0, 0) = 4/6 * 4/6 / (3/6) = 8/9, and so on.
    expected = [8 / 9] * 3 + [4 / 6 * 2 / 6 / (1 / 6)]
    expected += [2 / 6 * 4 / 6 / (1 / 6), 2 / 6 * 2 / 6 / (1 / 6)]
    found = reweighing(LABELS, GROUPS)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.mean() == pytest.approx(1)


def test_after_reweighing_the_class_says_nothing_of_the_group():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 500)
    labels = (rng.random(500) < np.array([0.1, 0.5, 0.8])[groups]).astype(int)
    weights = reweighing(labels, groups)
    rates = [
        np.average(labels[groups == g], weights=weights[groups == g]) for g in range(3)
    ]
    np.testing.assert_allclose(rates, labels.mean(), rtol=1e-12)


def test_group_balancing_of_six_examples():
    # Four cells of 3, 1, 1 and 1 examples: 6 / 4 for each cell.
    np.testing.assert_allclose(group_balancing(LABELS, GROUPS), [0.5] * 3 + [1.5] * 3)


def test_a_cell_without_examples_has_no_share():
    # Cells of 2, 1 and 1: 4 / 3 for each of the three.
    found = group_balancing([0, 0, 1, 1], [0, 0, 0, 1])
    np.testing.assert_allclose(found, [2 / 3, 2 / 3, 4 / 3, 4 / 3])


def test_cells_of_groups_and_classes():
    # Groups 0 and 1, and last the unknown one; nobody is in group 2 or of class 2.
    counts = cell_counts([0, 1, 1, 0, 1], [0, 0, 1, -1, -1], 3, 3)
    expected = [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]]
    np.testing.assert_array_equal(counts, expected)
    assert cell_counts([0, 2], [1, 0], 1, 2).shape == (3, 3)
    assert cell_counts([0, 0], [-1, -1]).tolist() == [[2]]
    # Expected: 2 * 2 / 5 and 2 * 3 / 5, 1 * 3 / 5, and as in group 0.
    with np.errstate(all="raise"):
        found = reweighing_cells(counts)
        balanced = balancing_cells(counts)
    np.testing.assert_allclose(
        found, [[0.8, 1.2, 0], [0, 0.6, 0], [0, 0, 0], [0.8, 1.2, 0]]
    )
    np.testing.assert_allclose(balanced, (counts > 0).astype(float))


def test_unknown_groups_are_a_group_of_their_own():
    known = group_balancing(LABELS, GROUPS)
    np.testing.assert_array_equal(group_balancing(LABELS, -GROUPS), known)


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        ([0, 1], [0], r"labels of shape \(2,\), groups of shape \(1,\)"),
        ([], [], "not empty"),
        ([[0, 1]], [[0, 1]], r"shape \(1, 2\)"),
        ([0, -1], [0, 0], "`labels` must be integers from 0 on"),
        ([0, 1], [0, -2], "`groups` must be integers from -1 on"),
        ([0.5, 1.0], [0, 0], "`labels` must be integers"),
    ],
)
def test_what_is_no_class_or_group_is_refused(labels, groups, message):
    with pytest.raises(ValueError, match=message):
        reweighing(labels, groups)
