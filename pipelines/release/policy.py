"""A release policy: conditions as data, checked against a data set."""

import dataclasses
from collections.abc import Collection, Set
from typing import Any

import ml_collections

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import GAPS
from kd_keras.mitigation import GroupThresholds
from pipelines.analysis import choice
from pipelines.studies.layout import NDS, TEACHER

CALIBRATION = ("ece", "brier", "nll")
METRICS = ("accuracy", *CALIBRATION, *GAPS)
STATUSES = ("passed", "failed", "undecided", "insufficient evidence")
FIELDS = ("name", "level", "replicates", "refuse", "conditions", "selection")
MITIGATION = "mitigation"  # A field that a policy may leave out.
# The method of a mitigation that trains nothing; others are those of a study's config.
THRESHOLDS = "thresholds"


@dataclasses.dataclass(frozen=True)
class Condition:
    """What must hold of a model, or of its difference to another one.

    Attributes:
      name: name of the condition.
      metric: one of METRICS.
      attribute: sensitive attribute; a gap needs one.
      group: the group of `attribute` that is measured; empty for all examples. Gaps
        take none.
      against: "teacher" or "nds", whose value is subtracted; empty for none.
      at_most: bound that the value may not exceed; None where `at_least` is given.
      at_least: bound that the value must reach.
      min_examples: examples that every denominator of the metric needs.
      decide_by: "interval": the whole interval must keep the bound; "value": the
        estimate must.
    """

    name: str
    metric: str
    attribute: str = ""
    group: str = ""
    against: str = ""
    at_most: float | None = None
    at_least: float | None = None
    min_examples: int = 30
    decide_by: str = "interval"

    @property
    def title(self) -> str:
        """Such as: accuracy of color=red minus that of the teacher."""
        where = self.attribute + (f"={self.group}" if self.group else "")
        title = self.metric.replace("_", " ") + (f" of {where}" if where else "")
        other = {TEACHER: "the teacher"}.get(self.against, self.against)
        return title + (f" minus that of {other}" if other else "")

    @property
    def bound(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}"


@dataclasses.dataclass(frozen=True)
class Mitigation:
    """What may be tried to mend a student that the policy refuses.

    Attributes:
      methods: "thresholds", and names of `config.methods`, which are trained.
      margin: standard errors that thresholds keep free for chance.
      min_examples: groups with fewer examples that count share a threshold.
    """

    methods: tuple[str, ...] = (THRESHOLDS,)
    margin: float = 2.0
    min_examples: int = 50

    @property
    def training(self) -> tuple[str, ...]:
        """The methods that are trained."""
        return tuple(method for method in self.methods if method != THRESHOLDS)


def mitigation(policy: ml_collections.ConfigDict) -> Mitigation:
    """What a policy allows to be tried; ValueError if a field is none or is wrong."""
    fields = dict(policy.get(MITIGATION, {}))
    allowed = [field.name for field in dataclasses.fields(Mitigation)]
    _require_one(f"policy.{MITIGATION}", fields.keys() - set(allowed), allowed)
    if isinstance(fields.get("methods"), str):
        fields["methods"] = (fields["methods"],)
    found = Mitigation(**fields)
    try:
        GroupThresholds(
            "accuracy_gap", 0.0, margin=found.margin, min_examples=found.min_examples
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"--policy.{MITIGATION}: {error}") from error
    return found


def conditions(policy: ml_collections.ConfigDict, spec: DatasetSpec) -> list[Condition]:
    """The conditions of a policy.

    Raises:
      ValueError: if the policy has no condition, or names a field, metric, attribute
        or group that does not exist, or a bound is missing.
    """
    _check_fields(policy)
    for status in policy.refuse:
        _require_one("policy.refuse", {status}, STATUSES[1:])
    if not policy.conditions:
        raise ValueError(
            "--policy.conditions must hold at least one condition. Received: none."
        )
    return [_condition(name, dict(c), spec) for name, c in policy.conditions.items()]


def objective(policy: ml_collections.ConfigDict, spec: DatasetSpec) -> choice.Objective:
    """What a policy weighs against accuracy; ValueError if it does not exist."""
    _check_fields(policy)
    fields = dict(policy.selection)
    allowed = ("metric", "attribute", "tolerance")
    _require_one("policy.selection", fields.keys() - set(allowed), allowed)
    found = choice.Objective(**fields, level=policy.level, replicates=policy.replicates)
    _require_one("policy.selection.metric", {found.metric}, choice.METRICS)
    attributes = ("",) if found.metric == "ece" else ("", *spec.groups)
    _require_one("policy.selection.attribute", {found.attribute}, attributes)
    return found


def _condition(name: str, fields: dict[str, Any], spec: DatasetSpec) -> Condition:
    where = f"policy.conditions.{name}"
    allowed = [field.name for field in dataclasses.fields(Condition)][1:]
    _require_one(where, fields.keys() - allowed, allowed)
    condition = Condition(name, **{"metric": "", **fields})
    choices = {
        "metric": METRICS,
        "against": ("", TEACHER, NDS),
        "decide_by": ("interval", "value"),
        "attribute": tuple(spec.groups) if _needs_one(condition) else None,
        "group": ("", *spec.groups.get(condition.attribute, ())),
    }
    if condition.metric in GAPS:
        choices["group"] = ("",)
    for field, values in choices.items():
        if values is not None:
            _require_one(f"{where}.{field}", {getattr(condition, field)}, values)
    if (condition.at_most is None) == (condition.at_least is None):
        raise ValueError(
            f"--{where} must have one of at_most and at_least. Received: "
            f"at_most={condition.at_most}, at_least={condition.at_least}."
        )
    return condition


def _check_fields(policy: ml_collections.ConfigDict) -> None:
    _require_one("policy", set(policy) - {*FIELDS, MITIGATION}, (*FIELDS, MITIGATION))
    missing = [name for name in FIELDS if name not in policy]
    if missing:
        raise ValueError(f"--policy must have the fields {missing}, which are missing.")


def _needs_one(condition: Condition) -> bool:
    return condition.metric in GAPS or bool(condition.attribute)


def _require_one(where: str, received: Set[str], allowed: Collection[str]) -> None:
    for value in sorted(received - set(allowed)):
        raise ValueError(
            f"--{where} must be one of {list(allowed)}. Received: {value!r}."
        )
