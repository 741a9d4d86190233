"""Where the errors of a student come from, by hand."""

import math

import numpy as np
import pytest

from kd_keras.fairness import (
    PairedCounts,
)
from kd_keras.fairness.error_transfer import error_transfer

# Group w (10 examples): 3 shared errors, 2 introduced, 1 repaired, 4 both right.
# Group v (10 examples): 1 shared, 0 introduced, 2 repaired, 7 both right.
LABEL = np.ones(20, int)


TEACHER = np.array([0] * 3 + [1] * 2 + [0] * 1 + [1] * 4 + [0] + [0] * 2 + [1] * 7)


STUDENT = np.array([0] * 3 + [0] * 2 + [1] * 1 + [1] * 4 + [0] + [1] * 2 + [1] * 7)


GROUP = ["w"] * 10 + ["v"] * 10


def example_counts(**options):
    return PairedCounts.from_predictions(
        LABEL, TEACHER, STUDENT, groups={"g": GROUP}, **options
    )


def test_errors_are_shared_introduced_or_repaired():
    transfer = example_counts().error_transfer()
    assert transfer.by_group["w"][:7] == (0.3, 0.2, 0.1, 3, 2, 1, 10)
    assert transfer.by_group["v"][:7] == (0.1, 0.0, 0.2, 1, 0, 2, 10)
    assert transfer.overall[:7] == (0.2, 0.1, 0.15, 4, 2, 3, 20)
    # Exact binomial: 2 of 3 one way is p = 1, 2 of 2 is p = 2 / 4.
    assert transfer.by_group["w"].p_value == 1
    assert transfer.by_group["v"].p_value == pytest.approx(0.5)


def test_accuracy_gap_is_transferred_plus_created():
    counts = example_counts()
    transfer = counts.error_transfer()
    assert (transfer.worst, transfer.best) == ("w", "v")
    assert transfer.transferred == pytest.approx(0.2)
    assert transfer.created == pytest.approx(0.2)
    assert float(counts.b.accuracy_gap()) == pytest.approx(0.4)


def test_weights_change_shares_and_not_the_test():
    weights = np.ones(20)
    weights[3:5] = 3
    errors = example_counts(sample_weight=weights).error_transfer().by_group["w"]
    assert errors.introduced == pytest.approx(6 / 14)
    assert (errors.num_introduced, errors.p_value) == (2, 1)


def test_one_group_has_no_transfer():
    counts = PairedCounts.from_predictions([1], [1], [0], groups={"g": ["a"]})
    transfer = counts.error_transfer()
    assert transfer.worst is None
    assert math.isnan(transfer.created)


def paired_of(cells):
    """(group, a right, b right) -> count; positives only."""
    rows = [key for key, count in cells.items() for _ in range(count)]
    groups, a, b = zip(*rows, strict=True)
    ones = np.ones(len(rows), int)
    return PairedCounts.from_predictions(
        ones, a, b, groups={"g": groups}, num_classes=2
    )


def test_transferred_and_created_by_hand():
    # x: both wrong 3, only b 1, only a 2, of 10; y: 2, 4 and 1 of 20.
    counts = paired_of(
        {
            ("x", 0, 0): 3,
            ("x", 1, 0): 1,
            ("x", 0, 1): 2,
            ("x", 1, 1): 4,
            ("y", 0, 0): 2,
            ("y", 1, 0): 4,
            ("y", 0, 1): 1,
            ("y", 1, 1): 13,
        }
    )
    transfer = error_transfer(counts, "g")
    x, y = (transfer.by_group[group] for group in "xy")
    assert (x.shared, x.introduced, x.repaired) == pytest.approx((0.3, 0.1, 0.2))
    assert (y.shared, y.introduced, y.repaired) == pytest.approx((0.1, 0.2, 0.05))
    # b is right in 6 of 10 and 14 of 20: y is the best group, x the worst.
    assert transfer.transferred == pytest.approx(0.2)
    assert transfer.created == pytest.approx(-0.1)


def test_the_table_names_the_kinds_of_errors():
    html = example_counts().error_transfer()._repr_html_()
    heads = ("group", "shared", "introduced", "repaired", "examples")
    assert html.count('<th scope="col">') == len(heads)
    for head in heads:
        assert f'<th scope="col">{head}</th>' in html
    # Of ten in w three are shared, two introduced and one repaired.
    assert ">w</th><td>0.3</td><td>0.2</td><td>0.1</td><td>10</td>" in html


def test_examples_without_a_group_count_in_all_alone():
    counts = PairedCounts.from_predictions(
        [1, 1, 1, 1], [1, 0, 0, 1], [0, 0, 1, 1], groups={"g": ["a", "b", None, None]}
    )
    transfer = counts.error_transfer()
    assert transfer.by_group["a"][:7] == (0, 1, 0, 0, 1, 0, 1)
    assert transfer.by_group["b"][:7] == (1, 0, 0, 1, 0, 0, 1)
    assert transfer.overall[:7] == (0.25, 0.25, 0.25, 1, 1, 1, 4)
