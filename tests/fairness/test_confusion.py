"""Blocks of classes bound the memory, and change no number."""

import dataclasses

import numpy as np
import pytest

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


def test_a_temporary_array_has_16_megabytes_at_most():
    counts = GroupCounts.from_predictions(
        [0], [0], groups={"g": ["a"]}, num_classes=10**9
    )
    assert confusion.class_step(counts, 64) * 64 * 8 == 16 * 2**20


def test_one_group_has_all_elements_of_a_block(monkeypatch):
    monkeypatch.setattr(confusion, "BLOCK_ELEMENTS", 8)
    assert confusion.class_step(ten_classes(), 1) == 8
    # Nobody's groups need no memory.
    assert confusion.class_step(ten_classes(), 0) == 8


def test_right_and_wrong_are_one_pseudo_class():
    # a: right, of weights 1 and 2, wrong, of weight 4; b: wrong; and none of a group.
    counts = GroupCounts.from_predictions(
        [1, 0, 1, 1, 0], [1, 0, 0, 0, 0], groups={"g": ["a", "a", "a", "b", None]},
        sample_weight=[1, 2, 4, 8, 16],
    )  # fmt: skip
    _, index = counts.attribute_index("g")
    found = confusion.correctness(counts, index, 2)
    assert found.first_class == 0
    np.testing.assert_array_equal(found.tp, [[3], [0]])
    np.testing.assert_array_equal(found.fn, [[4], [8]])
    np.testing.assert_array_equal(found.fp, [[0], [0]])
    np.testing.assert_array_equal(found.total, [[7], [8]])


@pytest.mark.parametrize("step", [None, 2, 3])
def test_counts_of_every_class_against_the_rest(step):
    # (label, prediction): a has (0, 0), (0, 1), (2, 1) and (3, 3); b has (1, 0) twice.
    counts = GroupCounts.from_predictions(
        [0, 0, 2, 3, 1, 1, 2], [0, 1, 1, 3, 0, 0, 2],
        groups={"g": [*"aaaabb", None]}, num_classes=5,
    )  # fmt: skip
    _, index = counts.attribute_index("g")
    blocks = list(confusion.confusions(counts, index, 2, step))
    assert [block.first_class for block in blocks] == list(range(0, 5, step or 5))
    found = {
        name: np.concatenate([getattr(block, name) for block in blocks], axis=-1)
        for name in ("tp", "fp", "fn", "tn", "positives", "negatives", "selected")
    }
    expected = {
        "tp": [[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]],
        "fp": [[0, 2, 0, 0, 0], [2, 0, 0, 0, 0]],
        "fn": [[1, 0, 1, 0, 0], [0, 2, 0, 0, 0]],
        "tn": [[2, 2, 3, 3, 4], [0, 0, 2, 2, 2]],
        "positives": [[2, 0, 1, 1, 0], [0, 2, 0, 0, 0]],
        "negatives": [[2, 4, 3, 3, 4], [2, 0, 2, 2, 2]],
        "selected": [[1, 2, 0, 1, 0], [2, 0, 0, 0, 0]],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    for block in blocks:
        np.testing.assert_array_equal(block.total, [[4], [2]])


def test_rounding_makes_no_number_negative():
    # (.1 + .2 + .3) - .3 is a little less than .1 + .2.
    part = confusion.Confusion(
        1, np.zeros((1, 1)), np.full((1, 1), 0.1 + 0.2), np.full((1, 1), 0.3),
        np.full((1, 1), 0.3 + 0.2 + 0.1),
    )  # fmt: skip
    assert part.negatives < part.fp
    assert part.tn == 0
