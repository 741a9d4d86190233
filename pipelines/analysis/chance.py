"""The gaps that noise alone makes between groups of these sizes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from kd_keras.fairness import GroupCounts, gap_values
from pipelines.analysis.measures import GAP_OF, Measure
from pipelines.analysis.results import Model, Result, Study

# A gap above all of them has p = 1/21.
SHUFFLES = 20


class ByChance(NamedTuple):
    """A gap, mean over the seeds, when groups are drawn at random.

    Attributes:
      mean: over the shuffles.
      highest: of all shuffles.
    """

    mean: float
    highest: float


Chance = Mapping[Model, Mapping[Measure, ByChance]]


def chance_gaps(study: Study) -> Chance:
    """Model -> gap of an attribute -> that gap of groups drawn at random.

    The highest of several noisy rates exceeds the lowest even where no group is
    treated differently, and the more so the smaller the groups are. As in the gaps
    themselves, rates of fewer than `study.min_examples` are left out.
    """
    rng = np.random.default_rng(0)
    chance: dict[Model, dict[Measure, ByChance]] = {model: {} for model in study.models}
    for attribute in study.attributes:
        codes = study.truth[study.split].codes(study.spec, attribute)
        (known,) = np.nonzero(codes >= 0)
        shuffles = [rng.permutation(codes[known]) for _ in range(SHUFFLES)]
        for model, seeds in study.models.items():
            gaps = [
                [_gaps(study, result, known, groups) for groups in shuffles]
                for result in seeds.values()
            ]
            by_metric = np.mean(gaps, axis=0).T
            for metric, values in zip(GAP_OF, by_metric, strict=True):
                chance[model][Measure(metric, attribute)] = _by_chance(values)
    return chance


def _by_chance(values: np.ndarray) -> ByChance:
    """Of the shuffles that leave two groups to compare."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return ByChance(np.nan, np.nan)
    return ByChance(float(defined.mean()), float(defined.max()))


def _gaps(
    study: Study, result: Result, known: np.ndarray, groups: np.ndarray
) -> list[float]:
    """The gaps of GAP_OF when the examples `known` have these `groups`."""
    # Other groups than the study's, so none of the counts that the study keeps.
    counts = GroupCounts.from_predictions(
        study.truth[study.split].labels[known],
        result.predicted(study.split)[known],
        groups={"group": groups},
        num_classes=study.spec.num_classes,
    )
    return [
        float(gap_values(counts, name, min_examples=study.min_examples))
        for name in GAP_OF.values()
    ]
