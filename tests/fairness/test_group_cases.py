"""Small cases whose numbers are worked out by hand."""

import math

import numpy as np
import pytest
from fairlearn import metrics as fairlearn_metrics

from kd_keras.fairness import (
    GroupCounts,
    hard_predictions,
    individual_fairness,
    mcnemar,
    wilson,
)


def digits(text):
    return [int(digit) for digit in text]


def counts_of(y, p, g, weights=None):
    return GroupCounts.from_predictions(
        digits(y), digits(p), groups={"g": list(g)}, sample_weight=weights
    )


@pytest.mark.parametrize(
    ("y", "p", "g", "dpd", "eod"),
    [
        pytest.param("11001100", "11101000", "aaaabbbb", 0.5, 0.5, id="two groups"),
        pytest.param(
            "110011001100", "100010101111", "aaaabbbbcccc", 0.75, 1, id="three groups"
        ),
    ],
)
def test_gaps_of_two_and_three_groups(y, p, g, dpd, eod):
    counts = counts_of(y, p, g)
    assert float(counts.demographic_parity_difference()) == dpd
    assert float(counts.equalized_odds_difference()) == eod


def test_threshold_is_exclusive_and_group_without_negatives_is_listed():
    scores = [0.9, 0.5, 0.5, 0.1, 0.2, 0.7, 0.9, 0.8, 0.3]
    labels, groups = digits("110010111"), list("aaaaaabbb")
    counts = GroupCounts.from_predictions(
        labels, hard_predictions(scores, scores="probabilities"), groups={"g": groups}
    )
    assert float(counts.demographic_parity_difference()) == pytest.approx(1 / 3)
    assert counts.true_positive_rate().by_group["a"] == pytest.approx(1 / 3)
    assert counts.false_positive_rate().undefined == ("b",)
    eod = counts.equalized_odds_difference()
    assert math.isnan(eod.value)
    assert [tuple(rate) for rate in eod.undefined] == [
        ("false_positive_rate", 1, ("b",))
    ]
    inclusive = GroupCounts.from_predictions(
        labels, np.greater_equal(scores, 0.5), groups={"g": groups}
    )
    assert inclusive.true_positive_rate().by_group["a"] == pytest.approx(2 / 3)


def test_undefined_gap_is_not_replaced_by_zero():
    counts = counts_of("110000", "101010", "aaaabb")
    assert float(counts.demographic_parity_difference()) == 0
    assert float(counts.false_positive_rate_difference()) == 0
    assert math.isnan(float(counts.equal_opportunity_difference()))
    eod = counts.equalized_odds_difference()
    assert math.isnan(eod.value)
    assert "true_positive_rate" in eod.reason
    # Fairlearn takes the undefined rate of b as 0.
    assert (
        fairlearn_metrics.equalized_odds_difference(
            digits("110000"), digits("101010"), sensitive_features=list("aaaabb")
        )
        == 0.5
    )


def test_one_group_has_no_gap():
    gap = counts_of("1100", "1010", "aaaa").demographic_parity_difference()
    assert math.isnan(gap.value)
    assert gap.reason == "needs at least two groups, has 1: ['a']"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("s", 0), ("q", 0), (("s", "q"), 1)],
    ids=["s", "q", "crossed"],
)
def test_crossing_shows_what_single_attributes_hide(attribute, value):
    counts = GroupCounts.from_predictions(
        digits("10101010"),
        digits("11000011"),
        groups={"s": list("ffffmmmm"), "q": list("xxyyxxyy")},
    )
    assert float(counts.demographic_parity_difference(attribute)) == value
    assert float(counts.equalized_odds_difference(attribute)) == value


def test_missing_is_no_group_but_counts_overall():
    counts = GroupCounts.from_predictions(
        digits("1100"), digits("1001"), groups={"g": ["a", "a", "b", None]}
    )
    rates = counts.accuracy()
    assert rates.examples == {"a": 2, "b": 1}
    assert counts.num_examples == 4
    assert rates.by_group == {"a": 0.5, "b": 1.0}
    assert rates.overall == 0.5


@pytest.mark.parametrize(
    ("weights", "dpd"), [([3, 1, 1, 1], 0.75), (None, 0.5)], ids=["weighted", "plain"]
)
def test_weights(weights, dpd):
    counts = counts_of("1100", "1000", "aabb", weights)
    assert float(counts.demographic_parity_difference()) == dpd
    assert counts.true_positive_rate().by_group["a"] == dpd
    # Group b has no positives and a no negatives: Fairlearn's value takes b's TPR as 0.
    assert math.isnan(float(counts.equalized_odds_difference()))
    assert dpd == fairlearn_metrics.equalized_odds_difference(
        digits("1100"),
        digits("1000"),
        sensitive_features=list("aabb"),
        sample_weight=weights,
    )


def test_several_classes_are_compared_one_against_the_rest():
    scores = [
        [(0.4, 0.35, 0.25), (0.3, 0.45, 0.25), (0.2, 0.2, 0.6)],
        [(0.4, 0.35, 0.25), (0.6, 0.3, 0.1), (0.1, 0.3, 0.6)],
    ]
    predictions = hard_predictions(np.concatenate(scores))
    counts = GroupCounts.from_predictions(
        digits("012012"), predictions, groups={"g": list("aaabbb")}
    )
    assert counts.accuracy().by_group == {"a": 1, "b": pytest.approx(2 / 3)}
    gap = counts.demographic_parity_difference()
    # Selection rates of a: 1/3 each; of b: 2/3, 0, 1/3.
    np.testing.assert_allclose(gap.by_class, [1 / 3, 1 / 3, 0], atol=1e-15)
    assert gap.value == pytest.approx(2 / 9)
    # TPR of a: 1 each, of b: 1, 0, 1; FPR of a: 0 each, of b: 1/2, 0, 0.
    eod = counts.equalized_odds_difference()
    np.testing.assert_allclose(eod.by_class, [0.5, 1, 0], atol=1e-15)
    mean = counts.equalized_odds_difference(agg="mean")
    np.testing.assert_allclose(mean.by_class, [0.25, 0.5, 0], atol=1e-15)
    assert float(counts.one_vs_rest(0).demographic_parity_difference()) == (
        pytest.approx(1 / 3)
    )
    assert counts.one_vs_rest(2) == GroupCounts.from_predictions(
        [0, 0, 1, 0, 0, 1], predictions == 2, groups={"g": list("aaabbb")}
    )


@pytest.mark.parametrize(
    ("b", "c", "p_value"), [(8, 2, 0.109375), (1, 0, 1), (0, 0, 1), (5, 5, 1)]
)
def test_mcnemar(b, c, p_value):
    assert mcnemar(b, c) == pytest.approx(p_value, abs=1e-15)


def test_wilson():
    low, high = wilson(2, 3)
    assert (round(float(low), 3), round(float(high), 3)) == (0.208, 0.939)


def test_identical_inputs_are_counted_apart():
    result = individual_fairness(
        [0.1, 0.9, 0.2], [0, 1, 1], input_distance="euclidean", pairs="all"
    )
    assert result.largest == pytest.approx(0.8)
    # The other distinct pair has the ratio 0.1.
    assert result.mean == pytest.approx(0.45)
    assert (result.num_pairs, result.num_identical, result.num_violations) == (2, 1, 1)
    assert result.largest_violation == pytest.approx(0.7)
