"""What the findings are about: one value per model, seed and draw of examples."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import scipy.special

from kd_keras.fairness import GAPS, GroupCounts, calibration, gap_values
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name
from pipelines.analysis.individual_fairness import Measured
from pipelines.analysis.joint_counts import joint_counts, observed_and_resampled
from pipelines.analysis.measures import DPD, EOD
from pipelines.analysis.results import Model, Result, Study

REPLICATES = 500
FPR = "false_positive_rate_difference"
_TITLES = {DPD: GAPS[DPD].short, EOD: GAPS[EOD].short, FPR: "the FPR gap"}

# Model -> seed -> `[1 + replicates, ...]`; row 0 is observed, and replicates may be 0.
Values = Mapping[Model, Mapping[int, np.ndarray]]


class GapName(NamedTuple):
    """A gap of an attribute: DPD, EOD or FPR."""

    gap: str
    attribute: Attribute

    @property
    def title(self) -> str:
        return f"{_TITLES[self.gap]} by {attribute_name(self.attribute)}"


class Quantities(NamedTuple):
    """What is measured of every run, on the same draws of test examples.

    Attributes:
      gaps: in shares, `[1 + replicates]`.
      accuracy: `[1 + replicates]`.
      classes: accuracy of each class `[1 + replicates, classes]`.
      ece: expected calibration error, `[1]`.
      confidence: mean probability of the predicted class, `[1]`.
      individual: I(f) over that of the same seed's nds, `[1]`; empty without one.
    """

    gaps: Mapping[GapName, Values]
    accuracy: Values
    classes: Values
    ece: Values
    confidence: Values
    individual: Values


def measure(study: Study, individual: Measured | None) -> Quantities:
    """Measures teacher, nds and the curve's students."""
    models = {
        model: study.models[model]
        for model in (study.teacher, study.nds, *study.curve)
        if model is not None
    }
    study = dataclasses.replace(study, models=models)
    names = [GapName(gap, by) for by in study.attributes for gap in (DPD, EOD, FPR)]
    counted = {
        model: {seed: _counted(study, names, c) for seed, c in seeds.items()}
        for model, seeds in joint_counts(study, study.split).items()
    }

    def of(name: GapName | str) -> Values:
        return {
            model: {seed: found[name] for seed, found in seeds.items()}
            for model, seeds in counted.items()
        }

    labels = study.truth[study.split].labels
    sure = {
        model: {seed: _confidence(study, labels, r) for seed, r in seeds.items()}
        for model, seeds in models.items()
    }
    return Quantities(
        gaps={name: of(name) for name in names},
        accuracy=of("accuracy"),
        classes=of("classes"),
        ece={m: {s: one[:1] for s, one in seeds.items()} for m, seeds in sure.items()},
        confidence={
            m: {s: one[1:] for s, one in seeds.items()} for m, seeds in sure.items()
        },
        individual=_individual(study, individual) if individual else {},
    )


def _counted(
    study: Study, names: Iterable[GapName], counts: GroupCounts
) -> dict[GapName | str, np.ndarray]:
    """Gap or "accuracy" or "classes" -> `[1 + replicates, ...]`."""
    found: dict[GapName | str, list[np.ndarray]] = {}
    observed = GroupCounts.merge([counts])  # Cells as those of the blocks.
    for block in observed_and_resampled(counts, REPLICATES):
        for name in names:
            values = gap_values(
                block,
                name.gap,
                attribute=name.attribute,
                min_examples=study.min_examples,
                observed=observed,
            )
            found.setdefault(name, []).append(values)
        right = block.mass * (block.label == block.prediction)
        total = block.mass.sum(axis=-1)
        found.setdefault("accuracy", []).append(right.sum(axis=-1) / total)
        found.setdefault("classes", []).append(_by_class(study, block, right))
    return {name: np.concatenate(values) for name, values in found.items()}


def _by_class(study: Study, block: GroupCounts, right: np.ndarray) -> np.ndarray:
    """Accuracy of every class, `[block, classes]`."""
    member = np.eye(study.spec.num_classes)[block.label]
    with np.errstate(invalid="ignore"):
        return (right @ member) / (block.mass @ member)


def _confidence(study: Study, labels: np.ndarray, result: Result) -> np.ndarray:
    """ECE and mean confidence, `[2]`."""
    logits = result.logits[study.split].astype(np.float64)
    probabilities = scipy.special.softmax(logits, axis=-1)
    found, _ = calibration(labels, probabilities, groups=np.full(len(labels), None))
    return np.array([found.ece, probabilities.max(axis=-1).mean()])


def _individual(study: Study, measured: Measured) -> Values:
    """I(f) as a share of the nds's of the same seed: its unit is not published."""
    base = measured.get(study.nds, {}) if study.nds else {}
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            model: {
                seed: np.array([one.mean]) / base[seed].mean
                for seed, one in seeds.items()
                if seed in base
            }
            for model, seeds in measured.items()
        }


def of_seeds(values: Values, models: Iterable[Model]) -> np.ndarray:
    """The seeds that all `models` have, `[models, seeds, 1 + replicates, ...]`.

    Returns:
      No seeds, `[0, 0, 1]`, where they have none in common.
    """
    models = list(models)
    first, *others = (values.get(model, {}) for model in models)
    common = [seed for seed in first if all(seed in other for other in others)]
    if not common:
        return np.empty((len(models), 0, 1))
    return np.array([[values[model][seed] for seed in common] for model in models])


def two_way_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """Bootstrap over seeds and examples together; the ends of its interval.

    Every replicate has its draw of examples, the same for all models, and draws the
    seeds anew (the pigeonhole bootstrap, Owen 2007, Annals of Applied Statistics 1):

        mean + quantiles of (replicate - mean of the replicates)

    since gaps between small groups are larger in every replicate than observed. With
    few seeds it is too narrow, as every bootstrap of few: Student's interval decides.

    Args:
      values: `[seeds, 1 + replicates]`; column 0 is observed.
      level: nominal coverage.

    Returns:
      NaN with fewer than two seeds, or without replicates.
    """
    seeds, columns = values.shape
    if seeds < 2 or columns < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = rng.integers(seeds, size=(seeds, columns - 1))
    means = np.take_along_axis(values[:, 1:], drawn, axis=0).mean(axis=0)
    means = means[np.isfinite(means)]
    if not means.size:
        return float("nan"), float("nan")
    around = values[:, 0].mean() - means.mean()
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = around + np.quantile(means, tails)
    return float(low), float(high)
