"""Gaps by chance against the difference of two proportions."""

import numpy as np
import pytest
from memory_study import PEOPLE, people, study, truth

from pipelines.analysis.chance import chance_gaps
from pipelines.analysis.measures import Measure
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, Run


def test_gap_by_chance_is_the_expected_difference_of_two_proportions():
    several = people(seeds=(0, 1, 2), temperatures=(1.0, 4.0), examples=400)
    chance, of_test = chance_gaps(several), several.truth["test"]
    assert list(chance) == list(several.models)
    codes = of_test.groups["side"]
    known = codes >= 0
    sizes = np.bincount(codes[known])
    ratios = []
    for model, seeds in several.models.items():
        # Mean of |N(0, s)| is s sqrt(2 / pi); s of two shares of random groups.
        shares = [np.mean(r.predicted("test")[known]) for r in seeds.values()]
        s = [np.sqrt(p * (1 - p) * np.sum(1 / sizes)) for p in shares]
        expected = np.mean(s) * np.sqrt(2 / np.pi)
        found = chance[model][Measure("dpd", "side")]
        ratios.append(found.mean / expected)
        assert found.highest > found.mean > 0
        assert 0 < chance[model][Measure("eod", "side")].mean != found.mean
    # 20 shuffles: one standard error is .76 / sqrt(20) = .17; models err alike.
    assert np.mean(ratios) == pytest.approx(1, abs=0.35)


@pytest.fixture(scope="module")
def by_hand():
    """One of four is positive, and is in either side; the fifth is in none."""
    groups = {"side": [0, 1, 1, 1, -1], "age": [0] * 5}
    truths = {"test": truth([1, 1, 0, 0, 1], groups)}
    answers = {Run(NDS, 0): [1, 0, 0, 0, 1], Run(DS, 3, 4.0): [0, 0, 0, 0, 1]}
    answers |= {Run(NDS, 1): [1, 1, 1, 1, 0]}
    return study(PEOPLE, truths, {run: {"test": a} for run, a in answers.items()})


def test_means_are_over_the_seeds_and_missing_groups_are_left_out(by_hand):
    chance = chance_gaps(by_hand)
    nds = chance[Model.named(NDS)][Measure("dpd", "side")]
    # Seed 0: the positive one alone in its side (gap 1), or one of three (1/3); seed 1
    # has no gap. The mean over the seeds is 1/2 or 1/6.
    assert nds.highest == pytest.approx(1 / 2)
    share = (nds.mean - 1 / 6) / (1 / 3)  # Of shuffles with a gap of 1.
    assert 20 * share == pytest.approx(round(20 * share))
    assert 0 < round(20 * share) < 14  # A quarter of 20, and four standard errors.
    ds = chance[Model.named(DS, 4.0)][Measure("dpd", "side")]
    assert (ds.mean, ds.highest) == (0, 0)
    assert np.isnan(chance[Model.named(NDS)][Measure("dpd", "age")].mean)


def test_the_shuffles_are_those_of_numpys_seed_0():
    least = 16
    config = {"evaluation": {"split": "test", "min_examples": least}}
    found = people(seeds=(0, 1), temperatures=(4.0,), examples=90, config=config)
    chance, of_test = chance_gaps(found), found.truth["test"]
    rng = np.random.default_rng(0)
    for name in ("side", "age"):
        codes = of_test.groups[name]
        known = codes >= 0
        shuffles = [rng.permutation(codes[known]) for _ in range(20)]
        sizes = np.bincount(codes[known])
        large = np.flatnonzero(sizes >= least)
        for model, seeds in found.models.items():
            selected = [r.predicted("test")[known] for r in seeds.values()]
            gaps = [
                np.mean([np.ptp([p[s == g].mean() for g in large]) for p in selected])
                for s in shuffles
            ]
            by_chance = chance[model][Measure("dpd", name)]
            assert by_chance.mean == pytest.approx(np.mean(gaps), abs=1e-12)
            assert by_chance.highest == pytest.approx(np.max(gaps), abs=1e-12)
    assert len(large) < len(sizes)  # One group of age is too small.
