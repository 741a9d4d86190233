"""The answer of a study in a sentence: whom the student fails, and what to do."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from kd_keras.fairness.names import attribute_name
from pipelines.analysis import cards, group_losses, verdicts
from pipelines.analysis.cards import Card
from pipelines.analysis.group_losses import ACCURACY, GroupLoss, Losses, Measure
from pipelines.analysis.per_hundred import ends, per_100
from pipelines.analysis.results import Model, Study

_MOST_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Answer:
    """The first screen.

    Attributes:
      sentence: whom the student surely fails most, and how much.
      evidence: whether that is sure, and what stands beside it.
      lowest: whom the student has right least often, whatever the teacher does; the
        last of the evidence, too.
      cards: how sure, does T help, what to do.
      student: whom it is about; None where there is nothing to compare.
      top: the group that is named; None where none is.
      losses: student -> what every group loses by it, the sure ones first.
      attributes: whose groups these are, in order.
    """

    sentence: str
    evidence: Sequence[str] = ()
    lowest: str = ""
    cards: Sequence[Card] = ()
    student: Model | None = None
    top: GroupLoss | None = None
    losses: Mapping[Model, Losses] = dataclasses.field(default_factory=dict)
    attributes: Sequence[str] = ()


def answer(
    study: Study, chosen: Model | None, judged: Mapping[Model, verdicts.Verdict]
) -> Answer:
    """What is said first of a study.

    Args:
      study: the runs, their labels and groups.
      chosen: the student that the validation data recommend, if any.
      judged: student -> the gate's verdict about one of its runs.
    """
    found = {model: group_losses.losses(study, model) for model in study.students}
    found = {model: losses for model, losses in found.items() if losses.groups}
    if not found:
        what = "student" if study.teacher else "teacher"
        return Answer(
            f"Whom the student fails cannot be told yet: no {what} to compare with."
        )
    order = [m for m in (chosen, *study.distilled, study.nds) if m in found]
    student = order[0] if order else next(iter(found))
    losses = found[student]
    failed = [row for row in losses.groups if row.fails]
    apart = [row for row in failed if row.excess.low > 0]
    most = max(losses.groups, key=lambda row: row.loss.value)
    top = next(iter([*apart, *failed]), most)
    if apart:
        sentence, evidence = _fails(study, top), [_sure(top), *_beside(top)]
    elif failed:
        sentence, evidence = _none_apart(study, top), [_sure(top), *_beside(top)]
    else:
        sentence, evidence = _none(student), list(_largest(study, top))
    lowest = _lowest(losses)
    return Answer(
        sentence,
        [*evidence, *_unsure(losses, top), *([lowest] if lowest else [])],
        lowest,
        [
            cards.how_sure(study, losses, top),
            cards.does_t_help(study, top, chosen),
            cards.what_to_do(study, judged.get(student), bool(failed)),
        ],
        student,
        top,
        found,
        tuple(map(attribute_name, study.attributes)) or (group_losses.CLASS,),
    )


def _named(model: Model) -> str:
    """Such as: the student (T=4)."""
    return f"the student ({model.title})"


def _fails(study: Study, top: GroupLoss) -> str:
    return f"{_capital(_named(top.model))} fails {top.who}: {_lost(study, top)}."


def _none_apart(study: Study, top: GroupLoss) -> str:
    return (
        f"{_capital(_named(top.model))} surely fails no group more than the others. "
        f"Of those that surely lose, {top.who} loses most: {_lost(study, top)}."
    )


def _sure(top: GroupLoss) -> str:
    seeds = len(top.by_seed)
    agree = f", in {seeds} of {seeds} seeds" if seeds > 1 else ""
    return f"Sure: 95 % interval {ends(top.loss)}, {top.examples:,} examples{agree}."


def _lost(study: Study, row: GroupLoss) -> str:
    more = f"{per_100(row.loss.value)} more"
    if row.measure == ACCURACY:
        return f"it is wrong for {more} of 100 examples than the teacher"
    negative, positive = (f'"{name}"' for name in study.spec.class_names)
    if row.measure.of_wrong:
        return (
            f"of 100 that are {negative} it wrongly says {positive} for {more} than "
            "the teacher"
        )
    return (
        f"of 100 that are {positive} it wrongly says {negative} for {more} than the "
        "teacher"
    )


def _none(student: Model) -> str:
    return f"No group is surely failed more by {_named(student)} than by the teacher."


def _beside(top: GroupLoss) -> Iterator[str]:
    """What everyone else loses, and whether the group surely loses more."""
    excess = top.excess
    if math.isnan(excess.value):
        return
    others = top.loss.value - excess.value
    sure = "is sure" if excess.low > 0 else "is not sure"
    verb = "gains" if others < 0 else "loses"
    yield (
        f"Everyone else {verb} {per_100(abs(others))} of 100. That {top.who} loses "
        f"more {sure}: {per_100(excess.value)} more, 95 % interval {ends(excess)}."
    )


def _largest(study: Study, top: GroupLoss) -> Iterator[str]:
    if top.loss.value <= 0:
        yield "Every group has at least as many right answers as by the teacher."
        return
    yield (
        f"Not sure: {top.who} seems to lose most, {_lost(study, top)}. It may be "
        f"noise: 95 % interval {ends(top.loss)}, {top.examples:,} examples."
    )


def _unsure(losses: Losses, top: GroupLoss) -> Iterator[str]:
    """Who seems to lose more than the group that is named, and is not sure."""
    rows = [
        row
        for row in losses.groups
        if not row.fails and row.loss.value > top.loss.value and row is not top
    ]
    if rows:
        named = [
            f"{row.who} ({_of(row.measure)}{per_100(row.loss.value)} of 100, "
            f"{row.examples:,} examples)"
            for row in rows[:_MOST_NAMED]
        ]
        more = len(rows) - len(named)
        rest = f" and {more} more" if more else ""
        yield f"Others seem to lose more, which is not sure: {', '.join(named)}{rest}."


def _of(measure: Measure) -> str:
    return "" if measure == ACCURACY else f"{measure.title}: "


def _lowest(losses: Losses) -> str:
    """Whom the student has right least often, whatever the teacher does."""
    rows = [row for row in losses.groups if row.measure == ACCURACY]
    if not rows:
        return ""
    # The one that is wrong most often even if its few examples flatter the model.
    sure = max(rows, key=lambda row: row.student.low)
    seen = max(rows, key=lambda row: row.student.value)
    right, before = (per_100(1 - wrong) for wrong in (sure.student.value, sure.teacher))
    if sure is seen:
        return (
            f"It is least often right for {sure.who}: {right} of 100, the teacher "
            f"{before}."
        )
    return (
        f"Of the groups with enough examples it is least often right for {sure.who}: "
        f"{right} of 100, the teacher {before}. {_capital(seen.who)} has "
        f"{per_100(1 - seen.student.value)} of 100, of {seen.examples:,} examples, too "
        "few to be sure."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
