"""Bad input gives an error that says what to do; scores become hard predictions."""

import math

import numpy as np
import pytest

from kd_keras.fairness import (
    GroupCounts,
    demographic_parity_difference,
    hard_predictions,
)

GOOD = {"y_true": [1, 0], "y_pred": [1, 1], "groups": {"g": ["a", "b"]}}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"y_pred": [1]}, ValueError, "`y_pred` must have one value for each of the 2"),
        ({"groups": {"g": ["a"]}}, ValueError, r"`groups\['g'\]` must have one value"),
        ({"sample_weight": [1]}, ValueError, "`sample_weight` must have one value"),
        ({"y_true": [2, 0], "num_classes": 2}, ValueError, "from 0 to 1. Received: 2"),
        ({"y_true": [-1, 0]}, ValueError, "`y_true` must hold classes from 0"),
        ({"y_pred": [0.5, 1]}, ValueError, "Received: 0.5. Use hard_predictions"),
        ({"y_pred": [math.nan, 1]}, ValueError, "Received: nan"),
        ({"y_pred": [[0.5, 0.5]]}, ValueError, "one class index per example"),
        ({"y_true": ["yes", "no"]}, ValueError, "Map class names to 0, 1"),
        ({"sample_weight": [-1, 1]}, ValueError, "finite and not negative.*-1"),
        ({"sample_weight": [math.nan, 1]}, ValueError, "finite and not neg.*nan"),
        ({"groups": {"g": ["a", 1]}}, TypeError, "only strings or only integers"),
        ({"groups": {"g": [0.5, 1]}}, TypeError, "Bin real numbers"),
        ({"groups": ["a", "b"]}, TypeError, "`groups` must map attribute names"),
        ({"groups": {"g": [["a"], ["b"]]}}, ValueError, "one group per example"),
        ({"num_classes": 1}, ValueError, "`num_classes` must be at least 2"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_bad_input_is_refused(changed, error, message):
    with pytest.raises(error, match=message):
        GroupCounts.from_predictions(**{**GOOD, **changed})


def test_counts_that_do_not_belong_together_do_not_merge():
    counts = GroupCounts.from_predictions(**GOOD)
    three = GroupCounts.from_predictions(**GOOD, num_classes=3)
    other = GroupCounts.from_predictions([1], [1], groups={"h": ["a"]})
    integers = GroupCounts.from_predictions([1], [1], groups={"g": [1]})
    with pytest.raises(ValueError, match="their `num_classes` are the same"):
        counts + three
    with pytest.raises(ValueError, match="their attributes are the same"):
        counts + other
    with pytest.raises(TypeError, match="only strings or only integers"):
        counts + integers
    with pytest.raises(TypeError, match="unsupported operand"):
        counts + 1
    with pytest.raises(ValueError, match="at least one GroupCounts"):
        GroupCounts.merge([])


def test_wrong_choices_are_named():
    counts = GroupCounts.from_predictions(
        [1, 0], [1, 1], groups={"g": ["a", "b"], "h": [1, 2]}
    )
    with pytest.raises(ValueError, match=r"must be one of \['g', 'h'\].*None"):
        counts.demographic_parity_difference()
    with pytest.raises(ValueError, match="`method` must be one of"):
        counts.demographic_parity_difference("g", method="pairwise")
    with pytest.raises(ValueError, match="`agg` must be one of"):
        counts.equalized_odds_difference("g", agg="median")
    with pytest.raises(ValueError, match="`min_examples` must be at least 0"):
        counts.accuracy_gap("g", min_examples=-1)
    three = GroupCounts.from_predictions(**GOOD, num_classes=3)
    with pytest.raises(ValueError, match=r"Call one_vs_rest\(positive_class\)"):
        three.precision()
    with pytest.raises(ValueError, match="`positive_class` must lie in 0 to 2"):
        three.one_vs_rest(3)


# logit(0.7) = log(7 / 3) = 0.847.
@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([0.5, 0.51], {"scores": "probabilities"}, [0, 1]),
        ([0.7, 0.71], {"scores": "probabilities", "threshold": 0.7}, [0, 1]),
        ([[-0.1], [0.1]], {"scores": "logits"}, [0, 1]),
        ([0.84, 0.85], {"scores": "logits", "threshold": 0.7}, [0, 1]),
        ([[2, 2.84], [2, 2.85]], {"scores": "logits", "threshold": 0.7}, [0, 1]),
        (
            [[0.3, 0.7], [0.2, 0.8]],
            {"scores": "probabilities", "threshold": 0.7},
            [0, 1],
        ),
        ([[0.2, 0.4, 0.4], [3, 1, 2]], {}, [1, 0]),
        ([[0, -math.inf], [-math.inf, 0]], {}, [0, 1]),
        ([0.3, 1.5], {}, [1, 1]),
        ([0, 1, 1.0], {}, [0, 1, 1]),
        ([2, 0, 1], {"scores": "labels"}, [2, 0, 1]),
        ([[2.0], [0.0]], {"scores": "labels"}, [2, 0]),
        ([True, False], {"scores": "labels"}, [1, 0]),
    ],
)
def test_hard_predictions(values, options, expected):
    np.testing.assert_array_equal(hard_predictions(values, **options), expected)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([[0.1, math.nan], [0.5, 0.5]], {}, "1 NaN of 4 values, the first in row 0"),
        ([0.1, math.inf], {"scores": "logits"}, "Inf in 1 of 2 rows, .* row 1"),
        ([[math.inf, 0]], {}, "Inf in 1 of 1 rows"),
        ([[-math.inf, -math.inf]], {}, "Inf in 1 of 1 rows"),
        ([0.2, 0.9], {}, "0.2 to 0.9. Say what they are: scores='probabilities' or"),
        ([0.2, 1.5], {"scores": "probabilities"}, "Received: 1.5 in row 1"),
        ([[0.2, -0.8]], {"scores": "probabilities"}, "Received: -0.8 in row 0"),
        ([0.2], {"scores": "odds"}, "`scores` must be one of .* Received: 'odds'"),
        ([0.2], {"threshold": 0}, "`threshold` must be a probability .* Received: 0"),
        ([[1, 2]], {"threshold": 0.4}, "what the scores are must be said"),
        (
            [[0.1, 0.2, 0.7]],
            {"threshold": 0.4, "scores": "probabilities"},
            "class 1 of two.* 3 classes",
        ),
        ([0.5, 1], {"scores": "labels"}, "Received: 0.5. If they are scores"),
        ([[1, 0]], {"scores": "labels"}, r"Received: shape \(1, 2\)"),
        ([[[1]]], {}, r"Received: \(1, 1, 1\)"),
    ],
)
def test_scores_that_are_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        hard_predictions(values, **options)


def test_array_function_of_one_group_is_nan():
    assert math.isnan(
        demographic_parity_difference([1, 0], [1, 0], sensitive_features=["a", "a"])
    )
