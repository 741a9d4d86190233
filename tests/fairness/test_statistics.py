"""Class bias, Wilson intervals, individual fairness and calibration."""

import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
import sklearn.metrics

from kd_keras.fairness import (
    GroupCounts,
    calibration,
    class_bias,
    individual_fairness,
    individual_fairness_ratio,
    wilson,
)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (457, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_equals_scipy(k, n, level):
    expected = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    np.testing.assert_allclose(wilson(k, n, level=level), expected, atol=1e-12)


def test_wilson_of_rates_uses_effective_counts():
    counts = GroupCounts.from_predictions(
        [1, 1, 1, 1],
        [1, 0, 1, 1],
        groups={"g": list("aaab")},
        sample_weight=[2, 1, 1, 5],
    )
    rates = counts.accuracy()
    # (2 + 1 + 1)^2 / (4 + 1 + 1) = 8 / 3 examples with a rate of 3 / 4.
    assert rates.effective_examples == {"a": pytest.approx(8 / 3), "b": 1}
    interval = rates.intervals()["a"]
    low, high = wilson(2, 8 / 3)
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
    assert np.isnan(wilson(0, 0)).all()


@pytest.mark.parametrize("relative", ["ratio", "difference"])
def test_class_bias_is_welchs_test(relative):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 0.9, (5, 6)), rng.uniform(0.5, 0.9, (4, 6))
    b[:, 2] -= 0.3
    overall_a, overall_b = a.mean(1), b.mean(1)
    if relative == "ratio":
        a_rel, b_rel = a / overall_a[:, None], b / overall_b[:, None]
    else:
        a_rel, b_rel = a - overall_a[:, None], b - overall_b[:, None]
    expected = scipy.stats.ttest_ind(a_rel, b_rel, equal_var=False).pvalue
    result = class_bias(
        a, b, overall_a=overall_a, overall_b=overall_b, relative=relative
    )
    np.testing.assert_allclose(result.p_values, expected, rtol=1e-10)
    assert result.significant == tuple(np.nonzero(expected < 0.05)[0])
    corrected = scipy.stats.false_discovery_control(expected)
    assert result.significant_corrected == tuple(np.nonzero(corrected < 0.05)[0])
    np.testing.assert_allclose(result.change, b_rel.mean(0) - a_rel.mean(0))
    assert result.expected_by_chance == pytest.approx(0.3)


def test_class_bias_without_difference_is_at_chance_level():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.7, 0.05, (2, 20, 2000))
    result = class_bias(a, b, overall_a=np.full(20, 0.7), overall_b=np.full(20, 0.7))
    # Four standard errors of 2000 tests: 4 sqrt(2000 x .05 x .95) = 39.
    assert abs(len(result.significant) - result.expected_by_chance) < 39
    assert result.expected_by_chance == 100
    assert len(result.significant_corrected) <= 2


def test_class_without_variation_is_untested():
    a = np.array([[1.0, 0.5, np.nan], [1.0, 0.6, 0.5]])
    b = np.array([[1.0, 0.8, 0.4], [1.0, 0.9, 0.5]])
    result = class_bias(
        a, b, overall_a=[0.7, 0.7], overall_b=[0.7, 0.7], relative="difference"
    )
    assert result.untested == (0, 2)
    assert result.expected_by_chance == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_accuracy_a": [[0.5, 0.5]]}, "at least two runs"),
        ({"class_accuracy_a": [[0.5], [0.6]]}, "must have the same classes"),
        ({"overall_b": [0.5]}, r"`overall_b` must have shape \[2\]"),
        ({"overall_a": [0.5, 0]}, "must be positive for a ratio"),
        ({"relative": "odds"}, '`relative` must be "ratio" or "difference"'),
    ],
    ids=["runs", "classes", "overall", "zero", "relative"],
)
def test_bad_class_bias(options, message):
    accuracy = [[0.5, 0.6], [0.7, 0.8]]
    good = {
        "class_accuracy_a": accuracy,
        "class_accuracy_b": accuracy,
        "overall_a": [0.5, 0.6],
        "overall_b": [0.5, 0.6],
    }
    arguments = {**good, **options}
    with pytest.raises(ValueError, match=message):
        class_bias(
            arguments.pop("class_accuracy_a"),
            arguments.pop("class_accuracy_b"),
            **arguments,
        )


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_individual_fairness_over_all_pairs(metric):
    rng = np.random.default_rng(0)
    outputs, embeddings = rng.dirichlet(np.ones(4), 30), rng.normal(size=(30, 5))
    moved = scipy.spatial.distance.pdist(outputs, "cityblock") / 2
    ratios = moved / scipy.spatial.distance.pdist(embeddings, metric)
    result = individual_fairness(
        outputs, embeddings, input_distance=metric, pairs="all"
    )
    assert result.mean == pytest.approx(ratios.mean(), rel=1e-10)
    assert result.largest == pytest.approx(ratios.max(), rel=1e-10)
    assert result.num_pairs == 30 * 29 / 2


def test_random_pairs_estimate_the_mean_over_all_pairs():
    rng = np.random.default_rng(0)
    outputs, embeddings = rng.random(50), rng.normal(size=(50, 5))
    exact = individual_fairness(outputs, embeddings, pairs="all").mean
    drawn = individual_fairness(outputs, embeddings, pairs=200_000, seed=1).mean
    assert drawn == pytest.approx(exact, rel=0.02)


def test_ratio_of_student_and_teacher_is_of_the_same_pairs():
    rng = np.random.default_rng(0)
    teacher, embeddings = rng.random(40), rng.normal(size=(40, 300))
    # Halved distances on the same pairs halve the mean, whichever pairs are drawn.
    ratio = individual_fairness_ratio(teacher / 2, teacher, embeddings, pairs=70_000)
    assert ratio == pytest.approx(0.5, rel=1e-12)
    wide = np.column_stack([1 - teacher, teacher, *np.zeros((40, 40))])
    ratio = individual_fairness_ratio(wide, teacher, embeddings, pairs=70_000)
    assert ratio == pytest.approx(1, rel=1e-12)
    assert math.isnan(individual_fairness_ratio(teacher, np.ones(40), embeddings))


def test_parallel_embeddings_are_identical_under_cosine():
    result = individual_fairness([0.1, 0.9], [[0.1, 0.3], [0.3, 0.9]], pairs="all")
    assert (result.num_pairs, result.num_violations) == (0, 1)
    assert math.isnan(result.mean)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"outputs": [0.1, math.nan, 0.2]}, "`outputs` must be finite"),
        ({"embeddings": [[1.0], [2.0]]}, "must hold the same examples"),
        ({"embeddings": [[1.0], [2.0], [0.0]]}, "must not be zero vectors"),
        ({"output_distance": "kl"}, "`output_distance` must be one of"),
        ({"pairs": 0}, '`pairs` must be a positive number or "all"'),
    ],
    ids=["nan", "length", "zero", "distance", "pairs"],
)
def test_bad_individual_fairness(changed, message):
    arguments = {"outputs": [0.1, 0.5, 0.2], "embeddings": [[1.0], [2.0], [3.0]]}
    with pytest.raises(ValueError, match=message):
        individual_fairness(**{**arguments, **changed})


@pytest.mark.parametrize("num_classes", [2, 4])
def test_brier_and_nll_equal_scikit_learn(num_classes):
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(num_classes), 200), rng.integers(0, num_classes, 200)
    g, w = rng.choice(["a", "b"], 200), rng.random(200)
    _, by_group = calibration(y, p, groups=g, sample_weight=w)
    for name in ("a", "b"):
        m = g == name
        scores = p[m] if num_classes > 2 else p[m, 1]
        options = {"sample_weight": w[m], "labels": range(num_classes)}
        brier = sklearn.metrics.brier_score_loss(y[m], scores, **options)
        nll = sklearn.metrics.log_loss(y[m], p[m], **options)
        assert by_group[name].brier == pytest.approx(brier, rel=1e-12)
        assert by_group[name].nll == pytest.approx(nll, rel=1e-12)


def test_expected_calibration_error():
    # Bins (.6, .8] with .7 right, .75 wrong; (.8, 1] with .9 right and right.
    p, y = [0.7, 0.25, 0.9, 0.1], [1, 1, 1, 0]
    overall, by_group = calibration(y, p, groups=["a", "a", "b", None], num_bins=5)
    # |1 - 1.45| / 4 + |2 - 1.8| / 4
    assert overall.ece == pytest.approx(0.45 / 4 + 0.2 / 4)
    assert by_group["a"].ece == pytest.approx(0.45 / 2)
    assert by_group["b"].ece == pytest.approx(0.1)
    assert (overall.examples, by_group["a"].examples) == (4, 2)


def test_certain_and_wrong_has_infinite_nll():
    overall, _ = calibration([1, 0], [0.0, 0.0], groups=["a", "b"])
    assert overall.nll == math.inf
    assert overall.brier == 0.5


@pytest.mark.parametrize(
    "probabilities",
    [[math.nan, 0.5], [1.5, 0.5], [[0.5, 0.2], [0.5, 0.5]]],
    ids=["nan", "range", "sum"],
)
def test_bad_probabilities(probabilities):
    with pytest.raises(ValueError, match="`probabilities` must lie between 0 and 1"):
        calibration([0, 1], probabilities, groups=["a", "b"])
