"""How far predictions are from a constraint: against Fairlearn, SciPy and by hand."""

import math

import fairlearn.metrics
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from kd_keras.mitigation.constraints import BENEFITS, Constraint
from kd_keras.mitigation.measure import Measure

EOD = "equalized_odds_difference"
RATES = {
    "accuracy_gap": [sklearn.metrics.accuracy_score],
    "demographic_parity_difference": [fairlearn.metrics.selection_rate],
    "equal_opportunity_difference": [fairlearn.metrics.true_positive_rate],
    "false_positive_rate_difference": [fairlearn.metrics.false_positive_rate],
    EOD: [fairlearn.metrics.true_positive_rate, fairlearn.metrics.false_positive_rate],
}


def sums(labels, units, weights, shape, chosen=True):
    """Weights by unit and class, `[units, classes]`."""
    found = np.zeros(shape)
    np.add.at(found, (units, labels), weights * chosen)
    return found


def examples(classes, size=90):
    """Labels, units and weights of examples, and two models' predictions."""
    rng = np.random.default_rng(classes)
    labels, units = (
        rng.integers(0, classes, size),
        rng.choice(3, size, p=[0.5, 0.3, 0.2]),
    )
    predicted = np.where(rng.random((2, size)) < 0.5, labels, units % classes)
    return labels, units, rng.integers(1, 8, size) / 4, predicted


def predictions(labels, units, weights, predicted, shape):
    """What is predicted and what of it is right, of each model."""
    right = predicted == labels
    return (
        np.stack([sums(p, units, weights, shape) for p in predicted]),
        np.stack(
            [
                sums(p, units, weights, shape, r)
                for p, r in zip(predicted, right, strict=True)
            ]
        ),
    )


def difference(name, labels, predicted, units, weights, classes):
    """The gap by Fairlearn, one against the rest, the mean over the classes."""
    if name == "accuracy_gap":
        pairs = [(labels, predicted)]
    else:
        positive = [1] if classes == 2 else range(classes)
        pairs = [(labels == c, predicted == c) for c in positive]
    gaps = [
        max(
            fairlearn.metrics.MetricFrame(
                metrics=rate, y_true=y, y_pred=p, sensitive_features=units,
                sample_params={"sample_weight": weights},
            ).difference()
            for rate in RATES[name]
        )
        for y, p in pairs
    ]  # fmt: skip
    return np.mean(gaps)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", BENEFITS)
def test_gaps_of_several_predictions_are_fairlearns(name, classes):
    labels, units, weights, predicted = examples(classes)
    shape = (3, classes)
    of_labels = sums(labels, units, weights, shape)
    measure = Measure(Constraint(name, 0.1), of_labels, of_labels, width=0.05)
    found = list(predictions(labels, units, weights, predicted, shape))
    expected = [difference(name, labels, p, units, weights, classes) for p in predicted]
    assert min(expected) > 0.05
    np.testing.assert_allclose(measure.gap(*found), expected)
    np.testing.assert_allclose(measure.violation(*found), np.array(expected) - 0.05)


# Of two units: 8 and 5 of class 0, 4 and none of class 1, 10 and 2 of class 2.
LABELS = np.array([[8.0, 4, 10], [5, 0, 2]])
SELECTED = np.array([[7.0, 6, 9], [4, 1, 2]])
HITS = np.array([[6.0, 3, 8], [4, 0, 1]])


def test_a_class_that_a_unit_lacks_is_in_no_gap():
    measure = Measure(Constraint("equal_opportunity_difference", 0), LABELS, LABELS)
    # TPR 6/8 and 4/5, 3/4 and none, 8/10 and 1/2.
    assert measure.gap(SELECTED, HITS) == pytest.approx((0.05 + 0.3) / 2)
    floors = Measure(Constraint(floor={"accuracy": 0.9}), LABELS, LABELS)
    found = floors.gap(np.stack([SELECTED] * 2), np.stack([HITS] * 2))
    assert found.tolist() == [0, 0]
    # Nobody is of one class in both: no gap is defined.
    apart = np.array([[4.0, 0], [3, 0]])
    measure = Measure(Constraint("equal_opportunity_difference", 0), apart, apart)
    assert measure.gap(apart, apart) == 0


def test_missed_floors_are_added():
    floor = {"true_positive_rate": 0.6, "true_negative_rate": 0.95}
    measure = Measure(Constraint(EOD, 0.1, floor), LABELS, LABELS, width=0.1)
    # FPR 1/14 and 0, 3/18 and 1/7, 1/12 and 1/5; TPR as above.
    gap = (max(0.05, 1 / 14) + max(0.3, 1 / 5 - 1 / 12)) / 2
    assert measure.gap(SELECTED, HITS) == pytest.approx(gap)
    # The least TPR is 1/2, the least TNR 4/5.
    assert measure.violation(SELECTED, HITS) == pytest.approx(gap - 0.1 + 0.1 + 0.15)
    assert measure.lowest("true_positive_rate", SELECTED, HITS) == 0.5
    assert measure.lowest("true_negative_rate", SELECTED, HITS) == pytest.approx(0.8)
    # Right: 17 of 22, and 5 of 7.
    assert measure.lowest("accuracy", SELECTED, HITS) == pytest.approx(5 / 7)
    kept = Measure(
        Constraint(floor={"true_positive_rate": 0.5, "accuracy": 0.7}), LABELS, LABELS
    )
    assert kept.violation(SELECTED, HITS) == 0


def test_many_predictions_miss_floors_each_for_itself():
    floor = {"true_positive_rate": 0.9, "accuracy": 0.8}
    measure = Measure(Constraint(floor=floor), LABELS, LABELS)
    # A TPR of 1/2, and 5 of 7 right; and nobody is wrong.
    models = np.stack([SELECTED, LABELS]), np.stack([HITS, LABELS])
    expected = [0.9 - 0.5 + 0.8 - 5 / 7, 0]
    np.testing.assert_allclose(measure.violation(*models), expected)


@pytest.mark.parametrize(("below", "violated"), [(5e-13, False), (2e-12, True)])
def test_what_rounding_adds_to_a_gap_is_no_violation(below, violated):
    labels = np.full((2, 2), 4.0)
    # TPR 1 and 1/2.
    hits, selected = np.array([[4.0, 4], [4, 2]]), np.array([[4.0, 4], [6, 2]])
    constraint = Constraint("equal_opportunity_difference", 0.5)
    measure = Measure(constraint, labels, labels, width=0.5 - below)
    assert (measure.violation(selected, hits) > 0) == violated


@pytest.mark.parametrize(
    ("rate", "right", "trials"),
    [("true_positive_rate", 4, 5), ("accuracy", 5, 7), ("selection_rate", 1, 7)],
)
def test_floors_are_missed_by_the_lower_ends_of_intervals(rate, right, trials):
    # Of weight 2 each: twice the weights, and as many examples.
    measure = Measure(Constraint(floor={rate: 0.9}, margin=1.2), 2 * LABELS, LABELS)
    ends = measure._lower_ends(rate, 2 * SELECTED, 2 * HITS)[1]
    level = math.erf(1.2 / math.sqrt(2))
    test = scipy.stats.binomtest(right, trials)
    low = test.proportion_ci(level, method="wilson").low
    place = {"true_positive_rate": 0, "accuracy": 0, "selection_rate": 1}[rate]
    assert ends[place] == pytest.approx(low)


def test_what_is_kept_free_is_of_the_two_smallest_units():
    weights = np.array([[30.0, 40], [12, 10], [50, 25]])
    hits = np.array([[24.0, 20], [8, 7], [45, 10]])
    selected = np.array([[44.0, 26], [11, 11], [60, 15]])

    def error(name, effective=weights):
        measure = Measure(Constraint(name, 0.1), weights, effective)
        return measure.standard_error(selected, hits)

    # TPR 37 of 75, FPR 6 + 4 + 5 of 92, in units of 10 and 25, and of 12 and 30.
    tpr, fpr = 39 / 79, 17 / 96
    positives = math.sqrt(tpr * (1 - tpr) * (1 / 10 + 1 / 25))
    negatives = math.sqrt(fpr * (1 - fpr) * (1 / 12 + 1 / 30))
    assert error("equal_opportunity_difference") == pytest.approx(positives)
    assert error("false_positive_rate_difference") == pytest.approx(negatives)
    assert error(EOD) == pytest.approx(max(positives, negatives))
    # Selected 52, right 114, of 167 in all, in units of 22 and 70.
    for name, count in (("demographic_parity_difference", 52), ("accuracy_gap", 114)):
        p = (count + 2) / 171
        expected = math.sqrt(p * (1 - p) * (1 / 22 + 1 / 70))
        assert error(name) == pytest.approx(expected)
    # Unequal weights: fewer effective positives, 20, 8 and 1, with the same rates.
    few = np.array([[30.0, 20], [12, 8], [50, 1]])
    tpr = (20 * 20 / 40 + 8 * 7 / 10 + 1 * 10 / 25 + 2) / 33
    expected = math.sqrt(tpr * (1 - tpr) * (1 / 1 + 1 / 8))
    assert error("equal_opportunity_difference", few) == pytest.approx(expected)
    assert (
        Measure(Constraint(floor={"accuracy": 0.5}), weights, few).standard_error(
            selected, hits
        )
        == 0
    )


def test_what_is_kept_free_is_the_mean_over_classes():
    weights = np.array([[30.0, 40, 20], [12, 10, 0], [50, 25, 15]])
    hits = np.array([[24.0, 20, 10], [8, 7, 0], [45, 10, 3]])
    measure = Measure(Constraint("equal_opportunity_difference", 0.1), weights, weights)
    rates = np.array([79, 39, 15]) / np.array([96, 79, 39])
    # The second unit has none of the last class: 20 and 15 are there.
    few = np.array([1 / 12 + 1 / 30, 1 / 10 + 1 / 25, 1 / 15 + 1 / 20])
    expected = np.sqrt(rates * (1 - rates) * few).mean()
    assert measure.standard_error(hits + 1, hits) == pytest.approx(expected)
