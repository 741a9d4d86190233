"""Blocks of classes bound the memory, and change no number."""

import dataclasses

import numpy as np

from kd_keras.fairness import GAPS, GroupCounts, bootstrap, confusion, gap_values


def ten_classes(replicates=()):
    rng = np.random.default_rng(5)
    counts = GroupCounts.from_predictions(
        rng.integers(0, 10, 300), rng.integers(0, 10, 300),
        groups={"g": rng.integers(0, 3, 300)}, num_classes=10,
    )  # fmt: skip
    draws = rng.poisson(counts.counts, (*replicates, len(counts.counts)))
    return dataclasses.replace(counts, counts=draws)


def test_a_block_has_as_many_classes_as_its_elements_allow(monkeypatch):
    monkeypatch.setattr(confusion, "BLOCK_ELEMENTS", 24)
    # 24 elements: 3 groups of 8 classes, or of 4 classes in 2 replicates.
    assert confusion.class_step(ten_classes(), 3) == 8
    assert confusion.class_step(ten_classes((2,)), 3) == 4
    # Two at least, and no more than there are.
    assert confusion.class_step(ten_classes((2, 9)), 3) == 2
    assert confusion.class_step(ten_classes(), 1) == 10


def test_small_blocks_give_the_same_gaps(monkeypatch):
    counts = ten_classes((4,))
    expected = {name: gap_values(counts, name, attribute="g") for name in GAPS}
    monkeypatch.setattr(confusion, "BLOCK_ELEMENTS", 40)  # Three classes in each.
    for name in GAPS:
        found = gap_values(counts, name, attribute="g")
        np.testing.assert_allclose(found, expected[name], atol=1e-12)


def test_replicates_drawn_one_by_one_are_the_same(monkeypatch):
    counts = ten_classes()

    def interval():
        return bootstrap.bootstrap_interval(
            counts, lambda c: gap_values(c, "accuracy_gap"), kind="bca", replicates=20
        )

    (expected, values) = interval()
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 1)
    found, one_by_one = interval()
    np.testing.assert_array_equal(one_by_one, values)
    assert (found.low, found.high) == (expected.low, expected.high)
