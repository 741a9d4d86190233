"""Whom a student fails where its teacher does not, group by group.

What a group loses is the share of its examples that the student has wrong and the
teacher right, less the share that it is the other way round: paired, on the same
examples (Bonett & Price 2012). The intervals of all groups and measures of a student
hold together (Sidak 1967), so that the worst of them may be picked out.
"""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kd_keras.fairness import Interval, PairedCounts, wilson
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.contrasts import sidak
from kd_keras.fairness.error_transfer import GroupErrors, error_transfer
from kd_keras.fairness.names import attribute_name, group_name
from pipelines.analysis.estimates import paired_change
from pipelines.analysis.results import Model, Study
from pipelines.analysis.seed_means import mean_of
from pipelines.studies.interval_options import LEVEL

CLASS = "class"  # Stands for the attribute where a study has none.


class Measure(NamedTuple):
    """A rate of which a group may lose.

    Attributes:
      name: such as "accuracy".
      label: of the examples in the denominator; None for all.
      of_wrong: whether it is the share of the wrong ones, of which more is worse.
    """

    name: str
    label: int | None = None
    of_wrong: bool = False

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")

    def rate(self, wrong: float) -> float:
        """The rate of which `wrong` is the share of wrong answers."""
        return wrong if self.of_wrong else 1 - wrong


ACCURACY = Measure("accuracy")
_OF_TWO_CLASSES = (
    Measure("true_positive_rate", 1),
    Measure("false_positive_rate", 0, of_wrong=True),
)


@dataclasses.dataclass(frozen=True)
class GroupLoss:
    """What one group loses by a student; shares in [0, 1], means over the seeds.

    Attributes:
      model: the student.
      measure: of which the group loses.
      attribute, group: whose it is, by name.
      examples: in the denominator.
      teacher: share that the teacher has wrong.
      student: share that the student has wrong, with Wilson's interval.
      loss: student minus teacher; the interval holds for all groups and measures of
        the student together.
      excess: the loss minus that of everyone else, with its interval likewise; NaN
        where there is no one else.
      by_seed: the loss of each seed.
    """

    model: Model
    measure: Measure
    attribute: str
    group: str
    examples: int
    teacher: float
    student: Interval
    loss: Interval
    excess: Interval
    by_seed: tuple[float, ...]

    @property
    def who(self) -> str:
        """Such as: texture rain."""
        return f"{self.attribute} {self.group}"

    @property
    def key(self) -> tuple[Measure, str, str]:
        """What it is about, whichever the student."""
        return self.measure, self.attribute, self.group

    @property
    def fails(self) -> bool:
        """Whether the group surely loses, and in every seed."""
        return self.loss.low > 0 and min(self.by_seed) > 0

    @property
    def gains(self) -> bool:
        """Whether the group surely gains, and in every seed."""
        return self.loss.high < 0 and max(self.by_seed) < 0

    @property
    def place(self) -> tuple[bool, bool, float]:
        """Sorts: surely worse, surely better, not sure; each the worst first."""
        return not self.fails, not self.gains, -self.loss.value


class Losses(NamedTuple):
    """The losses by a student, and what is not compared.

    Attributes:
      groups: by `GroupLoss.place`.
      left_out: groups, or rates of them, of fewer than `Study.min_examples` examples,
        with their number.
    """

    groups: list[GroupLoss]
    left_out: dict[str, int]


class _Errors(NamedTuple):
    """One group in the runs of each seed, and everyone else in them."""

    measure: Measure
    attribute: str
    group: str
    own: list[GroupErrors]
    all: list[GroupErrors]


def measures_of(study: Study) -> tuple[Measure, ...]:
    """Accuracy; of two classes also the true and the false positive rate.

    Classes that stand for groups have one label each, and accuracy alone.
    """
    two = study.spec.num_classes == 2 and study.attributes
    return (ACCURACY, *(_OF_TWO_CLASSES if two else ()))


def losses(
    study: Study, model: Model, base: Model | None = None, students: int = 1
) -> Losses:
    """What every group loses by a student: the sure ones first, each the worst first.

    Args:
      study: the runs, their labels and groups.
      model: the student.
      base: what it is compared with, in the teacher's place.
      students: for how many students the intervals shall hold together.

    Returns:
      None are compared where no seed has both models.
    """
    base = base or study.teacher
    runs = study.pairs(base, model) if base else []
    pairs = [study.pair(a, b, study.split) for a, b in runs]
    found = list(_errors(study, pairs)) if pairs else []
    least = max(study.min_examples, 1)
    compared = [x for x in found if x.own[0].num_examples >= least]
    z = float(sidak(1 - LEVEL, students * len(compared)))
    rows = [_loss(model, errors, z) for errors in compared]
    left_out: dict[str, int] = {}
    for x in found:
        who = f"{x.attribute} {x.group}"
        if x.own[0].num_examples < least and who not in left_out:
            of = "" if x.measure == ACCURACY else f" ({x.measure.title})"
            left_out[f"{who}{of}"] = x.own[0].num_examples
    return Losses(sorted(rows, key=lambda row: row.place), left_out)


def _errors(study: Study, pairs: list[PairedCounts]) -> Iterator[_Errors]:
    if not study.attributes:
        everyone = [error_transfer(pair, ()).overall for pair in pairs]
        for label, name in enumerate(study.spec.class_names):
            own = [error_transfer(_labelled(pair, label), ()).overall for pair in pairs]
            yield _Errors(ACCURACY, CLASS, name, own, everyone)
        return
    for measure in measures_of(study):
        counted = [_labelled(pair, measure.label) for pair in pairs]
        for attribute in study.attributes:
            yield from _of_attribute(measure, attribute, counted)


def _of_attribute(
    measure: Measure, attribute: Attribute, counted: list[PairedCounts]
) -> Iterator[_Errors]:
    transfers = [error_transfer(pair, attribute) for pair in counted]
    everyone = [transfer.overall for transfer in transfers]
    for group in transfers[0].by_group:
        own = [transfer.by_group[group] for transfer in transfers]
        names = attribute_name(attribute), group_name(group)
        yield _Errors(measure, *names, own, everyone)


def _labelled(counts: PairedCounts, label: int | None) -> PairedCounts:
    """The examples of one label."""
    if label is None:
        return counts
    kept = counts.label == label
    return dataclasses.replace(
        counts,
        cells=counts.cells[kept],
        weights=counts.weights[kept],
        counts=counts.counts[..., kept],
    )


def _loss(model: Model, errors: _Errors, z: float) -> GroupLoss:
    seeds = list(zip(errors.own, errors.all, strict=True))
    wrong = [(own.num_shared + own.num_introduced) for own, _ in seeds]
    examples = errors.own[0].num_examples
    by_seed = tuple(_lost(own).value for own, _ in seeds)
    return GroupLoss(
        model,
        errors.measure,
        errors.attribute,
        errors.group,
        examples,
        float(np.mean([o.num_shared + o.num_repaired for o, _ in seeds])) / examples,
        mean_of([_share(x, examples) for x in wrong]),
        mean_of([_lost(own, z) for own, _ in seeds]),
        mean_of([_excess(own, everyone, z) for own, everyone in seeds]),
        by_seed,
    )


def _share(number: int, examples: int) -> Interval:
    low, high = wilson(number, examples, level=LEVEL)
    return Interval(number / examples, float(low), float(high), LEVEL)


def _lost(errors: GroupErrors, z: float = 0.0) -> Interval:
    """What a group loses in one pair of runs, z standard errors to either side."""
    introduced, repaired = errors.num_introduced, errors.num_repaired
    return paired_change(introduced, repaired, errors.num_examples, z, LEVEL)


def _excess(own: GroupErrors, everyone: GroupErrors, z: float) -> Interval:
    """The loss of a group minus that of all others, who are other examples.

    The squares of the distances to the ends add up (MOVER; Zou & Donner 2008).
    """
    numbers = ("num_shared", "num_introduced", "num_repaired", "num_examples")
    left = {name: getattr(everyone, name) - getattr(own, name) for name in numbers}
    others = everyone._replace(**left)
    if not others.num_examples:
        return Interval(np.nan, np.nan, np.nan, LEVEL, reason="there is no one else")
    a, b = _lost(own, z), _lost(others, z)
    value = a.value - b.value
    below = np.hypot(a.value - a.low, b.high - b.value)
    above = np.hypot(a.high - a.value, b.value - b.low)
    return Interval(value, value - float(below), value + float(above), LEVEL)
