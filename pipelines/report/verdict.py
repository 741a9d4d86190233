"""The result of a study in a sentence per attribute and measure."""

from collections.abc import Mapping

import numpy as np

from pipelines.report.bands import Band
from pipelines.report.chance import SHUFFLES, Chance
from pipelines.report.curves import TITLES
from pipelines.report.measures import Measure
from pipelines.report.results import Model, Study
from pipelines.report.table import POINTS, Table


def verdicts(
    study: Study,
    changes: Table,
    bands: Mapping[Measure, Band],
    chance: Chance,
    chosen: Model | None,
) -> list[str]:
    """Whether distillation changed accuracy, DPD and EOD; only what intervals show."""
    sentences = []
    for measure, band in bands.items():
        rows = [
            row for row in changes.rows if (row["metric"], row["attribute"]) == measure
        ]
        if rows:
            sentence = _sentence(measure, rows)
            if measure.attribute:
                highest = [chance[model][measure].highest for model in study.distilled]
                sentence += _above_chance(study, band.mean > highest)
            sentences.append(sentence)
    if chosen:
        sentences.append(f"The validation data suggest {chosen.title}.")
    return sentences


def _sentence(measure: Measure, rows) -> str:
    title = TITLES[measure.metric]
    subject = f"{title} by {measure.attribute}" if measure.attribute else title
    clauses = []
    for base in ("nds", "teacher"):
        against = [row for row in rows if row["against"] == base]
        if against:
            clauses.append(_clause(base, against))
    capital = subject[:1].upper() + subject[1:]
    return f"{capital} of the distilled student: {'; '.join(clauses)}."


def _above_chance(study: Study, above: np.ndarray) -> str:
    if not above.any():
        return (
            f" At no T does it exceed that of {SHUFFLES} random groupings of the same "
            "sizes: it may be noise."
        )
    at = ", ".join(
        f"{model.temperature:g}"
        for model, is_above in zip(study.distilled, above, strict=True)
        if is_above
    )
    at = "every T" if above.all() else f"T={at}"
    return f" It exceeds that of {SHUFFLES} random groupings of the same sizes at {at}."


def _clause(base: str, rows) -> str:
    """Such as: lower than nds at T=4, 10 (T=10: -2.10 points, ...)."""
    name = {"teacher": "the teacher"}.get(base, base)
    parts = []
    for word, sign in (("lower", -1), ("higher", 1)):
        clear = [r for r in rows if min(sign * r["lower"], sign * r["upper"]) > 0]
        if not clear:
            continue
        most = max(clear, key=lambda row: abs(row["change"]))
        change, lower, upper = (
            POINTS.shown.format(100 * most[end]) for end in ("change", "lower", "upper")
        )
        at = "T=" + ", ".join(f"{row['temperature']:g}" for row in clear)
        at = "every T" if len(clear) == len(rows) else at
        parts.append(
            f"{word} than {name} at {at} (T={most['temperature']:g}: "
            f"{change} points, joint 95 % interval {lower} to {upper}, "
            f"{most['seeds_agreeing']} of {most['seeds']} seeds)"
        )
    return " and ".join(parts) or f"no clear difference from {name} at any T"
