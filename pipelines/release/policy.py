"""A release policy: conditions as data, checked against a data set."""

import dataclasses
import math
from collections.abc import Collection, Sequence, Set
from typing import Any

import ml_collections

from kd_keras.datasets.corruptions import CORRUPTIONS
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import GAPS
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name, group_name, parts
from kd_keras.mitigation import GroupThresholds
from kd_keras.named import did_you_mean
from pipelines.analysis.costs import METRICS as METRICS_OF_CHOICE
from pipelines.analysis.costs import OF_DATA, Objective
from pipelines.analysis.damaged import MEAN
from pipelines.studies.attributes import as_attribute, check_crossing
from pipelines.studies.interval_options import MIN_EXAMPLES
from pipelines.studies.layout import NDS, TEACHER

CALIBRATION = ("ece", "brier", "nll")
METRICS = ("accuracy", *CALIBRATION, *(name for name in GAPS if name not in OF_DATA))
# The metrics that are no share of something.
NO_SHARES = ("brier", "nll")
# Of 50 replicates one is beyond each end of a 95 % interval; of 39 none would be.
LEAST_REPLICATES = 50
STATUSES = ("passed", "failed", "undecided", "insufficient evidence")
FIELDS = ("name", "level", "replicates", "refuse", "conditions", "selection")
MITIGATION = "mitigation"
# What a title calls the models that conditions compare with.
OTHERS = {TEACHER: "the teacher", "baseline": "the last blessed model"}
# Fields that a policy may leave out.
OPTIONAL = ("min_examples", MITIGATION)
# The method of a mitigation that trains nothing; others are those of a study's config.
THRESHOLDS = "thresholds"


@dataclasses.dataclass(frozen=True)
class Condition:
    """What must hold of a model, or of its difference to another one.

    Attributes:
      name: name of the condition.
      metric: one of METRICS.
      attribute: sensitive attribute, or a tuple of them to cross; a gap needs one.
      group: the group of `attribute` that is measured, a tuple of a crossing; empty
        for all examples. Gaps take none.
      against: "teacher" or "nds", or in a TFX pipeline "teacher" or "baseline", whose
        value is subtracted; empty for none.
      at_most: bound that the value may not exceed; None where `at_least` is given. A
        share, not a percentage, as some value has to break it.
      at_least: bound that the value must reach.
      min_examples: examples that every denominator of the metric needs; 0 or 1 leaves
        none out.
      decide_by: "interval": the whole interval must keep the bound; "value": the
        estimate must.
    """

    name: str
    metric: str
    attribute: Attribute = ""
    group: str | tuple[str, ...] = ""
    against: str = ""
    at_most: float | None = None
    at_least: float | None = None
    min_examples: int = MIN_EXAMPLES
    decide_by: str = "interval"

    @property
    def title(self) -> str:
        """Such as: accuracy of color=red minus that of the teacher."""
        where = attribute_name(self.attribute)
        where += f"={group_name(self.group)}" if self.group else ""
        title = self.metric.replace("_", " ") + (f" of {where}" if where else "")
        other = OTHERS.get(self.against, self.against)
        return title + (f" minus that of {other}" if other else "")

    @property
    def unit(self) -> str:
        """The unit behind a number: " %", " points" of a difference, or ""."""
        if self.metric in NO_SHARES:
            return ""
        return " points" if self.against else " %"

    @property
    def bound(self) -> str:
        """Such as: at least 80 %."""
        word, limit = self._limit
        return f"{word} {100 * limit if self.unit else limit:.6g}{self.unit}"

    def number(self, value: float) -> str:
        """A value for people, in `unit`: 80.0; never the bound's, if it is another."""
        scale, most = (100, (1, 2, 3, 6)) if self.unit else (1, (4, 5, 6, 8))
        _, limit = self._limit
        shown = [f"{scale * value:.{digits}f}" for digits in most]
        far = (text for text in shown if float(text) != round(scale * limit, most[-1]))
        text = shown[0] if value == limit else next(far, shown[0])
        return text if text.strip("-0.") else text.lstrip("-")

    @property
    def _limit(self) -> tuple[str, float]:
        if self.at_most is not None:
            return "at most", self.at_most
        return "at least", self.at_least or 0.0


@dataclasses.dataclass(frozen=True)
class Mitigation:
    """What may be tried to mend a student that the policy refuses.

    Attributes:
      methods: "thresholds", and what `config.methods` may name, which is trained.
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


def conditions(
    policy: ml_collections.ConfigDict,
    spec: DatasetSpec,
    against: Sequence[str] = (TEACHER, NDS),
) -> list[Condition]:
    """The conditions of a policy.

    Args:
      policy: as in configs/policies/.
      spec: classes and groups.
      against: what conditions may compare with.

    Raises:
      ValueError: if the policy has no condition, or names a field, metric, attribute
        or group that does not exist, or a bound is missing or breaks for no value.
    """
    _check_fields(policy)
    for status in policy.refuse:
        _require_one("policy.refuse", {status}, STATUSES[1:])
    if not policy.conditions:
        raise ValueError(
            "--policy.conditions must hold at least one condition. Received: none."
        )
    least = {"min_examples": _min_examples(policy)}
    return [
        _condition(name, least | dict(fields), spec, against)
        for name, fields in policy.conditions.items()
    ]


def objective(policy: ml_collections.ConfigDict, spec: DatasetSpec) -> Objective:
    """What a policy weighs against accuracy; ValueError if it does not exist."""
    _check_fields(policy)
    fields = dict(policy.selection)
    allowed = ("metric", "attribute", "tolerance", "corruption")
    _require_one("policy.selection", fields.keys() - set(allowed), allowed)
    fields["attribute"] = as_attribute(fields.get("attribute", ""))
    found = Objective(
        **fields,
        level=policy.level,
        replicates=policy.replicates,
        min_examples=_min_examples(policy),
    )
    _require_of_a_model("policy.selection.metric", found.metric)
    _require_one("policy.selection.metric", {found.metric}, METRICS_OF_CHOICE)
    damages = ("", MEAN, *(n for names in CORRUPTIONS.values() for n in names))
    _require_one("policy.selection.corruption", {found.corruption}, damages)
    known = () if found.metric == "ece" else spec.groups
    if found.attribute:
        _require_attribute("policy.selection", found.attribute, known, "")
    return found


def _min_examples(policy: ml_collections.ConfigDict) -> int:
    least = policy.get("min_examples", MIN_EXAMPLES)
    _require_count("policy.min_examples", least)
    return least


def _is_number(received: Any) -> bool:
    is_one = isinstance(received, int | float) and not isinstance(received, bool)
    return is_one and math.isfinite(received)


def _require_count(where: str, received: Any) -> None:
    if type(received) is not int or received < 0:
        raise ValueError(
            f"--{where} must be an integer from 0 on. Received: {received!r}."
        )


def _condition(
    name: str, fields: dict[str, Any], spec: DatasetSpec, against: Sequence[str]
) -> Condition:
    where = f"policy.conditions.{name}"
    if "corruption" in fields:
        raise ValueError(
            f"--{where} must have no corruption: a release is judged on undamaged data "
            f"alone. Received: {fields['corruption']!r}. --policy.selection may have "
            "one, by which a temperature is chosen."
        )
    allowed = [field.name for field in dataclasses.fields(Condition)][1:]
    _require_one(where, fields.keys() - allowed, allowed)
    for field in ("attribute", "group"):
        fields[field] = as_attribute(fields.get(field, ""))
    condition = Condition(name, **{"metric": "", **fields})
    _require_of_a_model(f"{where}.metric", condition.metric)
    choices: dict[str, tuple[str, ...]] = {
        "metric": METRICS,
        "against": ("", *against),
        "decide_by": ("interval", "value"),
    }
    for field, values in choices.items():
        _require_one(f"{where}.{field}", {getattr(condition, field)}, values)
    if condition.metric in GAPS or condition.attribute:
        _require_attribute(where, condition.attribute, spec.groups)
    _require_group(where, condition, spec)
    _require_count(f"{where}.min_examples", condition.min_examples)
    if (condition.at_most is None) == (condition.at_least is None):
        raise ValueError(
            f"--{where} must have one of at_most and at_least. Received: "
            f"at_most={condition.at_most}, at_least={condition.at_least}."
        )
    _require_bound(where, condition, spec)
    return condition


def _require_of_a_model(where: str, metric: str) -> None:
    if metric in OF_DATA:
        raise ValueError(
            f"--{where} must be of a model. Received: {metric!r}, which is of the "
            "data: the labels alone decide it, and it is the same of every model. "
            "demographic_parity_difference is of the model's answers."
        )


def _require_bound(where: str, condition: Condition, spec: DatasetSpec) -> None:
    """Refuses a bound that no value breaks, or none keeps, or that is no number."""
    metric, is_most = condition.metric, condition.at_most is not None
    bound: Any = condition.at_most if is_most else condition.at_least
    # The Brier score is a sum over classes, halved for two of them.
    greatest = {"nll": math.inf, "brier": 1.0 if spec.num_classes == 2 else 2.0}
    high = greatest.get(metric, 1.0)
    low = -high if condition.against else 0.0
    # At one end of the range nothing breaks it. At the other it is: all, or nothing.
    if is_most:
        name, allowed = "at_most", f"from {low:g} on and below {high:g}"
    else:
        name, allowed = "at_least", f"above {low:g} and up to {high:g}"
    if _is_number(bound) and (low <= bound < high if is_most else low < bound <= high):
        return
    unit = "" if metric in NO_SHARES else " It is no percentage: 8 % is 0.08."
    raise ValueError(
        f"--{where}.{name} must be {allowed}, a finite number that some {metric} does "
        f"not keep. Received: {bound!r}.{unit}"
    )


def _require_attribute(
    where: str, received: Attribute, known: Collection[str], *also: str
) -> None:
    names = parts(received) or ("",)
    _require_one(f"{where}.attribute", set(names), (*also, *known))
    check_crossing(f"{where}.attribute", names)


def _require_group(where: str, condition: Condition, spec: DatasetSpec) -> None:
    """Refuses a group that is none of the attribute, or one of a gap."""
    if not condition.group:
        return
    names = parts(condition.attribute)
    groups = parts(condition.group)
    if condition.metric in GAPS or len(names) != len(groups):
        allowed = f"one group of each attribute of {names}" if names else "empty"
        if condition.metric in GAPS:
            allowed = "empty: a gap is between all groups"
        raise ValueError(
            f"--{where}.group must be {allowed}. Received: {condition.group!r}."
        )
    for name, group in zip(names, groups, strict=True):
        _require_one(f"{where}.group", {group}, ("", *spec.groups[name]))


def _check_fields(policy: ml_collections.ConfigDict) -> None:
    _require_one("policy", set(policy) - {*FIELDS, *OPTIONAL}, (*FIELDS, *OPTIONAL))
    missing = [name for name in FIELDS if name not in policy]
    if missing:
        raise ValueError(f"--policy must have the fields {missing}, which are missing.")
    if not _is_number(policy.level) or not 0 < policy.level < 1:
        raise ValueError(
            "--policy.level must be above 0 and below 1, the share of intervals that "
            f"hold: 0.95 for 95 %. Received: {policy.level!r}."
        )
    replicates = policy.replicates
    if type(replicates) is not int or replicates < LEAST_REPLICATES:
        raise ValueError(
            f"--policy.replicates must be an integer from {LEAST_REPLICATES} on, for "
            f"the ends of an interval; 1000 is usual. Received: {replicates!r}."
        )


def _require_one(where: str, received: Set[str], allowed: Collection[str]) -> None:
    for value in sorted(received - set(allowed)):
        raise ValueError(
            f"--{where} must be one of {list(allowed)}. Received: {value!r}."
            f"{did_you_mean(value, allowed)}"
        )
