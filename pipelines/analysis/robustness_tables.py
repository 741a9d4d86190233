"""What damage to the data does, as tables and in words; the seed is the unit."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.fairness.names import attribute_name
from pipelines.analysis.data_table import COUNT, PERCENT, POINTS, Column, DataTable
from pipelines.analysis.findings_trends import HOT, slope
from pipelines.analysis.measures import ACCURACY, DPD, EOD, MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study
from pipelines.analysis.robustness import CLEAN, ECE, WORST, Quantity, Robustness
from pipelines.analysis.seed_interval import seed_interval, why_no_interval
from pipelines.studies.interval_options import LEVEL

_ACCURACY, _ECE = Quantity(ACCURACY), Quantity(ECE)
_SHORT = {WORST: "worst", DPD: "dpd", EOD: "eod"}


def robustness_table(study: Study, found: Robustness) -> DataTable:
    """One row per model: accuracy, corruption error and calibration."""
    rows = []
    for model in study.models:
        clean, damaged = found.of(model, _ACCURACY, CLEAN), found.of(model, _ACCURACY)
        lost = [damaged[seed] - clean[seed] for seed in clean]
        rows.append(
            model_cells(model)
            | {"seeds": len(clean), "accuracy": _mean(clean), "lost": np.mean(lost)}
            | _interval("damaged", damaged)
            | _interval("mce", found.corruption_error(model, study.nds), np.inf)
            | {"ece": _mean(found.of(model, _ECE, CLEAN))}
            | _interval("ece_damaged", found.of(model, _ECE))
        )
    columns = (
        *MODEL_COLUMNS,
        Column("seeds", "seeds", COUNT),
        Column("accuracy", "accuracy, %", PERCENT),
        *_columns("damaged", "accuracy on damaged data, %"),
        Column("lost", "change by damage", POINTS),
        *_columns("mce", "mCE against nds, %"),
        Column("ece", "ECE, %", PERCENT),
        *_columns("ece_damaged", "ECE on damaged data, %"),
    )
    return DataTable("robustness", f"{_over(found)} {_INTERVALS}", columns, rows)


def group_table(study: Study, found: Robustness) -> DataTable:
    """One row per attribute and model: the worst group, DPD and EOD."""
    rows = []
    for attribute in study.attributes:
        for model in study.models:
            row = {"attribute": attribute_name(attribute)} | model_cells(model)
            for metric, name in _SHORT.items():
                quantity = Quantity(metric, attribute)
                row[name] = _mean(found.of(model, quantity, CLEAN))
                row |= _interval(f"{name}_damaged", found.of(model, quantity))
            rows.append(row)
    columns = [Column("attribute", "attribute"), *MODEL_COLUMNS]
    for name, title in (("worst", "worst group"), ("dpd", "DPD"), ("eod", "EOD")):
        columns.append(Column(name, f"{title}, %", PERCENT))
        columns += _columns(f"{name}_damaged", f"{title} on damaged data, %")
    caption = (
        f"The accuracy of the worst group, and the gaps. {_over(found)} {_INTERVALS}"
    )
    return DataTable("robustness_groups", caption, columns, rows)


def corruption_table(study: Study, found: Robustness) -> DataTable:
    """One row per corruption, attribute and model, mean over severities and seeds."""
    rows = [
        {"corruption": name, "attribute": attribute_name(attribute)}
        | model_cells(model)
        | _of_corruption(study, found, model, name, attribute)
        for name in (CLEAN, *found.names)
        for attribute in study.attributes or ("",)
        for model in study.models
    ]
    columns = (
        Column("corruption", "corruption"),
        Column("attribute", "attribute"),
        *MODEL_COLUMNS,
        Column("accuracy", "accuracy, %", PERCENT),
        Column("ce", "corruption error against nds, %", PERCENT),
        Column("ece", "ECE, %", PERCENT),
        Column("worst", "worst group, %", PERCENT, optional=True),
        Column("dpd", "DPD, %", PERCENT, optional=True),
        Column("eod", "EOD, %", PERCENT, optional=True),
    )
    caption = "Every corruption, mean over five severities and the seeds."
    return DataTable("robustness_corruptions", caption, columns, rows)


def _of_corruption(
    study: Study, found: Robustness, model: Model, name: str, attribute: Any
) -> dict[str, float]:
    cells = {
        "accuracy": _mean(found.of(model, _ACCURACY, name)),
        "ece": _mean(found.of(model, _ECE, name)),
    }
    if name != CLEAN:
        cells["ce"] = _mean(found.corruption_error(model, study.nds, name))
    for metric, short in _SHORT.items() if attribute else ():
        cells[short] = _mean(found.of(model, Quantity(metric, attribute), name))
    return cells


def words(study: Study, found: Robustness) -> list[str]:
    """What came out, and how sure it is."""
    lines = [_loss(study, found)]
    if study.distilled and study.nds:
        lines.append(_against_nds(study, found, study.nds))
    cool = [m for m in study.curve if (m.temperature or 0) <= HOT]
    if len(cool) > 1:
        accuracy = functools.partial(found.of, quantity=_ACCURACY)
        lines.append(_with_temperature(cool, "accuracy", accuracy))
        if study.attributes:
            worst = "the accuracy of the worst group"
            lines.append(_with_temperature(cool, worst, found.worst))
    return lines


def _loss(study: Study, found: Robustness) -> str:
    """What damage costs each kind of model, mean over the seeds."""

    def points(model: Model) -> float:
        clean, damaged = found.of(model, _ACCURACY, CLEAN), found.of(model, _ACCURACY)
        return 100 * (_mean(clean) - _mean(damaged))

    told = [
        f"{model.title} {points(model):.1f}"
        for model in (study.teacher, study.nds)
        if model
    ]
    if study.curve:
        lost = [(points(model), model.title) for model in study.curve]
        (least, a), (most, b) = min(lost), max(lost)
        told.append(
            f"the students {least:.1f} ({a})"
            + (f" to {most:.1f} ({b})" if len(lost) > 1 else "")
        )
    return f"Damage costs accuracy, in points: {', '.join(told)}."


def _against_nds(study: Study, found: Robustness, nds: Model) -> str:
    """Which students surely make fewer errors than nds, or more, on damaged data."""
    level = 1 - (1 - LEVEL) / len(study.distilled)
    fewer, more = [], []
    for model in study.distilled:
        ratios = list(found.corruption_error(model, nds).values())
        mean, low, high = seed_interval(ratios, level) if ratios else (np.nan,) * 3
        told = f"{model.title} (mCE {100 * mean:.1f} %)"
        if high < 1:
            fewer.append(told)
        elif low > 1:
            more.append(told)
    sure = [
        f"{_listed(told)} {'makes' if len(told) == 1 else 'make'} {word} errors on "
        "damaged data than nds"
        for told, word in ((fewer, "fewer"), (more, "more"))
        if told
    ]
    if not sure:
        return (
            "Of no temperature are the seeds enough to say whether it makes more or "
            "fewer errors on damaged data than nds does."
        )
    others = len(study.distilled) - len(fewer) - len(more)
    rest = f" Of {others} other students the seeds cannot tell." if others else ""
    return f"Surely, {'; '.join(sure)}.{rest}"


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _with_temperature(models: Sequence[Model], what: str, of: Any) -> str:
    """How it changes for a tenfold temperature, a line through every seed's values."""
    by_model = [of(model) for model in models]
    seeds = [s for s in by_model[0] if all(s in found for found in by_model)]
    temperatures = np.array([model.temperature for model in models])
    values = np.array([[found[seed] for found in by_model] for seed in seeds])
    if not len(seeds):
        return f"No seed has every temperature, so {what} has no trend."
    mean, low, high = seed_interval((100 * slope(values, temperatures)).tolist())
    change = f"With ten times the temperature, {what} on damaged data changes by "
    if np.isnan(low):
        why = why_no_interval(len(seeds))
        return f"{change}{mean:+.1f} points; {why} cannot say how sure that is."
    ends = f"{mean:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})"
    verdict = (
        "which may be chance"
        if low <= 0 <= high
        else f"so it surely {'rises' if low > 0 else 'falls'}"
    )
    return f"{change}{ends}, {verdict}."


_INTERVALS = "Intervals (95 %, Student's t) are over the seeds."


def _over(found: Robustness) -> str:
    return (
        f"Mean over {', '.join(found.names)}, at five severities, and over the seeds."
    )


def _columns(name: str, title: str) -> Iterator[Column]:
    yield Column(name, title, PERCENT)
    yield Column(f"{name}_lower", "from", PERCENT)
    yield Column(f"{name}_upper", "to", PERCENT)


def _interval(
    name: str, values: Mapping[int, float], highest: float = 1.0
) -> dict[str, float]:
    """The cells of `_columns`, in [0, highest]; none without a seed."""
    if not values:
        return {}
    mean, low, high = seed_interval(list(values.values()))
    # NaN, of one seed or of equal ones, stays.
    low, high = float(np.maximum(low, 0)), float(np.minimum(high, highest))
    return {name: mean, f"{name}_lower": low, f"{name}_upper": high}


def _mean(values: Mapping[int, float]) -> float:
    return float(np.mean(list(values.values()))) if values else np.nan
