"""Change of accuracy by class and group, by hand."""

import numpy as np
import scipy.stats

from kd_keras.fairness import PairedCounts


def test_change_of_every_class_and_group():
    counts = PairedCounts.from_predictions(
        [0, 0, 0, 0, 1, 1, 0, 2] + [1] * 9,
        [0, 0, 0, 1, 1, 0, 0, 2] + [2] * 6 + [1] * 3,
        [1, 1, 0, 0, 1, 0, 0, 1] + [1] * 6 + [0, 1, 1],
        groups={"g": ["a"] * 6 + ["b"] * 2 + ["c"] * 9},
    )
    changes = counts.class_group_changes()
    assert changes.groups == ("a", "b", "c")
    # a, class 0: two lost and one gained of 4; a, class 1: none of 2; b: its one
    # example of class 2 lost, and none of class 0.
    # c: six gained of 9, and one lost.
    nan = np.nan
    np.testing.assert_allclose(
        changes.change, [[-0.25, 0, nan], [0, nan, -1], [nan, 5 / 9, nan]]
    )
    p_value = scipy.stats.binomtest(1, 7).pvalue
    np.testing.assert_allclose(
        changes.p_values, [[1, 1, nan], [1, nan, 1], [nan, p_value, nan]]
    )


def test_examples_without_a_group_change_none():
    counts = PairedCounts.from_predictions(
        [0, 0, 1, 1, 1], [0, 1, 1, 1, 0], [1, 1, 1, 0, 1],
        groups={"g": ["a", "b", "b", None, None]}, num_classes=4,
    )  # fmt: skip
    changes = counts.class_group_changes()
    nan = np.nan
    # a: its one example lost; b: class 0 wrong in both, class 1 right in both.
    np.testing.assert_allclose(changes.change, [[-1, nan, nan, nan], [0, 0, nan, nan]])
    np.testing.assert_allclose(changes.p_values, [[1, nan, nan, nan], [1, 1, nan, nan]])


def test_the_table_has_a_column_for_each_class():
    counts = PairedCounts.from_predictions(
        [0, 2], [0, 2], [0, 1], groups={"g": ["a", "b"]}, num_classes=3
    )
    html = counts.class_group_changes()._repr_html_()
    for text in ("change of accuracy", "0", "1", "2"):
        assert f'<th scope="col">{text}</th>' in html


def test_losses_count_as_gains_do():
    # a loses eight and gains one, b the other way round; equal examples are one cell.
    right, wrong = [1] * 8, [0] * 8
    counts = PairedCounts.from_predictions(
        [1] * 18,
        [*right, 0, *wrong, 1],
        [*wrong, 1, *right, 0],
        groups={"g": ["a"] * 9 + ["b"] * 9},
    )
    changes = counts.class_group_changes()
    np.testing.assert_allclose(changes.change[:, 1], [-7 / 9, 7 / 9])
    p_value = scipy.stats.binomtest(1, 9).pvalue
    np.testing.assert_allclose(changes.p_values[:, 1], p_value)
