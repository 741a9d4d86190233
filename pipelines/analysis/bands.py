"""Joint 95 % bands over the temperatures, from one bootstrap of all runs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_keras.fairness import GroupCounts, gap_values
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

# Model -> seed -> measure -> `[1 + replicates]`, of which the first is observed.
Replicates = Mapping[Model, Mapping[int, Mapping[Measure, np.ndarray]]]


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


def replicate(study: Study) -> Replicates:
    """Draws test examples with replacement, the same ones for every run.

    Runs are compared on equal draws, so what is hard for all of them cancels. The
    draws say nothing about other initialisations.
    """
    measures = measures_of(study)
    return {
        model: {seed: _draw(counts, measures) for seed, counts in seeds.items()}
        for model, seeds in joint_counts(study, study.split).items()
    }


def _draw(
    counts: GroupCounts, measures: Sequence[Measure]
) -> dict[Measure, np.ndarray]:
    """Measure -> `[1 + replicates]`; equal counts and seeds draw equal replicates."""
    values = [
        [_value(block, measure) for measure in measures]
        for block in observed_and_resampled(counts, REPLICATES)
    ]
    return dict(zip(measures, np.concatenate(values, axis=1), strict=True))


def _value(counts: GroupCounts, measure: Measure) -> np.ndarray:
    if measure.metric == ACCURACY:
        right = counts.label == counts.prediction
        return counts.mass[..., right].sum(axis=-1) / counts.mass.sum(axis=-1)
    return gap_values(counts, GAP_OF[measure.metric], attribute=measure.attribute)


def seed_mean(replicates: Replicates, measure: Measure, model: Model) -> np.ndarray:
    """Mean over the seeds, `[1 + replicates]`."""
    return np.mean([run[measure] for run in replicates[model].values()], axis=0)


def seed_changes(
    replicates: Replicates, measure: Measure, model: Model, base: Model
) -> np.ndarray:
    """`model` minus `base` for each seed that both have, `[seeds, 1 + replicates]`."""
    after, before = replicates[model], replicates[base]
    common = [seed for seed in after if seed in before]
    return np.array([after[seed][measure] - before[seed][measure] for seed in common])


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
    """The band of every measure of the distilled students, if there are any."""
    found = {}
    for measure in measures_of(study) if study.distilled else ():
        means = [seed_mean(replicates, measure, model) for model in study.distilled]
        found[measure] = joint_band(np.array(means), 0, 1)
    return found


def band_table(study: Study, found: Mapping[Measure, Band]) -> DataTable:
    rows = [
        {
            "attribute": measure.attribute,
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
            changes = [seed_changes(replicates, measure, m, base) for m in models]
            band = joint_band(np.stack([c.mean(axis=0) for c in changes]), -1, 1)
            for i, (model, change) in enumerate(zip(models, changes, strict=True)):
                agreeing = np.sign(change[:, 0]) == np.sign(band.mean[i])
                rows.append(
                    {
                        "attribute": measure.attribute,
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
