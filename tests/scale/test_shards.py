"""Shards together are the study, and each has the teachers that it needs."""

import pytest

from pipelines.studies import shards
from pipelines.studies.layout import Run, study_runs

RUNS = study_runs((1, 4), (0, 1, 2))  # Twelve.


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 20])
def test_shards_cover_the_study_and_share_no_student(count):
    parts = [shards.share(RUNS, f"{i}/{count}") for i in range(count)]
    students = [run for part in parts for run in part if run.model != "teacher"]
    assert sorted(map(str, students)) == sorted(
        str(run) for run in RUNS if run.model != "teacher"
    )
    assert {run for part in parts for run in part} == set(RUNS)
    for part in parts:
        assert {Run("teacher", run.seed) for run in part if run.model == "ds"} <= set(
            part
        )
        # Teachers first, as in the study.
        assert part == [run for run in RUNS if run in part]


def test_a_shard_per_seed_shares_no_teacher():
    assert shards.share(RUNS, "1/3") == [
        *(Run("teacher", 1), Run("nds", 1), Run("ds", 1, 1.0), Run("ds", 1, 4.0))
    ]


@pytest.mark.parametrize("shard", ["4/4", "0/0", "1", "a/b", "-1/4", "1/2/3"])
def test_another_shard_is_refused(shard):
    with pytest.raises(ValueError, match=r"--shard must be i/n with i from 0 to n - 1"):
        shards.share(RUNS, shard)
