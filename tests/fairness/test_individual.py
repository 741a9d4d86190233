"""Individual fairness over pairs, against SciPy and by hand."""

import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from kd_keras.fairness import (
    individual_fairness,
    individual_fairness_ratio,
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


def test_random_pairs_are_of_different_examples():
    # A pair of an example with itself would count as identical.
    found = individual_fairness([0.1, 0.9], np.eye(2), pairs=200)
    assert (found.num_pairs, found.num_identical) == (200, 0)
    assert individual_fairness([0.1, 0.9], np.eye(2), pairs=1).num_pairs == 1
    # |.1 - .9| over the cosine distance 1 of orthogonal vectors.
    assert found.mean == pytest.approx(0.8)


def test_seeds_draw_different_pairs():
    rng = np.random.default_rng(0)
    outputs, embeddings = rng.uniform(size=50), rng.normal(size=(50, 4))

    def mean(**options):
        return individual_fairness(outputs, embeddings, pairs=100, **options).mean

    assert mean(seed=1) == mean(seed=1)
    assert len({mean(), mean(seed=1), mean(seed=2)}) == 3
    assert mean() == mean(seed=0)


def test_equal_answers_to_identical_examples_are_no_violation():
    # Of the first three, which are one person: .8, 0 and .8; the fourth is another.
    outputs, embeddings = [0.1, 0.9, 0.1, 0.5], [[1.0], [1.0], [1.0], [3.0]]
    found = individual_fairness(
        outputs, embeddings, pairs="all", input_distance="euclidean"
    )
    assert (found.num_identical, found.num_violations, found.num_pairs) == (3, 2, 3)
    assert found.largest_violation == pytest.approx(0.8)
    # .4, .4 and .4 over the distance 2.
    assert found.mean == pytest.approx(0.2)
