"""Does the T that validation chooses help on the evaluation split? Seed by seed."""

from typing import NamedTuple

import numpy as np

from kd_keras.fairness.gaps import gap
from pipelines.analysis.data_table import COUNT, POINTS, Column, DataTable
from pipelines.analysis.measures import ACCURACY, GAP_OF, Measure, measures_of
from pipelines.analysis.results import Result, Study
from pipelines.analysis.seed_interval import seed_interval


class Gain(NamedTuple):
    """What choosing T by a measure's validation value gives, in shares.

    Attributes:
      measure: accuracy, or a gap.
      mean, lower, upper: change of the measure on the evaluation split, from the mean
        over all T to the T that validation chose; Student's 95 % interval over seeds.
      most: the change that the best T there would have given, mean over the seeds.
      seeds: seeds for which every T has both values.
    """

    measure: Measure
    mean: float
    lower: float
    upper: float
    most: float
    seeds: int

    @property
    def verdict(self) -> str:
        """Whether the choice surely helps."""
        better = 1 if self.measure.metric == ACCURACY else -1
        low, high = sorted((better * self.lower, better * self.upper))
        return "helps" if low > 0 else "harms" if high < 0 else "not sure"


def gains(study: Study) -> list[Gain]:
    """One per measure; nothing without two temperatures or a validation split."""
    if len(study.curve) < 2 or "validation" not in study.truth:
        return []
    shared = set.intersection(*(set(study.models[model]) for model in study.curve))
    found = []
    for measure in measures_of(study):
        per_seed = [_of_seed(study, measure, seed) for seed in sorted(shared)]
        known = np.array([one for one in per_seed if np.isfinite(one).all()])
        if known.size:
            means = (*seed_interval(known[:, 0].tolist()), float(known[:, 1].mean()))
            found.append(Gain(measure, *means, len(known)))
    return found


def _of_seed(study: Study, measure: Measure, seed: int) -> tuple[float, float]:
    """Change by validation's T, and by the best one, from the mean over all T."""
    runs = [study.models[model][seed] for model in study.curve]
    validation = np.array([_value(study, measure, r, "validation") for r in runs])
    here = np.array([_value(study, measure, run, study.split) for run in runs])
    best = np.argmax if measure.metric == ACCURACY else np.argmin
    if np.isnan(validation).any():
        return np.nan, np.nan
    return here[best(validation)] - here.mean(), here[best(here)] - here.mean()


def _value(study: Study, measure: Measure, result: Result, split: str) -> float:
    if measure.metric == ACCURACY:
        return float(np.mean(result.predicted(split) == study.truth[split].labels))
    return gap(
        study.counts(result, split),
        GAP_OF[measure.metric],
        attribute=measure.attribute,
        min_examples=study.min_examples,
    ).value


def gain_table(study: Study, found: list[Gain]) -> DataTable:
    """A row per measure."""
    rows = [
        {
            "measure": gain.measure.title,
            "seeds": gain.seeds,
            "change": gain.mean,
            "lower": gain.lower,
            "upper": gain.upper,
            "most": gain.most,
            "verdict": gain.verdict,
        }
        for gain in found
    ]
    columns = (
        Column("measure", "T chosen by"),
        Column("seeds", "seeds", COUNT),
        Column("change", "change", POINTS),
        Column("lower", "from", POINTS),
        Column("upper", "to", POINTS),
        Column("most", "by the best T", POINTS),
        Column("verdict", "choosing"),
    )
    caption = (
        f"What the {study.split} split gains, in points, when each seed takes the T "
        "with its best validation value, against the mean over all T; intervals "
        "(95 %, Student's t) over the seeds. The best T is chosen on the split that "
        "judges, so no rule can do better."
    )
    return DataTable("choice_gain", caption, columns, rows)
