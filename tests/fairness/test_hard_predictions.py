"""Hard predictions of scores in each of their forms."""

# With it NumPy has a bfloat16.
import ml_dtypes  # noqa: F401
import numpy as np
import pytest

from kd_keras.fairness import hard_predictions
from kd_keras.fairness.hard_predictions import settled


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # With two scores the higher one counts, and the first one of equals.
        ([[0.9, 0.8], [0.1, 0.3], [0.2, 0.2]], [0, 1, 0]),
        ([[1, 5, 9], [5, 9, 1]], [2, 1]),
    ],
)
def test_forms(scores, expected):
    found = hard_predictions(scores)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scores", [[0.4, 0.5, 0.6], [[0.4], [0.5], [0.6]]], ids=len)
def test_one_score_is_cut_at_a_half(scores):
    found = hard_predictions(scores, scores="probabilities")
    np.testing.assert_array_equal(found, [0, 0, 1])


def test_one_logit_is_cut_where_its_probability_is_the_threshold():
    logits = [-0.1, 0, 0.1, 0.7]
    np.testing.assert_array_equal(
        hard_predictions(logits, scores="logits"), [0, 0, 1, 1]
    )
    # sigmoid(0.1) = 0.525, sigmoid(0.7) = 0.668.
    found = hard_predictions(logits, scores="logits", threshold=0.6)
    np.testing.assert_array_equal(found, [0, 0, 0, 1])


@pytest.mark.parametrize("scores", [0.5, [[[0.5]]]], ids=["scalar", "three axes"])
def test_other_shapes_are_refused(scores):
    with pytest.raises(ValueError, match=r"must have shape \[examples\] or"):
        hard_predictions(scores)


def test_nan_is_counted():
    with pytest.raises(ValueError, match="2 NaN of 3 values"):
        hard_predictions([np.nan, np.nan, 0.5])


def test_a_threshold_of_two_columns():
    # sigmoid(.5 - .2) = .574 and sigmoid(.9 - .2) = .668.
    probabilities, logits = [[0.35, 0.65], [0.45, 0.55]], [[0.2, 0.5], [0.2, 0.9]]
    found = hard_predictions(probabilities, scores="probabilities", threshold=0.6)
    np.testing.assert_array_equal(found, [1, 0])
    found = hard_predictions(logits, scores="logits", threshold=0.6)
    np.testing.assert_array_equal(found, [0, 1])
    with pytest.raises(ValueError, match="A threshold is for the probability"):
        hard_predictions(probabilities, threshold=0.6)


def test_labels_are_whole_numbers():
    np.testing.assert_array_equal(hard_predictions([2.0, 0], scores="labels"), [2, 0])
    with pytest.raises(ValueError, match="Labels must be class indices"):
        hard_predictions([1.0, 0.5], scores="labels")


@pytest.mark.parametrize("shape", [(2, 0), (0, 0)], ids=str)
def test_no_scores_at_all_are_refused(shape):
    with pytest.raises(ValueError, match=r"Scores must have shape"):
        hard_predictions(np.zeros(shape))


@pytest.mark.parametrize("scores", [None, "probabilities", "logits", "labels"])
def test_no_examples_have_no_predictions(scores):
    assert hard_predictions([], scores=scores).shape == (0,)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([0, 1, 1], "probabilities"),
        ([0.0, 0.0], "probabilities"),
        # One value beyond [0, 1] says what all are.
        ([-0.5, 0.5, 0.75], "logits"),
        ([0.25, 1.5, 0.5], "logits"),
        ([-1.0, 2.0], "logits"),
    ],
)
def test_what_single_scores_must_be(column, kind):
    assert settled(np.array(column)) == kind


@pytest.mark.parametrize("column", [[0, 0.5], [0.5, 1], [0, 0.25, 1], [0.25, 0.75]])
def test_scores_within_0_and_1_can_be_either(column):
    with pytest.raises(ValueError, match="may be probabilities or logits"):
        settled(np.array(column))


@pytest.mark.parametrize("threshold", [0.0, 1.0, 1.5, -0.5])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(ValueError, match="`threshold` must be a probability"):
        hard_predictions([0.5], scores="logits", threshold=threshold)


@pytest.mark.parametrize(
    ("scores", "threshold", "columns"),
    [("probabilities", 0.6, 3), ("logits", 0.6, 3), (None, 0.6, 2)],
)
def test_a_threshold_needs_two_classes_of_a_known_kind(scores, threshold, columns):
    values = np.full((2, columns), 1 / columns)
    with pytest.raises(ValueError, match=f"scores={scores!r}, {columns} classes"):
        hard_predictions(values, scores=scores, threshold=threshold)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_undefined_scores_of_any_precision_are_refused(dtype):
    values = np.array([[0.5, 0.5], [0.25, np.nan], [np.nan, 0.5]]).astype(dtype)
    with pytest.raises(ValueError, match="2 NaN of 6 values, the first in row 1"):
        hard_predictions(values)
    values = np.array([[0.5, 0.5], [0.25, np.inf], [-np.inf, 0.5]]).astype(dtype)
    with pytest.raises(ValueError, match="Inf in 1 of 3 rows, the first of them row 1"):
        hard_predictions(values)
    single = np.array([[0.5], [0.25], [-np.inf], [np.inf]]).astype(dtype)
    with pytest.raises(ValueError, match="Inf in 2 of 4 rows, the first of them row 2"):
        hard_predictions(single, scores="logits")


@pytest.mark.parametrize(
    ("dtype", "slack"), [("float64", 1e-6), ("float32", 1e-6), ("float16", 0.01)]
)
def test_probabilities_may_be_off_by_rounding(dtype, slack):
    inside = np.array([-0.9 * slack, 0.0, 1.0, 1 + 0.9 * slack]).astype(dtype)
    found = hard_predictions(inside, scores="probabilities")
    np.testing.assert_array_equal(found, [0, 0, 1, 1])
    for value, text in ((-1.2 * slack, "-"), (1 + 1.2 * slack, "1"), (1.5, "1.5")):
        beyond = np.array([[0.5, 0.5], [0.25, value]]).astype(dtype)
        with pytest.raises(ValueError, match=rf"Received: {text}.* in row 1"):
            hard_predictions(beyond, scores="probabilities")


def test_the_slack_of_a_probability_is_part_of_its_range():
    found = hard_predictions([-1e-6, 1 + 1e-6], scores="probabilities")
    np.testing.assert_array_equal(found, [0, 1])


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([1.0, 0.5, 2.0], {}, "Received: 0.5"),
        ([2.0, 0.25, 0.5], {}, "Received: 0.25"),
        (["no", "yes"], {}, "Received: 'no'"),
        (np.array([1, None], object), {}, "Received: None"),
        ([1, 0], {"threshold": 0.6}, r"have no threshold. .* threshold=0.6"),
        ([[1, 0]], {}, r"Received: shape \(1, 2\)"),
    ],
)
def test_what_is_no_label_is_named(labels, options, message):
    with pytest.raises(ValueError, match=message):
        hard_predictions(labels, scores="labels", **options)


@pytest.mark.parametrize("dtype", [float, int, object, "u1"])
def test_labels_of_any_kind_are_class_indices(dtype):
    found = hard_predictions(np.array([1, 0, 3], dtype), scores="labels")
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, [1, 0, 3])
