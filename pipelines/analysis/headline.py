"""The result of a study in a sentence per attribute, and the numbers behind it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gaps import gap, notes_of
from kd_keras.fairness.names import attribute_name, parts
from pipelines.analysis.bands import Band
from pipelines.analysis.chance import SHUFFLES, Chance
from pipelines.analysis.data_table import PERCENT, POINTS, DataTable
from pipelines.analysis.deciding import deciding
from pipelines.analysis.measures import GAP_OF, TITLES, Measure
from pipelines.analysis.results import Model, Study
from pipelines.studies.layout import PLAIN

_BASES = {"nds": "nds", "teacher": "the teacher"}


@dataclasses.dataclass(frozen=True)
class Headline:
    """What is said of the accuracy, or of one attribute.

    Attributes:
      subject: "Accuracy", or the attribute's name.
      sentence: what changed against nds and teacher; only what intervals show.
      details: a sentence with numbers per measure.
      people: which groups decide each gap, who is left out, and the gaps by the parts
        of a crossing.
    """

    subject: str
    sentence: str
    details: Sequence[str] = ()
    people: Sequence[str] = ()


def headlines(
    study: Study,
    changes: DataTable,
    bands: Mapping[Measure, Band],
    chance: Chance,
    chosen: Model | None,
) -> list[Headline]:
    """Whether distillation changed the accuracy, and DPD and EOD of each attribute."""
    measures = {(measure.metric, measure.by): measure for measure in bands}
    rows: dict[Measure, list[Mapping[str, Any]]] = {}
    # What the other methods change is said against this one, see `methods`.
    for row in changes.rows:
        if (row.get("method") or PLAIN) != study.methods[0]:
            continue
        measure = measures.get((row["metric"], row["attribute"]))
        if measure:
            rows.setdefault(measure, []).append(row)
    above = {
        measure: band.of_curve(study).mean
        > [chance[m][measure].highest for m in study.curve]
        for measure, band in bands.items()
        if measure.attribute
    }
    found = []
    for attribute in dict.fromkeys(measure.attribute for measure in bands):
        about = {m: rows[m] for m in bands if m.attribute == attribute and m in rows}
        if about:
            found.append(_headline(study, attribute, about, above, bands, chosen))
    if chosen:
        sentence = f"The validation data suggest {chosen.title}."
        found.append(Headline("Temperature", sentence))
    return found


def _headline(
    study: Study,
    attribute: Attribute,
    rows: Mapping[Measure, list[Mapping[str, Any]]],
    above: Mapping[Measure, np.ndarray],
    bands: Mapping[Measure, Band],
    chosen: Model | None,
) -> Headline:
    clauses = list(_changes(rows))
    sentence = f"The distilled student shows {'; '.join(clauses)}."
    details = []
    for measure, about in rows.items():
        detail = _detail(measure, about)
        if measure in above:
            detail += _above_chance(study, above[measure])
        details.append(detail)
    if not attribute:
        return Headline("Accuracy", sentence, details)
    if not any(above[measure].any() for measure in rows):
        sentence += " All gaps may be noise."
    # What is too long for every T is said of one.
    shown = chosen or study.distilled[-1]
    people = _people(study, list(rows), shown)
    if isinstance(attribute, tuple):
        people += _beside_parts(study, list(rows), bands, shown)
    return Headline(attribute_name(attribute), sentence, details, people)


def _people(study: Study, measures: Sequence[Measure], shown: Model) -> list[str]:
    """Who decides the gaps of a distilled student, and who is left out of them."""
    lines, found = [], []
    for measure in measures:
        of_runs = [
            gap(
                study.counts(run, study.split),
                GAP_OF[measure.metric],
                attribute=measure.attribute,
                min_examples=study.min_examples,
            )
            for run in study.models[shown].values()
        ]
        found += of_runs
        between = deciding(of_runs, study.spec.class_names)
        if between:
            lines.append(f"{measure.title} at {shown.title} is between {between}.")
        elif of_runs[0].reason:
            lines.append(f"{measure.title} is undefined: {of_runs[0].reason}.")
    return lines + [f"{note}." for note in notes_of(found)]


def _beside_parts(
    study: Study,
    measures: Sequence[Measure],
    bands: Mapping[Measure, Band],
    shown: Model,
) -> Iterator[str]:
    """The gaps over a crossing beside those of the attributes that it crosses."""
    at = study.distilled.index(shown)
    for measure in measures:
        of_parts = [Measure(measure.metric, part) for part in parts(measure.attribute)]
        values = [
            f"{PERCENT.shown.format(100 * bands[of].mean[at])} % by {of.by}"
            for of in (measure, *of_parts)
            if of in bands
        ]
        yield f"{TITLES[measure.metric]} at {shown.title}: {', '.join(values)}."


def _changes(rows: Mapping[Measure, list[Mapping[str, Any]]]) -> Iterator[str]:
    """Such as: lower EOD than nds at T=4, 10; higher DPD and EOD than the teacher."""
    for base, name in _BASES.items():
        compared = False
        phrases: dict[tuple[str, str], list[str]] = {}
        for measure, about in rows.items():
            against = [row for row in about if row["against"] == base]
            compared = compared or bool(against)
            for word, clear in _clear(against):
                phrase = (word, _temperatures(clear, against))
                phrases.setdefault(phrase, []).append(TITLES[measure.metric])
        parts = [
            f"{word} {' and '.join(titles)} than {name} at {at}"
            for (word, at), titles in phrases.items()
        ]
        titles = " or ".join(TITLES[measure.metric] for measure in rows)
        if compared:
            yield " and ".join(parts) or f"no clear difference from {name} in {titles}"


def _detail(measure: Measure, rows: Sequence[Mapping[str, Any]]) -> str:
    subject = measure.title
    clauses = []
    for base in _BASES:
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
        for model, is_above in zip(study.curve, above, strict=True)
        if is_above
    )
    at = "every T" if above.all() else f"T={at}"
    return f" It exceeds that of {SHUFFLES} random groupings of the same sizes at {at}."


def _clause(base: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Such as: lower than nds at T=4, 10 (T=10: -2.10 points, ...)."""
    name = _BASES[base]
    parts = []
    for word, clear in _clear(rows):
        most = max(clear, key=lambda row: abs(row["change"]))
        change, lower, upper = (
            POINTS.shown.format(100 * most[end]) for end in ("change", "lower", "upper")
        )
        parts.append(
            f"{word} than {name} at {_temperatures(clear, rows)} "
            f"(T={most['temperature']:g}: {change} points, joint 95 % interval "
            f"{lower} to {upper}, {most['seeds_agreeing']} of {most['seeds']} seeds)"
        )
    return " and ".join(parts) or f"no clear difference from {name} at any T"


def _clear(
    rows: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The rows whose interval is below 0, and those whose interval is above."""
    for word, sign in (("lower", -1), ("higher", 1)):
        clear = [r for r in rows if min(sign * r["lower"], sign * r["upper"]) > 0]
        if clear:
            yield word, clear


def _temperatures(
    clear: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> str:
    if len(clear) == len(rows):
        return "every T"
    return "T=" + ", ".join(f"{row['temperature']:g}" for row in clear)
