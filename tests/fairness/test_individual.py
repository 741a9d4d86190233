"""Individual fairness over pairs, against SciPy and by hand."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from kd_keras.fairness import (
    individual,
    individual_fairness,
    individual_fairness_ratio,
)
from kd_keras.fairness.individual import of_models


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
        ({"input_distance": "l1"}, "`input_distance` must be one of"),
        ({"pairs": 0}, '`pairs` must be a positive whole number or "all"'),
        ({"pairs": 2.5}, '`pairs` must be a positive whole number or "all"'),
        ({"outputs": [0.1, 1.5, 0.2]}, "`outputs` must be probabilities.* 1.5, sums"),
        ({"outputs": np.full((3, 2), 0.4)}, r"sums of 0\.8 to 0\.8\. Of logits take"),
        ({"outputs": np.zeros((3, 1, 1))}, r"one row per example.*\(3, 1, 1\)"),
        ({"embeddings": 1.0}, r"`embeddings` must have one row .* shape \(\)"),
        ({"outputs": [0.5], "embeddings": [[1.0]]}, "two at least. Received: 1 and 1"),
    ],
)
def test_bad_individual_fairness(changed, message):
    arguments = {"outputs": [0.1, 0.5, 0.2], "embeddings": [[1.0], [2.0], [3.0]]}
    with pytest.raises(ValueError, match=message):
        individual_fairness(**{**arguments, **changed})
    logits = {**arguments, "outputs": [5.0, -3.0, 0.0], "pairs": np.int64(9)}
    found = individual_fairness(**logits, output_distance="euclidean")
    assert found.num_pairs + found.num_identical == 9


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


def test_output_distances_of_two_columns_and_of_one():
    # From (.9, .1) to (.6, .4): half the L1 distance .3, the L2 distance .3 sqrt(2).
    two, one = [[0.9, 0.1], [0.6, 0.4]], [0.1, 0.4]
    options = {"input_distance": "euclidean", "pairs": "all"}

    def mean(outputs, distance):
        found = individual_fairness(
            outputs, [0.0, 2.0], output_distance=distance, **options
        )
        return found.mean

    assert mean(two, "total_variation") == pytest.approx(0.15)
    assert mean(two, "euclidean") == pytest.approx(0.15 * np.sqrt(2))
    # Of class 1 alone the other one is added for the total variation.
    assert mean(one, "total_variation") == pytest.approx(0.15)
    assert mean(one, "euclidean") == pytest.approx(0.15)


def drawn_pairs(examples, pairs, seed):
    """Pairs of different examples: the firsts, then the others, 65,536 at a time."""
    rng = np.random.default_rng(seed)
    firsts, others = [], []
    for size in [65_536] * (pairs // 65_536) + [pairs % 65_536]:
        i, j = rng.integers(examples, size=size), rng.integers(examples - 1, size=size)
        firsts.append(i)
        others.append(np.where(j >= i, j + 1, j))
    return np.concatenate(firsts), np.concatenate(others)


@pytest.mark.parametrize(
    "options", [{}, {"pairs": 70_000, "seed": 3}, {"pairs": 200_000}], ids=str
)
def test_random_pairs_are_those_of_the_seed(options):
    rng = np.random.default_rng(1)
    outputs, embeddings = rng.random(30), rng.normal(size=(30, 3))
    pairs = options.get("pairs", 100_000)
    i, j = drawn_pairs(30, pairs, options.get("seed", 0))
    ratios = abs(outputs[i] - outputs[j])
    ratios /= np.linalg.norm(embeddings[i] - embeddings[j], axis=1)
    options = options | {"input_distance": "euclidean"}
    found = individual_fairness(outputs, embeddings, **options)
    assert found.num_pairs == pairs
    assert found.mean == pytest.approx(ratios.mean(), rel=1e-12)
    assert found.largest == pytest.approx(ratios.max(), rel=1e-12)
    several = of_models([outputs, outputs / 2], embeddings, **options)
    assert several[0] == found
    assert several[1].mean == pytest.approx(ratios.mean() / 2, rel=1e-12)


@pytest.mark.parametrize("pairs", ["all", 1000])
def test_pairs_in_blocks_have_the_sums_of_all(pairs, monkeypatch):
    rng = np.random.default_rng(2)
    outputs, embeddings = rng.random(20), rng.integers(0, 2, (20, 3)).astype(float)
    options = {"pairs": pairs, "input_distance": "euclidean"}
    expected = individual_fairness(outputs, embeddings, **options)
    assert expected.num_identical > 0
    assert expected.num_pairs + expected.num_identical == (
        190 if pairs == "all" else 1000
    )
    for elements in (1, 9, 24):
        monkeypatch.setattr(individual, "_BLOCK_ELEMENTS", elements)
        found = individual_fairness(outputs, embeddings, **options)
        assert dataclasses.astuple(found) == pytest.approx(
            dataclasses.astuple(expected)
        )


def test_a_temporary_array_has_8_megabytes_at_most(monkeypatch):
    seen = []

    def recorded(a, b):
        seen.append(a.shape)
        return np.ones(len(a))

    monkeypatch.setitem(individual.INPUT_DISTANCES, "recorded", recorded)
    options = {"input_distance": "recorded", "pairs": 5000}
    individual_fairness([0.5, 0.25], np.ones((2, 512)), **options)
    assert seen == [(2048, 512), (2048, 512), (904, 512)]
    assert 2048 * 512 * 8 == 8 * 2**20
    # A row is not cut, however wide it is.
    monkeypatch.setattr(individual, "_BLOCK_ELEMENTS", 100)
    seen.clear()
    individual_fairness([0.5, 0.25], np.ones((2, 512)), **options | {"pairs": 3})
    assert seen == [(1, 512)] * 3


def test_a_teacher_that_treats_all_alike_has_no_ratio():
    with warnings.catch_warnings(action="error"):
        found = individual_fairness_ratio([0.1, 0.9], [0.5, 0.5], np.eye(2), pairs=5)
    assert math.isnan(found)


def test_the_largest_ratio_may_be_small():
    found = individual_fairness([0.5, 0.75], [0.0, 1.0], input_distance="euclidean")
    assert (found.largest, found.largest_violation) == (0.25, 0)
    # Those who are alike, and are treated a little differently.
    found = individual_fairness([0.5, 0.75], [1.0, 1.0], input_distance="euclidean")
    assert found.largest_violation == 0.25
    assert found.num_violations == found.num_identical == 100_000


def test_parallel_vectors_differ_by_rounding_alone_and_others_do_not():
    unit = np.array([[1.0, 0.0]])
    for angle, distance in ((1e-7, 0), (1e-5, 0.5e-10)):
        other = np.array([[np.cos(angle), np.sin(angle)]])
        found = individual.cosine(3 * unit, 2 * other)
        # 1 - cos x is x^2 / 2 for a small x.
        assert found == pytest.approx(distance, rel=1e-6)


def test_a_distance_of_exactly_the_least_one_is_no_rounding():
    difference = np.array([[3.777013992694184e-07, 1.3628432239219313e-06]])
    assert (difference**2).sum() / 2 == 1e-12
    assert individual._of_units(difference, np.zeros((1, 2))) == 1e-12
    assert individual._of_units(0.999 * difference, np.zeros((1, 2))) == 0
