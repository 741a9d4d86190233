"""The questions after whom a student fails: how sure, does T help, what to do."""

import dataclasses
from collections.abc import Iterator, Sequence

from pipelines.analysis import group_losses, policy_files, verdict_words, verdicts
from pipelines.analysis.group_losses import ACCURACY, GroupLoss, Losses
from pipelines.analysis.per_hundred import per_100
from pipelines.analysis.results import Model, Study
from pipelines.terminal import shell

_LEFT = (
    "more examples of these groups, features that tell more about them, a larger "
    "student where the teacher does better, or another bound, by those who answer for "
    "the model."
)
_TRAINING = """ --policy.mitigation.methods="('thresholds','balanced')\""""
# Groups that are named where there may be many.
_MOST_NAMED = 4
_MOST_PAYING = 4


@dataclasses.dataclass(frozen=True)
class Card:
    """A question of the first screen, and what the data say to it.

    Attributes:
      question: its title.
      sentences: the answer.
      command: arguments of Python that come next, as a shell takes them; empty for
        none. WORKDIR stands for the study's working directory.
    """

    question: str
    sentences: Sequence[str]
    command: str = ""


def how_sure(study: Study, losses: Losses, top: GroupLoss) -> Card:
    """How many groups surely lose, over which seeds, and who is left out."""
    groups = losses.groups
    failed, gained = (
        sum(getattr(row, name) for row in groups) for name in ("fails", "gains")
    )
    rates = "rates of groups" if len({r.measure for r in groups}) > 1 else "groups"
    unsure = len(groups) - failed - gained
    lines = [
        f"Of {len(groups)} {rates}, {failed} surely lose and {gained} surely gain "
        f"against the teacher, {unsure} are not sure. Their 95 % intervals "
        "hold together, for other test examples.",
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
        f"Trained {len(top.by_seed)} times, {top.who} loses {per_100(low)} to "
        f"{per_100(high)} of 100."
    )


def does_t_help(study: Study, top: GroupLoss, chosen: Model | None) -> Card:
    """Whether the group that is named has fewer errors than without a teacher."""
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
                f"{per_100(sign * most.loss.value)} of 100 at {most.model.title}, "
                f"95 % interval {per_100(ends[0])} to {per_100(ends[1])}."
            )
    if not changes:
        return
    if not better and not worse:
        yield f"No T surely changes the errors {about} against nds (no teacher)."
    values = ", ".join(
        f"{row.model.title} {per_100(row.loss.value, sign=True)}" for row in changes
    )
    yield f"Errors {about} against nds, of 100: {values}."


def what_to_do(study: Study, judged: verdicts.Verdict | None, failed: bool) -> Card:
    """What the gate has said, and the command that comes next."""
    question = "What to do?"
    if judged is None:
        policy = policy_files.of_study(study.config)
    else:
        name, path = judged.policy, judged.policy_file
        policy = policy_files.of_verdict(name, path, study.config)
    advice = [policy.advice] if policy.advice else []
    if judged is None:
        first = (
            "Say in a policy what a group may lose, and let the gate judge the student."
            if failed
            else "Let the gate judge the student by your policy."
        )
        lines = [first, "No run of this student has been judged yet.", *advice]
        return Card(question, lines, _command("gate", policy))
    run = f"{judged.run}, policy {judged.policy}"
    tolerating = verdict_words.tolerating(judged.tolerated)
    if judged.outdated:
        lines = [
            f"The gate's verdict on {run}, is about another export than the run has "
            "today, and says nothing of this one.",
            "Let the gate judge again.",
            *advice,
        ]
        return Card(question, lines, _command("gate", policy, judged.run))
    if judged.blessed:
        return Card(
            question,
            [f"The gate blesses {run}{tolerating or ': it may be released'}."],
            f"-m pipelines.litert --workdir=WORKDIR --run={judged.run}",
        )
    kept = ", ".join(judged.broken[:_MOST_NAMED])
    more = len(judged.broken) - _MOST_NAMED
    kept += f" and {more} more" if more > 0 else ""
    lines = [f"The gate refuses {run}.", f"Not kept: {kept or 'no condition passed'}."]
    if judged.mended:
        mended = f"Mended it is blessed: {judged.mended} keeps the policy{tolerating}."
        lines += [mended, *judged.who_pays[:_MOST_PAYING]]
        push = _command("gate", policy, judged.mended) + " --push=WORKDIR/serving"
        return Card(question, [*lines, *advice], push)
    if judged.not_mended:
        tried = f"Mending did not help: {judged.not_mended}."
        if judged.trained:
            return Card(question, [*lines, tried, f"What is left: {_LEFT}"])
        left = f"No method that trains was tried. Beside that, what is left: {_LEFT}"
        again = _command("mitigate", policy, judged.run) + _TRAINING
        return Card(question, [*lines, tried, left, *advice], again)
    if judged.lacks_examples:
        more_evidence = (
            "Nothing seems broken, and no mending gives more evidence: measure on more "
            "examples, or on fewer groups."
        )
        return Card(question, [*lines, more_evidence])
    return Card(question, [*lines, *advice], _command("mitigate", policy, judged.run))


def _command(main: str, policy: policy_files.PolicyFile, run: str = "") -> str:
    words = ["-m", f"pipelines.{main}", "--workdir=WORKDIR", f"--policy={policy.path}"]
    return shell.command([*words, *([f"--run={run}"] if run else [])])
