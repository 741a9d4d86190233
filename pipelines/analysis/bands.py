"""Joint 95 % bands over the temperatures."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_keras.fairness import GroupCounts, Interval
from pipelines.analysis import seed_means
from pipelines.analysis.data_table import COUNT, PERCENT, POINTS, Column, DataTable
from pipelines.analysis.joint_counts import joint_counts, observed_and_resampled
from pipelines.analysis.measures import (
    ACCURACY,
    GAP_OF,
    MODEL_COLUMNS,
    Measure,
    measures_of,
    model_cells,
)
from pipelines.analysis.results import Model, Study
from pipelines.studies.interval_options import LEVEL, REPLICATES

# Model -> seed -> accuracy `[1 + replicates]`, of which the first is observed.
Replicates = Mapping[Model, Mapping[int, np.ndarray]]


class Band(NamedTuple):
    """Intervals `[T]` that hold for all temperatures, and methods, together."""

    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def of_curve(self, study: Study) -> "Band":
        """The part of a band of `Study.distilled` that is of `Study.curve`."""
        if study.curve == study.distilled:
            return self
        places = [study.distilled.index(model) for model in study.curve]
        return Band(*(values[places] for values in self))

    @classmethod
    def of(cls, found: Sequence[Interval]) -> "Band":
        """The band that these intervals, one for each T, make."""
        ends = [(one.value, one.low, one.high) for one in found]
        return cls(*np.array(ends).T)


def replicate(study: Study) -> Replicates:
    """Accuracies on test examples drawn with replacement, the same for every run.

    Runs are compared on equal draws, so what is hard for all of them cancels. The
    draws say nothing about other initialisations.
    """
    return {
        model: {seed: _accuracies(counts) for seed, counts in seeds.items()}
        for model, seeds in joint_counts(study, study.split).items()
    }


def _accuracies(counts: GroupCounts) -> np.ndarray:
    """`[1 + replicates]`; equal counts draw equal replicates."""
    values = []
    for block in observed_and_resampled(counts, REPLICATES):
        right = block.label == block.prediction
        values.append(block.mass[..., right].sum(axis=-1) / block.mass.sum(axis=-1))
    return np.concatenate(values)


def joint_level(intervals: int) -> float:
    """The level at which so many intervals hold together with LEVEL (Bonferroni)."""
    return 1 - (1 - LEVEL) / intervals


def seed_mean(replicates: Replicates, model: Model) -> np.ndarray:
    """Mean accuracy over the seeds, `[1 + replicates]`."""
    return np.mean(list(replicates[model].values()), axis=0)


def seed_changes(replicates: Replicates, model: Model, base: Model) -> np.ndarray:
    """`model` minus `base` for each seed that both have, `[seeds, 1 + replicates]`."""
    after, before = replicates[model], replicates[base]
    return np.array([after[seed] - before[seed] for seed in after if seed in before])


def joint_band(values: np.ndarray, low: float, high: float) -> Band:
    """Simultaneous band of several means ("sup-t").

    As wide as the largest standardised deviation of 95 % of the replicates (Montiel
    Olea & Plagborg-Moeller 2019, Journal of Applied Econometrics 34, algorithm 2),
    and cut off where the quantity ends. It is centred on the observed values: gaps
    between many small groups are larger in every replicate than they were observed.

    Args:
      values: `[T, 1 + replicates]`; column 0 is observed.
      low: lowest possible value.
      high: highest possible value.
    """
    observed, replicates = values[:, 0], values[:, 1:]
    replicates = replicates[:, np.isfinite(replicates).all(axis=0)]
    if not replicates.size:
        return Band(observed, *np.full((2, len(observed)), np.nan))
    deviation = replicates - replicates.mean(axis=1, keepdims=True)
    sd = deviation.std(axis=1)
    standardised = abs(deviation[sd > 0]) / sd[sd > 0, np.newaxis]
    width = sd * np.quantile(standardised.max(axis=0, initial=0.0), LEVEL)
    return Band(
        observed,
        np.maximum(observed - width, low),
        np.minimum(observed + width, high),
    )


def bands(study: Study, replicates: Replicates) -> dict[Measure, Band]:
    """The band of every measure of the distilled students, if there are any.

    That of the accuracy is simultaneous ("sup-t"). Gaps have the library's intervals,
    which hold for small groups too, at the level at which all hold together.
    """
    found = {}
    level = joint_level(max(1, len(study.distilled)))
    for measure in measures_of(study) if study.distilled else ():
        if measure.metric == ACCURACY:
            means = [seed_mean(replicates, model) for model in study.distilled]
            found[measure] = joint_band(np.array(means), 0, 1)
            continue
        about = (study, GAP_OF[measure.metric], measure.attribute)
        found[measure] = Band.of(
            [
                seed_means.mean_of(seed_means.gaps(*about, model, level))
                for model in study.distilled
            ]
        )
    return found


def band_table(study: Study, found: Mapping[Measure, Band]) -> DataTable:
    rows = [
        {
            "attribute": measure.by,
            "metric": measure.metric,
            **model_cells(model),
            "mean": band.mean[i],
            "lower": band.lower[i],
            "upper": band.upper[i],
        }
        for measure, band in found.items()
        for i, model in enumerate(study.distilled)
    ]
    columns = (
        Column("attribute", "attribute"),
        Column("metric", "metric"),
        *MODEL_COLUMNS[1:],
        Column("mean", "mean, %", PERCENT),
        Column("lower", "from, %", PERCENT),
        Column("upper", "to, %", PERCENT),
    )
    return DataTable("bands", "Joint 95 % bands of the curves.", columns, rows)


def change_table(study: Study, replicates: Replicates) -> DataTable:
    """Every ds(T) against nds and against the teacher, jointly over T."""
    rows: list[dict[str, Any]] = []
    for measure in measures_of(study):
        for base in filter(None, (study.nds, study.teacher)):
            models = [m for m in study.distilled if study.pairs(m, base)]
            if not models:
                continue
            by_seed, band = _changes(study, replicates, measure, models, base)
            for i, (model, change) in enumerate(zip(models, by_seed, strict=True)):
                agreeing = np.sign(change) == np.sign(band.mean[i])
                rows.append(
                    {
                        "attribute": measure.by,
                        "metric": measure.metric,
                        "against": base.name,
                        "change": band.mean[i],
                        "lower": band.lower[i],
                        "upper": band.upper[i],
                        "seeds": len(change),
                        "seeds_agreeing": int(agreeing.sum()),
                    }
                    | model_cells(model)
                )
    columns = (
        Column("attribute", "attribute"),
        Column("metric", "metric"),
        Column("against", "against"),
        *MODEL_COLUMNS,
        Column("change", "change, points", POINTS),
        Column("lower", "from", POINTS),
        Column("upper", "to", POINTS),
        Column("seeds", "seeds", COUNT),
        Column("seeds_agreeing", "seeds of that sign", COUNT),
    )
    caption = (
        "Change of the distilled students against nds and teacher, with intervals that "
        "hold for all temperatures together (joint 95 %)."
    )
    return DataTable("changes", caption, columns, rows)


def _changes(
    study: Study,
    replicates: Replicates,
    measure: Measure,
    models: Sequence[Model],
    base: Model,
) -> tuple[list[np.ndarray], Band]:
    """The change of each model, `[seeds]`, and the band of their means."""
    if measure.metric == ACCURACY:
        drawn = [seed_changes(replicates, model, base) for model in models]
        band = joint_band(np.stack([c.mean(axis=0) for c in drawn]), -1, 1)
        return [change[:, 0] for change in drawn], band
    about = (study, GAP_OF[measure.metric], measure.attribute)
    level = joint_level(len(models))
    found = [seed_means.changes(*about, model, base, level) for model in models]
    values = [np.array([one.value for one in of_model]) for of_model in found]
    return values, Band.of([seed_means.mean_of(of_model) for of_model in found])
