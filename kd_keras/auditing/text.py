"""What an audit says: sentences and tables."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from kd_keras.auditing.groups import GroupChange
from kd_keras.auditing.measure import Key
from kd_keras.auditing.names import cell, metric_name, percent
from kd_keras.fairness import Gap, gap
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_groups import number_of_examples as examples
from kd_keras.fairness.gaps import notes_of
from kd_keras.fairness.names import attribute_name, group_name
from kd_keras.table import Table

if TYPE_CHECKING:
    from kd_keras.auditing.result import Audit


def sentence(audit: "Audit") -> str:
    """Whom the models fail most against the reference, and whether that is sure."""
    compared = [
        (change.change.value, model, change)
        for model, changes in audit.groups.items()
        for change in changes
    ]
    if not compared:
        return _sentence_of_one(audit)
    drop, model, worst = min(compared, key=lambda found: found[0])
    who = f"{group_name(worst.group)} ({attribute_name(worst.attribute)})"
    accuracies = (
        f"accuracy {percent(worst.accuracy)} % against {percent(worst.reference)} % of "
        f"{audit.reference}, of {examples(worst.examples)}"
    )
    if drop >= 0:
        return (
            f"No group loses accuracy against {audit.reference}; {who} gains least "
            f"under {model}: {accuracies}. {_sureness(worst, len(compared))}"
        )
    return f"{model} fails {who} most: {accuracies}. {_sureness(worst, len(compared))}"


def _sureness(worst: GroupChange, compared: int) -> str:
    change = worst.change
    ends = f"{percent(change.low, '+')} to {percent(change.high, '+')} points"
    sure = "This is sure" if worst.sure else "This may be chance"
    return (
        f"{sure}: the change of {percent(change.value, '+')} lies within {ends}, in "
        f"intervals of {100 * change.level:g} % for all {compared} groups together"
        if compared > 1
        else f"{sure}: the change of {percent(change.value, '+')} lies within {ends}"
    )


def _sentence_of_one(audit: "Audit") -> str:
    """The group with the lowest accuracy, where there is nothing to compare with."""
    model = audit.reference
    counts = audit.counts[audit.models[model][0]]
    found = [
        (rates.by_group[group], attribute, group, n)
        for attribute in audit.attributes
        for rates in [counts.accuracy(attribute)]
        for group, n in rates.examples.items()
        if n >= audit.min_examples
    ]
    overall = percent(audit.values[model, "accuracy", ""].value)
    if not found:
        return f"{model} is right for {overall} % of {examples(counts.num_examples)}"
    rate, attribute, group, n = min(found, key=lambda entry: entry[0])
    return (
        f"{model} fails {group_name(group)} ({attribute_name(attribute)}) most: "
        f"accuracy {percent(rate)} % of {examples(n)}, {overall} % of all"
    )


def headline(audit: "Audit") -> str:
    """What the numbers are of."""
    counts = audit.counts[audit.models[audit.reference][0]]
    against = (
        f"; change and disagreement are against {audit.reference}"
        if len(audit.models) > 1
        else ""
    )
    several = [len(runs) for runs in audit.models.values() if len(runs) > 1]
    seeds = "; ± is the standard deviation over seeds" if several else ""
    return (
        f"{audit.data}: {counts.num_examples} examples, "
        f"{100 * audit.level:g} % intervals{against}{seeds}"
    )


def tables(audit: "Audit") -> Iterator[tuple[Table, list[str]]]:
    """Accuracy, then the gaps and the groups' accuracy of each attribute.

    Yields:
      A table and the lines below it.
    """
    yield _values(audit, "all examples", ("accuracy",), ""), []
    first = audit.counts[audit.models[audit.reference][0]]
    for attribute in audit.attributes:
        base = float(first.base_rate_difference(attribute))
        title = f"{attribute_name(attribute)} (base rate gap {percent(base)} %)"
        found = [
            {
                run: gap(of, name, attribute=attribute, min_examples=audit.min_examples)
                for run, of in audit.counts.items()
            }
            for name in audit.gaps
        ]
        lines = [
            line for of_gap in found for line in _deciding(audit, of_gap, attribute)
        ]
        yield _values(audit, title, audit.gaps, attribute), lines
        if isinstance(attribute, tuple) and audit.gaps:
            yield _beside_parts(audit, attribute), []
        of_first = [next(iter(of_gap.values())) for of_gap in found]
        yield _groups(audit, attribute), notes_of(of_first)


def _deciding(
    audit: "Audit", found: Mapping[str, Gap], attribute: Attribute
) -> Iterator[str]:
    """One line for each pair of groups that decides a gap, with their sizes."""
    models: dict[tuple[str, int | None], list[str]] = {}
    for run, of_run in found.items():
        ends = of_run.widest
        # Between equal rates nobody decides.
        if ends and ends.lowest.group != ends.highest.group:
            several = len(of_run.by_class) > 1
            most = ends.positive_class if several else None
            models.setdefault((str(ends), most), []).append(run)
    for (between, most), runs in models.items():
        name = metric_name(next(iter(found.values())).name)
        of_class = "" if most is None else f", most for {audit.class_names[most]!r}"
        yield (
            f"{name} by {attribute_name(attribute)} of {', '.join(runs)} is decided by "
            f"{between}{of_class}"
        )


def _values(
    audit: "Audit", title: str, metrics: tuple[str, ...], attribute: Attribute
) -> Table:
    columns = ["model"]
    for metric in metrics:
        columns.append(f"{metric_name(metric)} %")
        columns += ["change"] if audit.changes else []
    if not attribute and audit.disagreement:
        columns.append("disagreement %")
    rows = [
        _row(audit, model, [(model, metric, attribute) for metric in metrics])
        for model in audit.models
    ]
    return Table(title, columns, rows)


def _row(audit: "Audit", model: str, keys: list[Key]) -> list[str]:
    runs = len(audit.models[model])
    cells = [model if runs == 1 else f"{model}, {runs} seeds"]
    for key in keys:
        shown = cell(audit.values[key])
        if key in audit.sds:
            value, _, ends = shown.partition(" ")
            shown = f"{value} ± {percent(audit.sds[key])} {ends}".rstrip()
        cells.append(shown)
        if audit.changes:
            change = audit.changes.get(key)
            cells.append(cell(change, "+") if change else "")
    if not keys[0][2] and audit.disagreement:
        share = audit.disagreement.get(model)
        cells.append("" if share is None else percent(share))
    return cells


def _beside_parts(audit: "Audit", attribute: tuple[str, ...]) -> Table:
    """The gaps of a crossing beside those of the attributes that it crosses."""
    shown: list[Attribute] = [attribute, *attribute]
    columns = ["model"]
    columns += [
        f"{metric_name(g)} {attribute_name(a)} %" for g in audit.gaps for a in shown
    ]
    rows = []
    for model, runs in audit.models.items():
        cells = [model]
        for name in audit.gaps:
            for of in shown:
                values = [
                    gap(
                        audit.counts[run],
                        name,
                        attribute=of,
                        min_examples=audit.min_examples,
                    ).value
                    for run in runs
                ]
                cells.append(percent(float(np.mean(values))))
        rows.append(cells)
    return Table("", columns, rows)


def _groups(audit: "Audit", attribute: Attribute) -> Table:
    first = audit.counts[audit.models[audit.reference][0]]
    sizes = first.accuracy(attribute).examples
    by_model = [
        [audit.counts[run].accuracy(attribute).by_group for run in runs]
        for runs in audit.models.values()
    ]
    rows = [
        [
            group_name(group),
            str(n),
            *(percent(float(np.mean([r[group] for r in runs]))) for runs in by_model),
        ]
        for group, n in sizes.items()
    ]
    heads = [f"{model}, accuracy %" for model in audit.models]
    return Table("", [attribute_name(attribute), "examples", *heads], rows)


def notes(audit: "Audit") -> list[str]:
    """What is odd: undefined values, and data or predictions of one class."""
    undefined = [
        f"{metric_name(metric)} by {attribute_name(attribute)} of {model} is "
        f"undefined: {interval.reason}"
        for (model, metric, attribute), interval in audit.values.items()
        if interval.reason
    ]
    return [*audit.remarks, *undefined]


def worse_than_chance(audit: "Audit") -> Iterator[str]:
    """Models of two classes that are surely wrong on more than half: turned round?"""
    for (model, metric, _), value in audit.values.items():
        two = len(audit.class_names) == 2
        if two and metric == "accuracy" and value.high < 0.5:
            yield (
                f"{model} is surely wrong on more than half of the examples: are its "
                f"scores in the order of the classes, {list(audit.class_names)}? "
                "scikit-learn's columns are in the order of its `classes_`"
            )


def of_one_class(audit: "Audit") -> Iterator[str]:
    """Where labels or predictions are of one class, so that gaps say little."""
    first = audit.counts[audit.models[audit.reference][0]]
    labels = np.unique(first.label)
    if len(labels) == 1:
        yield f"All examples have the label {audit.class_names[labels[0]]!r}"
    for run, counts in audit.counts.items():
        predicted = np.unique(counts.prediction)
        if len(predicted) == 1:
            yield (
                f"{run} predicts {audit.class_names[predicted[0]]!r} for all examples: "
                "its gaps say that it does not tell people apart, not that it is fair"
            )
