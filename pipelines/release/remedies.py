"""What may be asked of thresholds, so that a student keeps a policy's conditions."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from kd_keras.fairness import GAPS, GroupCounts
from kd_keras.fairness.gaps import gap
from kd_keras.mitigation import GroupOffsets, GroupThresholds
from kd_keras.mitigation.constraints import BENEFITS
from pipelines.analysis.results import Model, Result, Study
from pipelines.release.policy import Condition, Mitigation
from pipelines.studies.layout import Run
from pipelines.studies.mended_run import Mending

# Of the bound of a condition: closer to 0 costs more accuracy and is safer.
PARTS = (1.0, 0.75, 0.5)
# Of the margin: where it leaves no room, less of it may still hold.
MARGINS = (1.0, 0.5, 0.0)
FOLDS = 5  # Of the validation examples, so that none judges what it was fitted to.


@dataclasses.dataclass(frozen=True)
class Remedy:
    """A constraint for the groups of one attribute.

    Attributes:
      attribute: whose groups get thresholds of their own.
      gap, at_most, floor, margin: of the constraint, see GroupThresholds.
    """

    attribute: str
    gap: str | None
    at_most: float | None
    floor: Mapping[str, float]
    margin: float

    @property
    def title(self) -> str:
        """For people."""
        asked = []
        if self.gap:
            asked.append(f"{self.gap.replace('_', ' ')} at most {self.at_most:.3g}")
        for rate, least in self.floor.items():
            asked.append(f"{rate.replace('_', ' ')} of each at least {least:.3g}")
        error = "error" if self.margin == 1 else "errors"
        kept = f"{self.margin:.3g} standard {error} kept free"
        return f"thresholds by {self.attribute}: {' and '.join(asked)}, {kept}"


def remedies(
    study: Study, run: Run, refused: Iterable[Condition], options: Mitigation
) -> list[Remedy]:
    """What may mend the conditions that refuse a run, for each attribute by itself.

    Args:
      study: the study as it is on validation data.
      run: the student.
      refused: conditions that it does not keep.
      options: of the policy.
    """
    gaps: list[tuple[str, str, float]] = []
    floors: dict[str, dict[str, float]] = {}
    for condition in refused:
        attribute = condition.attribute
        # Offsets of a crossing are not tried.
        if not isinstance(attribute, str) or attribute not in study.spec.groups:
            continue
        if condition.metric in BENEFITS and condition.at_most is not None:
            bound = _bound(study, run, condition, condition.at_most)
            gaps.append((attribute, condition.metric, bound))
        elif condition.metric == "worst_group_accuracy" or (
            condition.metric == "accuracy" and condition.group
        ):
            # The accuracy of one group may not be bought with another one's.
            least = _bound(study, run, condition, condition.at_least or 0.0)
            known = floors.setdefault(attribute, {})
            known["accuracy"] = max(least, known.get("accuracy", 0.0))
    return list(_combined(gaps, floors, options))


def _combined(
    gaps: list[tuple[str, str, float]],
    floors: Mapping[str, Mapping[str, float]],
    options: Mitigation,
) -> Iterator[Remedy]:
    for part in MARGINS if options.margin else (0.0,):
        margin = part * options.margin
        for attribute, metric, bound in gaps:
            # Without the floor too: one that nothing reaches would leave the gap.
            known = floors.get(attribute, {})
            for floor in (known, {}) if known else ({},):
                for share in PARTS:
                    yield Remedy(attribute, metric, share * bound, floor, margin)
        # Alone too: a gap between the rates of single classes needs more examples.
        for attribute, floor in floors.items():
            yield Remedy(attribute, None, None, floor, margin)


def fit(
    study: Study,
    result: Result,
    remedy: Remedy,
    options: Mitigation,
    weights: np.ndarray | None = None,
) -> Mending:
    """Thresholds, or offsets for several classes, fitted on validation data.

    Args:
      study: labels and groups.
      result: the student.
      remedy: what is asked for.
      options: of the policy.
      weights: 1 for examples that count and 0 for others; None for all.

    Raises:
      ValueError: if the examples cannot show what is asked, or nothing reaches it.
    """
    truth = study.truth["validation"]
    share = 1.0 if weights is None else float(np.mean(weights))
    constraint: dict[str, Any] = {
        "gap": remedy.gap,
        "at_most": remedy.at_most,
        "floor": remedy.floor,
        # With fewer examples the same room is kept free, by fewer standard errors.
        "margin": remedy.margin * math.sqrt(share),
        "min_examples": max(1, math.floor(share * options.min_examples)),
    }
    mending: Mending
    if study.spec.num_classes == 2:
        mending = GroupThresholds(**constraint, from_logits=True)
    else:
        mending = GroupOffsets(**constraint)
    groups = truth.named_groups(study.spec)[remedy.attribute]
    return mending.fit(
        result.logits["validation"], truth.labels, groups, sample_weight=weights
    )


def held_out(
    study: Study, result: Result, remedy: Remedy, options: Mitigation
) -> np.ndarray:
    """Logits as thresholds move them that were fitted on other validation examples.

    Of ten offsets for ten groups, those that they were fitted on say nothing: each
    fifth of the examples is moved by what was fitted on the other four. The fifths
    have equal parts of each group and class.

    Returns:
      float32 `[examples, classes]`.

    Raises:
      ValueError: as `fit`.
    """
    truth = study.truth["validation"]
    codes, names = truth.groups[remedy.attribute], study.spec.groups[remedy.attribute]
    logits = result.logits["validation"]
    # Sorted by cell, then dealt out in turn; within a cell by chance.
    chance = np.random.default_rng(0).permutation(len(codes))
    order = np.lexsort((chance, truth.labels, codes))
    fold = np.empty(len(codes), np.int64)
    fold[order] = np.arange(len(codes)) % FOLDS
    moved = np.array(logits, np.float32)
    for i in range(FOLDS):
        weights = (fold != i).astype(np.float64)
        mending = fit(study, result, remedy, options, weights)
        moved[fold == i] = mending.move(logits[fold == i], codes[fold == i], names)
    return moved


def _bound(study: Study, run: Run, condition: Condition, bound: float) -> float:
    """The bound of the student's own value, in [0, 1]."""
    if condition.against:
        other = study.models[Model.of(Run(condition.against, run.seed))][run.seed]
        counts = study.counts(other, study.split)
        if condition.metric in GAPS:
            bound += gap(counts, condition.metric, attribute=condition.attribute).value
        else:
            bound += _accuracy(counts, condition, study.split)
    return min(max(bound, 0.0), 1.0)


def _accuracy(counts: GroupCounts, condition: Condition, split: str) -> float:
    """That of the condition's group."""
    of_group = counts.accuracy(condition.attribute).by_group
    if condition.group not in of_group:
        raise ValueError(
            f"--policy.conditions.{condition.name}.group: no example of the {split} "
            f"split is in {condition.group!r}, so no remedy can be fitted to it. Give "
            "that split more examples, or leave the condition out."
        )
    return float(of_group[condition.group])
