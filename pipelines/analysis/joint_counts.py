"""Counts of all runs over the same cells, and the same draws of examples from them."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from kd_keras.fairness import GroupCounts
from kd_keras.fairness.bootstrap import resample
from pipelines.analysis.results import Model, Study


def joint_counts(study: Study, split: str) -> dict[Model, dict[int, GroupCounts]]:
    """Counts of every run over the same cells: equal in groups, label, predictions.

    `Study.counts` gives each run cells of its own, from which equal seeds draw
    different examples. Over joint cells they draw the same ones for all runs.
    """
    truth = study.truth[split]
    names, columns = {}, []
    for attribute in sorted(study.spec.groups):
        groups = study.spec.groups[attribute]
        names[attribute] = tuple(sorted(groups))
        order = [names[attribute].index(group) for group in groups]
        columns.append(np.array([*order, -1])[truth.groups[attribute]])
    columns.append(truth.labels)
    shared = len(columns)
    columns += [result.predicted(split) for result in study.results]
    rows, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    column = itertools.count(shared)

    def next_run() -> GroupCounts:
        cells = np.column_stack([rows[:, :shared], rows[:, next(column)]])
        ones = np.ones(len(cells))
        return GroupCounts(names, study.spec.num_classes, cells, ones, counts)

    return {
        model: {seed: next_run() for seed in seeds}
        for model, seeds in study.models.items()
    }


def observed_and_resampled(
    counts: GroupCounts, replicates: int
) -> Iterator[GroupCounts]:
    """The counts themselves, `[1, cells]`, then replicates, `[block, cells]`.

    Runs whose joint counts are given in turn get the same draws of examples.
    """
    observed = dataclasses.replace(counts, counts=counts.counts[np.newaxis])
    for block in itertools.chain([observed], resample(counts, replicates)):
        # The joint cells are many; the run's own, equal ones united, are few.
        yield GroupCounts.merge([block])
