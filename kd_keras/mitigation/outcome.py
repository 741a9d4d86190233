"""What mending changed, group by group, and who pays for it."""

import dataclasses
import html
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kd_keras.fairness import GroupCounts
from kd_keras.fairness.encoding import Group
from kd_keras.mitigation.constraints import COUNTED, DENOMINATORS, Constraint
from kd_keras.table import Table, number

_ATTRIBUTE = "group"


@dataclasses.dataclass(frozen=True)
class GroupChange:
    """One group before and after.

    Attributes:
      group: the group.
      examples: number of its examples.
      counted: how many of them `benefit` is a share of.
      benefit: the rate by which it is better or worse off, before and after.
      accuracy: before and after.
      gained: number of people whose decision becomes right.
      lost: number of people whose decision becomes wrong.
      selected: number of people who are given class 1, before and after.
    """

    group: Group
    examples: int
    counted: int
    benefit: tuple[float, float]
    accuracy: tuple[float, float]
    gained: int
    lost: int
    selected: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Before and after on the examples that were fitted; `print` shows it.

    Attributes:
      constraint: what was asked.
      kept_free: what of `at_most` is kept free for chance, the largest of all rates.
      benefit: the rate by which a group is better or worse off.
      num_classes: number of classes.
      groups: what changed in every group.
      shared: groups that share a threshold since each is small.
      unchanged: groups that even together are too small, and keep the model's own.
      gap: of the groups and units that the constraint holds for, before and after.
      accuracy: of all examples, before and after.
      levelled_down: whether the benefit of every group fell: the gap was closed by
        making everybody worse off.
      trivial: groups whose members are all given the same class.
    """

    constraint: Constraint
    kept_free: float
    benefit: str
    num_classes: int
    groups: tuple[GroupChange, ...]
    shared: tuple[Group, ...]
    unchanged: tuple[Group, ...]
    gap: tuple[float, float]
    accuracy: tuple[float, float]
    levelled_down: bool
    trivial: tuple[Group, ...]

    def sentences(self) -> Iterator[str]:
        """What happened, the most important first."""
        before, after = self.accuracy
        costs = f"accuracy goes from {_percent(before)} % to {_percent(after)} %"
        if self.constraint.gap:
            allowed = f"allowed are {_percent(self.constraint.at_most or 0)}"
            if self.kept_free:
                allowed += f", of which {_percent(self.kept_free)} are kept for chance"
            yield (
                f"On the fitted examples the {_words(self.constraint.gap)} goes from "
                f"{_percent(self.gap[0])} to {_percent(self.gap[1])} points "
                f"({allowed}); {costs}."
            )
        else:
            floors = " and ".join(
                f"{_words(name)} of at least {_percent(least)} %"
                for name, least in self.constraint.floor.items()
            )
            yield f"On the fitted examples every group has a {floors}; {costs}."
        if self.levelled_down:
            yield (
                f"Levelled down: the {_words(self.benefit)} of every group "
                "falls, so nobody gains by it. A floor avoids that."
            )
        yield from self._warnings()

    def _warnings(self) -> Iterator[str]:
        for group in self.trivial:
            yield f"Everybody in {group} is given the same class."
        if self.shared:
            yield f"{_listed(self.shared)} share a threshold: each is small."
        if self.unchanged:
            yield (
                f"{_listed(self.unchanged)}: too few examples, the threshold is as it "
                "was, and the constraint says nothing of them."
            )

    def table(self) -> Table:
        """The groups, before and after."""
        benefit = self.benefit
        counted = COUNTED[DENOMINATORS[benefit]]
        columns = ["group", "examples", "now right", "now wrong"]
        if self.num_classes == 2:
            columns.insert(2, "given class 1")
        columns.append("accuracy %")
        if counted != "examples":
            columns.append(counted)
        if benefit != "accuracy":
            columns.append(f"{_words(benefit)} %")
        rows = []
        for change in self.groups:
            cells = {
                "group": str(change.group),
                "examples": str(change.examples),
                "given class 1": " -> ".join(map(str, change.selected)),
                "now right": str(change.gained),
                "now wrong": str(change.lost),
                "accuracy %": " -> ".join(map(_percent, change.accuracy)),
                counted: str(change.counted),
                f"{_words(benefit)} %": " -> ".join(map(_percent, change.benefit)),
            }
            rows.append([cells[column] for column in columns])
        return Table("", columns, rows)

    def to_dict(self) -> dict[str, Any]:
        """For a model card: everything as JSON has it."""
        document = dataclasses.asdict(self)
        document["groups"] = {
            str(change.pop("group")): change for change in document["groups"]
        }
        return _as_json(document)

    def __str__(self) -> str:
        return "\n".join([*self.sentences(), "", self.table().text()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = (f"<p>{html.escape(line)}</p>" for line in self.sentences())
        return "".join([*lines, self.table().html()])


def before_and_after(
    labels: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    groups: np.ndarray,
    units: np.ndarray,
    weights: np.ndarray,
    constraint: Constraint,
    num_classes: int,
) -> dict[str, Any]:
    """The fields of an Outcome that follow from two sets of predictions.

    Args:
      labels, before, after: classes `[examples]`.
      groups: `[examples]`, None where missing.
      units: title of each example's unit, None where the constraint does not hold.
      weights: `[examples]`.
      constraint: what was asked.
      num_classes: with more than two, a group is better off by its accuracy.
    """
    kinds = {_ATTRIBUTE: groups, "unit": units}
    counts = [
        GroupCounts.from_predictions(
            labels,
            predicted,
            groups=kinds,
            sample_weight=weights,
            num_classes=num_classes,
        )
        for predicted in (before, after)
    ]
    gap = constraint.gap
    benefit = constraint.benefit if num_classes == 2 else "accuracy"
    rates = [getattr(c, benefit)(_ATTRIBUTE) for c in counts]
    accuracy = [c.accuracy(_ATTRIBUTE) for c in counts]
    right = np.stack([before == labels, after == labels])
    changes = []
    for group, examples in accuracy[0].examples.items():
        here = (groups == group) & (weights > 0)
        changes.append(
            GroupChange(
                group,
                examples,
                rates[0].examples[group],
                _pair(rate.by_group[group] for rate in rates),
                _pair(rate.by_group[group] for rate in accuracy),
                int((right[1] & ~right[0] & here).sum()),
                int((right[0] & ~right[1] & here).sum()),
                (int((before[here] == 1).sum()), int((after[here] == 1).sum())),
            )
        )
    gaps = [float(getattr(c, gap)("unit")) if gap else np.nan for c in counts]
    fell = [c.benefit[1] < c.benefit[0] for c in changes if c.counted]
    return {
        "benefit": benefit,
        "num_classes": num_classes,
        "groups": tuple(changes),
        "gap": _pair(gaps),
        "accuracy": _pair(rate.overall for rate in accuracy),
        "levelled_down": bool(fell) and all(fell),
        "trivial": tuple(
            c.group
            for c in changes
            if num_classes == 2
            and c.selected[1] in (0, c.examples)
            and c.selected[0] != c.selected[1]
        ),
    }


def _pair(values: Any) -> tuple[float, float]:
    before, after = values
    return float(before), float(after)


def _as_json(value: Any) -> Any:
    """The same without NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _as_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(groups: Sequence[Group]) -> str:
    return ", ".join(map(str, groups))


def _percent(share: float) -> str:
    return number(100 * share, ".1f")
