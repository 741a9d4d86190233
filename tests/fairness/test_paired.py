"""Two models on the same examples: McNemar's test, and where errors come from."""

import math

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import GroupCounts, PairedCounts, adjust_p_values, mcnemar

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


def test_models_of_a_pair_are_those_counted_alone():
    counts = example_counts()
    for model, predictions in ((counts.a, TEACHER), (counts.b, STUDENT)):
        assert model == GroupCounts.from_predictions(
            LABEL, predictions, groups={"g": GROUP}
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


def test_change_of_every_class_and_group():
    counts = PairedCounts.from_predictions(
        [0, 0, 0, 0, 1, 1, 0],
        [0, 0, 0, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        groups={"g": ["a"] * 6 + ["b"]},
    )
    changes = counts.class_group_changes()
    assert changes.groups == ("a", "b")
    # a, class 0: two lost and one gained of 4; a, class 1: none of 2; b: none.
    np.testing.assert_allclose(changes.change, [[-0.25, 0], [0, np.nan]])
    np.testing.assert_allclose(changes.p_values, [[1, 1], [1, np.nan]])


@pytest.mark.parametrize(("b", "c"), [(3, 17), (40, 60), (0, 5), (700, 800)])
def test_mcnemar_is_the_binomial_test(b, c):
    expected = scipy.stats.binomtest(b, b + c, 0.5).pvalue
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-12)


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
        ([0.5], "bonferroni", "`method` must be"),
    ],
    ids=["range", "method"],
)
def test_bad_p_values(p_values, method, message):
    with pytest.raises(ValueError, match=message):
        adjust_p_values(p_values, method=method)
