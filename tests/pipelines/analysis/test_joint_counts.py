"""Counts of all runs over the same cells, against counts of each run alone."""

import numpy as np
import pytest
from memory_study import people

from kd_keras.fairness import GroupCounts
from pipelines.analysis.joint_counts import joint_counts, observed_and_resampled


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 3), examples=60)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_runs_joint_counts_are_its_own(several, split):
    found = joint_counts(several, split)
    assert list(found) == list(several.models)
    for model, seeds in several.models.items():
        assert list(found[model]) == [0, 3]
        for seed, result in seeds.items():
            # One cell each: equal examples are united by the merge.
            merged = GroupCounts.merge([found[model][seed]])
            assert merged == several.counts(result, split)


def test_all_runs_have_the_same_cells_in_the_same_order(several):
    found = [
        counts
        for seeds in joint_counts(several, "test").values()
        for counts in seeds.values()
    ]
    for counts in found:
        np.testing.assert_array_equal(counts.counts, found[0].counts)
        np.testing.assert_array_equal(counts.cells[:, :3], found[0].cells[:, :3])
    assert found[0].num_examples == 60


def test_the_observed_counts_come_first_and_replicates_are_as_many(several):
    counts = joint_counts(several, "test")[several.distilled[0]][3]
    blocks = list(observed_and_resampled(counts, 25))
    assert sum(len(block.counts) for block in blocks[1:]) == 25
    assert blocks[0].counts.shape[0] == 1
    own = several.counts(several.models[several.distilled[0]][3], "test")
    np.testing.assert_array_equal(blocks[0].counts[0], own.counts)
    for block in blocks[1:]:
        assert set(block.counts.sum(axis=-1)) == {60}


def test_runs_get_the_same_draws(several):
    def drawn(seed):
        counts = joint_counts(several, "test")[several.distilled[0]][seed]
        (_, *blocks) = observed_and_resampled(counts, 9)
        # Examples by side and label, which are the same for both runs.
        return [
            sorted(block.counts[:, block.label == 1].sum(axis=-1)) for block in blocks
        ]

    assert drawn(0) == drawn(3)
