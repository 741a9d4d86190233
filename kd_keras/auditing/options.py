"""Checks of what an audit is asked for."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from kd_keras.fairness import GAPS
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_intervals import IntervalOptions
from kd_keras.fairness.intervals import check_level

T = TypeVar("T")

DEFAULT_GAPS = ("demographic_parity_difference", "equalized_odds_difference")


@dataclasses.dataclass(frozen=True)
class Options:
    """What is measured, and how; see `audit`.

    Raises:
      ValueError: if something is not allowed.
    """

    gaps: Sequence[str]
    min_examples: int
    level: float
    replicates: int
    seed: int

    def __post_init__(self) -> None:
        unknown = [gap for gap in self.gaps if gap not in GAPS]
        if unknown or isinstance(self.gaps, str):
            raise ValueError(
                f"`gaps` must be some of {list(GAPS)}. Received: {self.gaps!r}."
            )
        if self.min_examples < 0:
            raise ValueError(
                "`min_examples` must be at least 0, which leaves nothing out. "
                f"Received: {self.min_examples}."
            )
        if self.replicates < 2:
            raise ValueError(
                f"`replicates` must be at least 2. Received: {self.replicates}."
            )
        check_level(self.level)

    def intervals(self) -> IntervalOptions:
        """As the functions that give intervals of gaps take them."""
        return IntervalOptions(
            level=self.level, replicates=self.replicates, seed=self.seed
        )


def named_runs(models: Any, argument: str) -> dict[str, dict[str, Any]]:
    """Model -> run -> what gives its scores; a list is one run for each seed.

    Raises:
      TypeError: if it is no dict with at least one model.
      ValueError: if a list is empty, or names meet.
    """
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            f"`{argument}` must be a dict with at least one model, like "
            f'{{"teacher": ...}}. Received: {models!r}.'
        )
    runs: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        if isinstance(model, list | tuple) and len(model) != 1:
            if not model:
                raise ValueError(
                    f"`{argument}[{name!r}]` must have at least one model. Received: "
                    "none."
                )
            runs[name] = {f"{name}[{i}]": of for i, of in enumerate(model)}
        else:
            runs[name] = {name: model[0] if isinstance(model, list | tuple) else model}
    names = [run for of in runs.values() for run in of]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"`{argument}` must have names that differ, also those of seeds. Received "
            f"more than once: {twice}."
        )
    return runs


def of_model(
    value: T | Mapping[str, T] | None,
    argument: str,
    name: str,
    models: Mapping[str, Any],
) -> T | None:
    """What an option for all models, or by model, is for one of them."""
    if not isinstance(value, Mapping):
        return value
    unknown = [key for key in value if key not in models]
    if unknown:
        raise ValueError(
            f"`{argument}` must name models, which are {list(models)}. Received: "
            f"{unknown[0]!r}."
        )
    return value.get(name)


def check_attributes(
    attributes: Sequence[Attribute] | None, known: Sequence[str]
) -> tuple[Attribute, ...]:
    """The attributes and crossings to look at; None for each of the known ones.

    Raises:
      ValueError: if one is unknown, occurs twice, or is crossed with itself.
    """
    if attributes is None:
        return tuple(known)
    if isinstance(attributes, str):
        raise ValueError(
            "`attributes` must be a list of attributes, and tuples of those to cross. "
            f"Received: {attributes!r}."
        )
    found: list[Attribute] = []
    for attribute in attributes:
        names = (attribute,) if isinstance(attribute, str) else tuple(attribute)
        unknown = [name for name in names if name not in known]
        if unknown or not names or len({*names}) < len(names):
            raise ValueError(
                f"`attributes` must be some of {list(known)}, or tuples of different "
                f"ones, which are crossed. Received: {attribute!r}."
            )
        found.append(names[0] if len(names) == 1 else names)
    if len({*found}) < len(found):
        raise ValueError(
            f"`attributes` must be different ones. Received: {list(attributes)}."
        )
    return tuple(found)
