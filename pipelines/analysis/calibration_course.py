"""How sure the models are for how often they are right, against T, raw and scaled.

A distilled student learns how sure the teacher is at temperature T. One number, fitted
on validation, can take that back: what is left is what T did to calibration.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.special

from kd_keras.fairness import Calibration, calibration, calibration_temperature
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name
from pipelines.analysis.curves import Curve, seed_curve
from pipelines.analysis.data_table import COUNT, DECIMAL, PERCENT, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Result, Study
from pipelines.analysis.seed_interval import seed_interval, why_no_interval

# Metric -> what people read, and the unit.
METRICS = {
    "ece": ("calibration error (ECE)", PERCENT),
    "brier": ("Brier score", DECIMAL),
    "nll": ("negative log-likelihood", DECIMAL),
}
EVERYONE = ("", "")
# Attribute and group, by name -> their calibration.
ByGroup = Mapping[tuple[str, str], Calibration]


class Calibrated(NamedTuple):
    """One run's calibration on the evaluation split.

    Attributes:
      temperature: that calibrates its validation logits.
      raw: attribute and group -> calibration as trained; EVERYONE for all examples.
      scaled: the same of logits divided by that temperature.
    """

    temperature: float
    raw: ByGroup
    scaled: ByGroup


Measured = Mapping[Model, Mapping[int, Calibrated]]


def measure(study: Study) -> Measured:
    """The calibration of every run, scaled by what its validation split says."""
    return {
        model: {seed: _calibrated(study, result) for seed, result in seeds.items()}
        for model, seeds in study.models.items()
    }


def _calibrated(study: Study, result: Result) -> Calibrated:
    validation = study.truth["validation"]
    temperature = calibration_temperature(
        validation.labels, result.logits["validation"]
    )
    logits = result.logits[study.split].astype(np.float64)
    return Calibrated(
        temperature, _by_group(study, logits), _by_group(study, logits / temperature)
    )


def _by_group(study: Study, logits: np.ndarray) -> ByGroup:
    truth = study.truth[study.split]
    probabilities = scipy.special.softmax(logits, axis=-1)
    found = {}
    attributes: list[Attribute] = list(study.attributes)
    for attribute in attributes or [""]:
        nobody = np.full(len(logits), None)
        groups = truth.names(study.spec, attribute) if attribute else nobody
        overall, by_group = calibration(truth.labels, probabilities, groups=groups)
        found[EVERYONE] = overall
        for group, one in by_group.items():
            found[attribute_name(attribute), str(group)] = one
    return found


def course_table(measured: Measured) -> DataTable:
    """A row per model: mean and interval over the seeds, raw and scaled."""
    rows = []
    for model, seeds in measured.items():
        runs = list(seeds.values())
        row: dict[str, Any] = model_cells(model) | {"seeds": len(runs)}
        row["temperature_scaling"] = np.mean([run.temperature for run in runs])
        rows.append(row | dict(_means(runs, EVERYONE, METRICS)))
    columns = [
        *MODEL_COLUMNS,
        Column("seeds", "seeds", COUNT),
        Column("temperature_scaling", "scaled by", DECIMAL),
        *_columns(METRICS),
    ]
    caption = (
        "Calibration as trained, and scaled by the one number that is best on "
        "validation; intervals (95 %, Student's t) are over the seeds."
    )
    return DataTable("calibration", caption, columns, rows)


def group_table(measured: Measured) -> DataTable:
    """A row per model and group: ECE, mean and interval over the seeds."""
    rows = []
    for model, seeds in measured.items():
        runs = list(seeds.values())
        for key, found in runs[0].raw.items():
            if key != EVERYONE:
                row = dict(zip(("attribute", "group"), key, strict=True))
                row |= model_cells(model) | {"examples": found.examples}
                rows.append(row | dict(_means(runs, key, ["ece"])))
    columns = [
        Column("attribute", "attribute"),
        Column("group", "group"),
        *MODEL_COLUMNS,
        Column("examples", "examples", COUNT),
        *_columns(["ece"]),
    ]
    caption = (
        "Calibration by group, as trained and scaled by the number of all examples. "
        "Of a small group the ECE is above 0 by chance alone."
    )
    return DataTable("calibration_groups", caption, columns, rows)


def _columns(metrics: Iterable[str]) -> list[Column]:
    columns = []
    for metric in metrics:
        title, kind = METRICS[metric]
        unit = ", %" if kind is PERCENT else ""
        for state, words in (("raw", ""), ("scaled", " scaled")):
            name = f"{metric}_{state}"
            columns.append(Column(name, f"{title}{words}{unit}", kind))
            columns.append(Column(f"{name}_lower", "from", kind))
            columns.append(Column(f"{name}_upper", "to", kind))
    return columns


def _means(
    runs: list[Calibrated], key: tuple[str, str], metrics: Iterable[str]
) -> Iterator[tuple[str, float]]:
    for metric in metrics:
        for state in ("raw", "scaled"):
            values = [getattr(getattr(run, state)[key], metric) for run in runs]
            mean, low, high = seed_interval(values)
            yield f"{metric}_{state}", mean
            yield f"{metric}_{state}_lower", float(np.maximum(low, 0))
            yield f"{metric}_{state}_upper", high


def curve(study: Study, measured: Measured, metric: str, state: str) -> Curve:
    """A metric of all examples against T, with intervals over the seeds.

    Args:
      study: with distilled students.
      measured: from `measure`.
      metric: a key of METRICS.
      state: "raw" or "scaled".
    """

    return seed_curve(study, lambda model: _values(measured[model], metric, state))


def _values(seeds: Mapping[int, Calibrated], metric: str, state: str) -> list[float]:
    """A metric of all examples, one value a seed."""
    return [getattr(getattr(one, state)[EVERYONE], metric) for one in seeds.values()]


def sentences(study: Study, measured: Measured) -> list[str]:
    """What T did to calibration, and whether scaling takes it back."""
    if not study.curve:
        return []
    low, high = study.curve[0], study.curve[-1]
    lines = []
    if low is not high:
        lines.append(
            f"The calibration error of {low.title} is {_mean(measured, low, 'raw')} %, "
            f"that of {high.title} {_mean(measured, high, 'raw')} %. Scaled by one "
            "number that validation chooses, they are "
            f"{_mean(measured, low, 'scaled')} and {_mean(measured, high, 'scaled')} %."
        )
    base = study.nds
    if base is not None:
        before, after = (_change(measured, high, base, s) for s in ("raw", "scaled"))
        lines.append(
            f"Against nds, {high.title} is off by {before} as trained, and by {after} "
            "when both are scaled."
        )
    return lines


def _mean(measured: Measured, model: Model, state: str) -> str:
    return f"{100 * np.mean(_values(measured[model], 'ece', state)):.1f}"


def _change(measured: Measured, model: Model, base: Model, state: str) -> str:
    """Points of ECE over the seeds of both, with how sure that is."""
    found = [
        getattr(one, state)[EVERYONE].ece
        - getattr(measured[base][seed], state)[EVERYONE].ece
        for seed, one in measured[model].items()
        if seed in measured[base]
    ]
    if not found:
        return "an unknown number of points, for they share no seed,"
    mean, low, high = (100 * value for value in seed_interval(found))
    more = "more" if mean > 0 else "less"
    if np.isnan(low):
        why = why_no_interval(len(found))
        return f"{abs(mean):.1f} points {more} ({why}: not sure)"
    ends = sorted((abs(low), abs(high)))
    if low <= 0 <= high:
        return f"{abs(mean):.1f} points {more} (not sure: {low:+.1f} to {high:+.1f})"
    return f"{abs(mean):.1f} points {more} (sure: {ends[0]:.1f} to {ends[1]:.1f})"
