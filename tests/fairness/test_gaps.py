"""Gaps and what they leave out, where weights and sizes are unequal."""

import numpy as np
import pytest

from kd_keras.fairness import (
    GroupCounts,
)


def counts_of(sizes, weight=None):
    """Group -> (right, wrong) among positives: counts with one weight a group."""
    rows = [
        (group, int(right), (weight or {}).get(group, 1.0))
        for group, parts in sizes.items()
        for right, count in zip((1, 0), parts, strict=True)
        for _ in range(count)
    ]
    groups, predicted, weights = zip(*rows, strict=True)
    return GroupCounts.from_predictions(
        np.ones(len(rows), int),
        predicted,
        groups={"g": groups},
        sample_weight=weights,
        num_classes=2,
    )


def test_min_examples_counts_examples_and_not_weights():
    sizes = {"a": (3, 1), "b": (1, 1), "c": (2, 1)}
    heavy = counts_of(sizes, {"b": 100.0, "a": 0.01, "c": 0.01})
    # b, with two examples of weight 100, is left out; a and c, of .04 and .03, count.
    gap = heavy.equal_opportunity_difference("g", min_examples=3)
    assert gap.value == pytest.approx(3 / 4 - 2 / 3)
    assert [rate.groups for rate in gap.undefined] == [("b",)]
    gap = heavy.equal_opportunity_difference("g", min_examples=2)
    assert gap.value == pytest.approx(3 / 4 - 1 / 2)
    assert (gap.lowest, gap.highest) == ("b", "a")
