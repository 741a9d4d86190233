"""What mending a student changed, group by group, and who pays for it."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from kd_keras import files
from kd_keras.fairness import Interval
from pipelines.analysis import estimates
from pipelines.analysis.data_table import (
    COUNT,
    PERCENT,
    POINTS,
    Column,
    DataTable,
)
from pipelines.analysis.results import Result, Study, with_mended
from pipelines.analysis.verdict_words import tolerated, tolerating
from pipelines.studies import config as configs
from pipelines.studies import layout, mended_run, run_record, sealed
from pipelines.studies.interval_options import intervals

RECORD = "mitigation.json"
_OPTIONS = intervals()
# Of shares: an interval that ends at 0 may miss it by so much.
_ROUNDING = 1e-9
# Rate -> the label of the examples that it is the share of the right ones of.
_RIGHT_OF = {"accuracy": None, "true_positive_rate": 1, "true_negative_rate": 0}
_SELECTED = "selection_rate"
_MOST_TOLD = 8  # Of those who gain, and of those who pay.
# What sentences begin with.
LEVELLED, NEEDS, PAYS = "Levelled down:", "Needs:", "Pays:"


@dataclasses.dataclass(frozen=True)
class Change:
    """One rate of one group before and after, on the evaluation split.

    Attributes:
      attribute, group: whose it is; both empty for all examples.
      rate: "accuracy", and of two classes also "true_positive_rate",
        "true_negative_rate" and "selection_rate".
      examples: that it is a share of.
      before, after: with Wilson's interval.
      change: after minus before, of the same examples.
      now_right, now_wrong: number of these whose decision became right, or wrong.
    """

    attribute: str
    group: str
    rate: str
    examples: int
    before: Interval
    after: Interval
    change: Interval
    now_right: int
    now_wrong: int

    @property
    def effect(self) -> str:
        """ "better" or "worse" where the interval of the change has no 0 inside."""
        if self.change.low > _ROUNDING:
            return "better"
        return "worse" if self.change.high < -_ROUNDING else ""

    def __str__(self) -> str:
        low, high = (100 * end for end in (self.change.low, self.change.high))
        return (
            f"{self.rate.replace('_', ' ')} {100 * self.before.value:.1f} % -> "
            f"{100 * self.after.value:.1f} % ({100 * self.change.value:+.1f} points, "
            f"{low:+.1f} to {high:+.1f})"
        )


class Mended(NamedTuple):
    """What the report says: paragraphs, tables, and tables that are folded."""

    text: list[str]
    tables: list[DataTable]
    folded: list[DataTable]


# What every reader of mitigation.json needs.
_FIELDS = (
    *("run", "base", "export_digest", "blessed", "reason"),
    *("before", "tried", "sentences"),
)


def record_path(workdir: str) -> str:
    return files.join(workdir, RECORD)


def read(workdir: str, *also: str) -> dict[str, Any] | None:
    """What mitigation.json holds; None without one.

    Args:
      workdir: the study's working directory.
      *also: fields that the caller needs beside those that a report needs.

    Raises:
      ValueError: if it is not what was written, or lacks a field.
    """
    path = record_path(workdir)
    if not files.exists(path):
        return None
    return sealed.read(path, f"Delete {path} and mitigate again.", (*_FIELDS, *also))


def is_there(workdir: str, document: Mapping[str, Any]) -> bool:
    """Whether the student that a mitigation ended with is still the one on disk."""
    run, base = (layout.parse_directory(document[key]) for key in ("run", "base"))
    if run is None or not layout.is_complete(workdir, run):
        return False
    config = configs.read_config(workdir)
    if not {run.base, base} <= set(layout.runs_of(config)):
        return False  # The study was cut down since.
    read_record = mended_run.read if run.mended else run_record.read
    record = read_record(workdir, run, config)
    return record[run_record.EXPORT_DIGEST] == document["export_digest"]


def before_and_after(
    workdir: str, study: Study, document: Mapping[str, Any]
) -> tuple[Study, Result, Result]:
    """The study with the student that a mitigation ended with; both students."""
    study = with_mended(workdir, study, document["run"])
    results = {result.run.directory: result for result in study.results}
    return study, results[document["base"]], results[document["run"]]


def changes(study: Study, before: Result, after: Result) -> list[Change]:
    """All examples, then every group of every attribute, rate by rate."""
    truth = study.truth[study.split]
    everybody = np.ones(len(truth.labels), bool)
    found = list(_of_members(study, before, after, "", "", everybody))
    for attribute, names in study.spec.groups.items():
        for code, group in enumerate(names):
            members = truth.groups[attribute] == code
            found += _of_members(study, before, after, attribute, group, members)
    return found


def _of_members(
    study: Study,
    before: Result,
    after: Result,
    attribute: str,
    group: str,
    members: np.ndarray,
) -> Iterator[Change]:
    labels = study.truth[study.split].labels
    is_binary = study.spec.num_classes == 2
    for rate, label in (_RIGHT_OF if is_binary else {"accuracy": None}).items():
        counted = members if label is None else members & (labels == label)
        yield from _change(study, before, after, (attribute, group, rate), counted)
    if is_binary:
        # Who is selected is right where everybody is in class 1.
        truth = study.truth[study.split]._replace(labels=np.ones_like(labels))
        selecting = dataclasses.replace(study, truth={study.split: truth})
        about = (attribute, group, _SELECTED)
        for change in _change(selecting, before, after, about, members):
            yield dataclasses.replace(change, now_right=0, now_wrong=0)


def _change(
    study: Study,
    before: Result,
    after: Result,
    about: tuple[str, str, str],
    members: np.ndarray,
) -> Iterator[Change]:
    if not members.any():
        return
    labels = study.truth[study.split].labels[members]
    right = [r.predicted(study.split)[members] == labels for r in (before, after)]
    yield Change(
        *about,
        int(members.sum()),
        estimates.accuracy(study, before, None, _OPTIONS, members),
        estimates.accuracy(study, after, None, _OPTIONS, members),
        estimates.accuracy(study, after, before, _OPTIONS, members),
        int((right[1] & ~right[0]).sum()),
        int((right[0] & ~right[1]).sum()),
    )


def sentences(
    found: list[Change], mitigation: Mapping[str, Any] | None
) -> Iterator[str]:
    """What it cost, who gains and who pays.

    Args:
      found: from `changes`.
      mitigation: of the mended run's run.json; None where a training method mends.
    """
    yield f"All: {found[0]}."
    told = [c for c in found if c.attribute and c.rate != _SELECTED]
    for effect, title in (("better", "Gains"), ("worse", "Pays")):
        here = [change for change in told if change.effect == effect]
        here.sort(key=lambda change: -abs(change.change.value))
        for change in here[:_MOST_TOLD]:
            yield f"{title}: {change.attribute}={change.group}, {change}."
        if len(here) > _MOST_TOLD:
            yield f"{title}: {len(here) - _MOST_TOLD} more, in the report's table."
        if not here:
            rates = dict.fromkeys(c.rate.replace("_", " ") for c in told)
            yield f"{title}: nobody of whom the data are sure, in {', '.join(rates)}."
    if mitigation is None:
        return
    attribute, benefit = mitigation["attribute"], mitigation["benefit"]
    own = [c for c in told if c.attribute == attribute]
    falls = [c.change.value < 0 for c in own if c.rate == benefit]
    if falls and all(falls):
        yield (
            f"{LEVELLED} the {benefit.replace('_', ' ')} of every group of {attribute} "
            "falls: the gap is closed by serving all of them worse."
        )
    if mitigation.get("reads_group"):
        yield (
            f"{NEEDS} the mended student is given the {attribute} of everyone that it "
            "decides on. In some places and uses the law forbids that."
        )


def change_table(found: list[Change]) -> DataTable:
    """One row per group and rate."""
    columns = [
        Column("attribute", "attribute"),
        Column("group", "group"),
        Column("rate", "rate"),
        Column("examples", "examples", COUNT),
        Column("before", "before, %", PERCENT),
        Column("before_low", "from", PERCENT),
        Column("before_high", "to", PERCENT),
        Column("after", "after, %", PERCENT),
        Column("after_low", "from", PERCENT),
        Column("after_high", "to", PERCENT),
        Column("change", "change, points", POINTS),
        Column("change_low", "from", POINTS),
        Column("change_high", "to", POINTS),
        Column("effect", "effect"),
        Column("now_right", "now right", COUNT),
        Column("now_wrong", "now wrong", COUNT),
    ]
    rows = []
    for change in found:
        row: dict[str, Any] = {
            "attribute": change.attribute or "all",
            "group": change.group or "all",
            "rate": change.rate.replace("_", " "),
            "examples": change.examples,
            "effect": change.effect,
        }
        if change.rate != _SELECTED:
            row |= {"now_right": change.now_right, "now_wrong": change.now_wrong}
        else:
            row["effect"] = ""  # To be selected is good or bad as the case may be.
        for name in ("before", "after", "change"):
            interval = getattr(change, name)
            row |= {
                name: interval.value,
                f"{name}_low": interval.low,
                f"{name}_high": interval.high,
            }
        rows.append(row)
    caption = (
        "Before and after mending, each with its 95 % interval; the change is of the "
        "same examples, and better or worse where its interval has no 0 inside."
    )
    return DataTable("mitigation_groups", caption, columns, rows)


def tried_table(document: Mapping[str, Any]) -> DataTable:
    """One row per method that was tried, as validation data judge it."""
    columns = [
        Column("run", "student"),
        Column("method", "what was tried"),
        Column("accuracy", "validation accuracy, %", PERCENT),
        Column("failed", "conditions failed", COUNT),
        Column("undecided", "not decided", COUNT),
        Column("chosen", "chosen"),
        Column("problem", "refused"),
    ]
    caption = "What was tried; validation data alone choose."
    return DataTable("mitigation_tried", caption, columns, document["tried"])


def mended(workdir: str, study: Study) -> Mended | None:
    """What the report says of a mitigation; None without one of what is there now."""
    document = read(workdir, "policy", "after")
    if document is None or not is_there(workdir, document):
        return None
    word = "BLESSED" if document["blessed"] else "NOT_BLESSED"
    word += tolerating(tolerated(document["after"]))
    text = [
        f"The policy {document['policy']} refused {document['base']}: "
        f"{document['before']['reason']}.",
        f"What the gate says after it, of {document['run']}: {word}"
        + (f", {document['reason']}." if document["reason"] else "."),
        *document["sentences"],
    ]
    tried = tried_table(document)
    if document["after"] is None:
        return Mended(text, [tried], [])
    table = change_table(changes(*before_and_after(workdir, study, document)))
    return Mended(text, [table], [tried])
