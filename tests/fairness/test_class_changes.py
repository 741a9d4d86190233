"""Change of accuracy by class and group, by hand."""

import numpy as np

from kd_keras.fairness import PairedCounts


def test_change_of_every_class_and_group():
    counts = PairedCounts.from_predictions(
        [0, 0, 0, 0, 1, 1, 0, 2],
        [0, 0, 0, 1, 1, 0, 0, 2],
        [1, 1, 0, 0, 1, 0, 0, 1],
        groups={"g": ["a"] * 6 + ["b"] * 2},
    )
    changes = counts.class_group_changes()
    assert changes.groups == ("a", "b")
    # a, class 0: two lost and one gained of 4; a, class 1: none of 2; b: its one
    # example of class 2 lost, and none of class 0.
    np.testing.assert_allclose(changes.change, [[-0.25, 0, np.nan], [0, np.nan, -1]])
    np.testing.assert_allclose(changes.p_values, [[1, 1, np.nan], [1, np.nan, 1]])
