"""The answer of a study in a sentence: whom the student fails, and what to do."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from kd_keras.fairness import Interval
from kd_keras.fairness.names import attribute_name
from pipelines.analysis import group_losses, verdicts
from pipelines.analysis.group_losses import ACCURACY, GroupLoss, Losses
from pipelines.analysis.results import Model, Study

# Groups that are named where there may be many.
_MOST_NAMED = 4


@dataclasses.dataclass(frozen=True)
class Card:
    """A question of the first screen, and what the data say to it.

    Attributes:
      question: its title.
      sentences: the answer.
      command: arguments of Python that come next; empty for none. WORKDIR stands for
        the study's working directory.
    """

    question: str
    sentences: Sequence[str]
    command: str = ""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The first screen.

    Attributes:
      sentence: whom the student fails most, and how much.
      evidence: whether that is sure, and what stands beside it.
      cards: how sure, does T help, what to do.
      student: whom it is about; None where there is nothing to compare.
      top: the group that is named; None where none is.
      losses: student -> what every group loses by it, the worst first.
      attributes: whose groups these are, in order.
    """

    sentence: str
    evidence: Sequence[str] = ()
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
    top = next(iter([*apart, *failed, *losses.groups]))
    if apart:
        sentence, evidence = _fails(study, top), [_sure(top), *_beside(top)]
    elif failed:
        sentence, evidence = _none_apart(study, top), [_sure(top), *_beside(top)]
    else:
        sentence, evidence = _none(student), list(_largest(study, top))
    return Answer(
        sentence,
        [*evidence, *_lowest(losses)],
        [
            _how_sure(study, losses, top),
            _does_t_help(study, top, chosen),
            _what_to_do(judged.get(student), bool(failed)),
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
        f"{_capital(top.who)} loses most: {_lost(study, top)}."
    )


def _sure(top: GroupLoss) -> str:
    seeds = len(top.by_seed)
    agree = f", in {seeds} of {seeds} seeds" if seeds > 1 else ""
    return f"Sure: 95 % interval {_ends(top.loss)}, {top.examples:,} examples{agree}."


def _lost(study: Study, row: GroupLoss) -> str:
    more = f"{_per_100(row.loss.value)} more"
    if row.measure == ACCURACY:
        return f"it is wrong for {more} of 100 examples than the teacher"
    positive = f'"{study.spec.class_names[1]}"'
    if row.measure.of_wrong:
        return (
            f"of 100 examples that are not {positive} it takes {more} for it than the "
            "teacher"
        )
    return f"of 100 examples that are {positive} it misses {more} than the teacher"


def _none(student: Model) -> str:
    return f"No group is surely failed more by {_named(student)} than by the teacher."


def _beside(top: GroupLoss) -> Iterator[str]:
    """What everyone else loses, and whether the group surely loses more."""
    excess = top.excess
    if math.isnan(excess.value):
        return
    others = top.loss.value - excess.value
    sure = "is sure" if excess.low > 0 else "is not sure"
    yield (
        f"Everyone else loses {_per_100(others)} of 100. That {top.who} loses more "
        f"{sure}: {_per_100(excess.value)} more, 95 % interval {_ends(excess)}."
    )


def _largest(study: Study, top: GroupLoss) -> Iterator[str]:
    if top.loss.value <= 0:
        yield "Every group has at least as many right answers as by the teacher."
        return
    yield (
        f"{_capital(top.who)} loses most: {_lost(study, top)}. It may be noise: 95 % "
        f"interval {_ends(top.loss)}, {top.examples:,} examples."
    )


def _lowest(losses: Losses) -> Iterator[str]:
    """Whom the student has right least often, whatever the teacher does."""
    of_accuracy = [row for row in losses.groups if row.measure == ACCURACY]
    lowest = max(of_accuracy, key=lambda row: row.student.value, default=None)
    if lowest:
        right, before = (
            _per_100(1 - wrong) for wrong in (lowest.student.value, lowest.teacher)
        )
        yield (
            f"It is least often right for {lowest.who}: {right} of 100, the teacher "
            f"{before}."
        )


def _how_sure(study: Study, losses: Losses, top: GroupLoss) -> Card:
    groups = losses.groups
    failed, gained = (
        sum(getattr(row, name) for row in groups) for name in ("fails", "gains")
    )
    rates = "rates of groups" if len({r.measure for r in groups}) > 1 else "groups"
    lines = [
        f"Of {len(groups)} {rates}, {failed} surely lose and {gained} surely gain "
        "against the teacher. Their 95 % intervals hold together, for other test "
        "examples.",
        _over_seeds(top),
    ]
    if losses.left_out:
        first = list(losses.left_out.items())[:_MOST_NAMED]
        names = ", ".join(f"{who} ({size})" for who, size in first)
        more = len(losses.left_out) - len(first)
        lines.append(
            f"Left out, of fewer than {study.min_examples} examples: {names}"
            + (f" and {more} more." if more else ".")
        )
    return Card("How sure?", lines)


def _over_seeds(top: GroupLoss) -> str:
    if len(top.by_seed) == 1:
        return "One seed was trained: what another training would change is not known."
    low, high = min(top.by_seed), max(top.by_seed)
    return (
        f"Trained {len(top.by_seed)} times, {top.who} loses {_per_100(low)} to "
        f"{_per_100(high)} of 100."
    )


def _does_t_help(study: Study, top: GroupLoss, chosen: Model | None) -> Card:
    question = "Does distillation, and T, help?"
    suggested = (
        [f"The validation data suggest {chosen.title}."]
        if chosen
        else ["The validation data suggest no T."]
    )
    if not study.nds or not study.curve:
        return Card(question, ["There is nothing to compare T with.", *suggested])
    changes = []
    for model in study.curve:
        compared = group_losses.losses(study, model, study.nds, len(study.curve))
        changes += [row for row in compared.groups if row.key == top.key]
    about = f"for {top.who}"
    if top.measure != ACCURACY:
        about += f" ({top.measure.title})"
    return Card(question, [*_against_nds(changes, about), *suggested])


def _against_nds(changes: Sequence[GroupLoss], about: str) -> Iterator[str]:
    better = [row for row in changes if row.gains]
    worse = [row for row in changes if row.fails]
    for word, rows, sign in (("fewer", better, -1), ("more", worse, 1)):
        if rows:
            most = max(rows, key=lambda row: sign * row.loss.value)
            ends = sorted(sign * end for end in (most.loss.low, most.loss.high))
            at = ", ".join(f"{row.model.temperature:g}" for row in rows)
            yield (
                f"Surely {word} errors than without a teacher (nds) {about} at T={at}: "
                f"{_per_100(sign * most.loss.value)} of 100 at {most.model.title}, "
                f"95 % interval {_per_100(ends[0])} to {_per_100(ends[1])}."
            )
    if not changes:
        return
    if not better and not worse:
        yield f"No T surely changes the errors {about} against nds (no teacher)."
    values = ", ".join(
        f"{row.model.title} {_per_100(row.loss.value, sign=True)}" for row in changes
    )
    yield f"Errors against nds, of 100: {values}."


def _what_to_do(judged: verdicts.Verdict | None, failed: bool) -> Card:
    question = "What to do?"
    if judged is None:
        first = (
            "Say in a policy what a group may lose, and let the gate judge the student."
            if failed
            else "Let the gate judge the student by your policy."
        )
        lines = [first, "No run of this student has been judged yet."]
        return Card(question, lines, _command("gate", "POLICY"))
    run = f"{judged.run}, policy {judged.policy}"
    if judged.blessed:
        return Card(
            question,
            [f"The gate blesses {run}: it may be released."],
            f"-m pipelines.litert --workdir=WORKDIR --run={judged.run}",
        )
    kept = ", ".join(judged.broken[:_MOST_NAMED])
    more = len(judged.broken) - _MOST_NAMED
    kept += f" and {more} more" if more > 0 else ""
    lines = [f"The gate refuses {run}.", f"Not kept: {kept or 'no condition passed'}."]
    return Card(question, lines, _command("mitigate", "POLICY"))


def _command(main: str, policy: str) -> str:
    return f"-m pipelines.{main} --workdir=WORKDIR --policy={policy}.py"


def _ends(interval: Interval) -> str:
    return f"{_per_100(interval.low)} to {_per_100(interval.high)}"


def _per_100(share: float, *, sign: bool = False) -> str:
    """Of 100 examples, without decimals where there are many."""
    value = 100 * share
    digits = 0 if abs(value) >= 9.95 else 1
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return text.lstrip("+-") if not text.strip("+-0.") else text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
