"""mitigation.json: what was tried, what it changed, and what the gate says of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.release import gate
from pipelines.release.policy import Mitigation
from pipelines.release.trials import Tried, not_kept
from pipelines.terminal import printable


def document(
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None,
    tried: Sequence[Tried],
    chosen: int | None,
    reason: str,
    looks: int,
    sentences: Sequence[str] = (),
) -> dict[str, Any]:
    """What mitigation.json holds, but for what it was made from."""
    last = after or before
    rows = []
    for i, one in enumerate(tried):
        judged = one.verdict is not None
        rows.append(
            {
                "run": one.run.directory,
                "method": _title(one, tried[0]),
                "accuracy": one.accuracy if judged else None,
                "failed": one.count("failed") if judged else None,
                "undecided": int(one.rank[1]) if judged else None,
                "chosen": "chosen" if i == chosen else "",
                "problem": one.problem,
            }
        )
    return {
        "policy": before["policy"],
        "base": before["run"],
        "run": last["run"],
        "export_digest": last["export_digest"],
        "blessed": last["blessed"],
        "reason": reason or last["reason"],
        "before": dict(before),
        "after": dict(after) if after else None,
        "tried": rows,
        "sentences": list(sentences),
        "test_looks": looks,
    }


def _title(one: Tried, base: Tried) -> str:
    """What was tried, for people."""
    parts = [] if one.run == base.run else [f"trained by {one.run.method}"]
    parts += [one.remedy.title] if one.remedy else []
    return ", ".join(parts) or "as it is"


def why_not(tried: Sequence[Tried], options: Mitigation) -> str:
    """Why nothing that was tried is taken."""
    refused = sorted(not_kept(tried[0].verdict or {}))
    what = f"{', '.join(refused)}" if refused else "the policy"
    others = tried[1:]
    problems = [one.problem for one in others if one.problem]
    if not others:
        return (
            f"thresholds for groups cannot mend {what}, and no other method may be "
            f"tried: --policy.mitigation.methods is {list(options.methods)}"
        )
    if len(problems) == len(others):
        return f"no thresholds could be fitted: {problems[-1]}"
    closest = min((one for one in others if one.verdict), key=lambda one: one.rank)
    missed = [
        condition["reason"]
        for condition in (closest.verdict or {})["conditions"]
        if condition["name"] in not_kept(closest.verdict or {})
    ]
    return (
        f"none of {len(others)} ways keeps more conditions on validation data than the "
        f"student as it is; not kept are {what}. The closest is "
        f"{_title(closest, tried[0])}: there the {'; the '.join(missed)}"
    )


def describe(found: Mapping[str, Any]) -> str:
    """What came of it, for people."""
    before, after, tried = found["before"], found["after"], found["tried"]
    lines = []
    if found.get("again"):
        lines.append("done before: nothing has changed since")
    lines += gate.describe(before).split("\n")
    if not tried:
        return printable.lines([*lines, "nothing to mend"])
    lines += _of_tried(tried)
    lines += [f"  {sentence}" for sentence in found["sentences"]]
    if after is None:
        lines.append(f"{before['run']} stays NOT_BLESSED: {found['reason']}")
    else:
        if found["test_looks"] > 1:
            lines.append(
                f"the {after['split']} split was used {found['test_looks']} "
                "times: it is no longer an independent check"
            )
        lines += gate.describe(after).split("\n")
    if not found["blessed"]:
        lines.append(
            "what is left: more examples of these groups, features that tell more "
            "about them, a larger student where the teacher does better, or another "
            "bound, by those who answer for the model"
        )
    return printable.lines(lines)


def _of_tried(tried: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many were tried, why some could not be, and which one is chosen."""
    base, *others = tried
    refused = [row for row in others if row["problem"]]
    cannot = f"; {len(refused)} of them cannot be, such as:" if refused else ""
    lines = [f"tried on validation data: {len(others)}{cannot}"]
    # One of each kind says enough.
    kinds: dict[str, Mapping[str, Any]] = {}
    for row in refused:
        kinds.setdefault(row["problem"], row)
    lines += [
        f"  {row['method']}: {row['problem']}" for row in list(kinds.values())[:3]
    ]
    lines += [
        f"chosen: {row['method']} ({row['run']}), {_kept(row)} on validation data; as "
        f"it was, {_kept(base)}"
        for row in others
        if row["chosen"]
    ]
    return lines


def _kept(row: Mapping[str, Any]) -> str:
    missed = [
        f"{row[key]} condition{'s' * (row[key] > 1)} {what}"
        for key, what in (("failed", "failed"), ("undecided", "not decided"))
        if row[key]
    ]
    return " and ".join(missed) or "all conditions kept"
