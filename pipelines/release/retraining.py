"""By which methods a refused student is trained again, to keep a policy."""

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kd_keras import named
from pipelines.release.policy import MITIGATION, THRESHOLDS, Condition
from pipelines.studies import layout, methods
from pipelines.studies.layout import Run
from pipelines.studies.mending import METHODS


class Plan(NamedTuple):
    """Students to train.

    Attributes:
      runs: they differ from the refused one in their method alone.
      options: method -> its options, of the methods whose name says their attribute.
    """

    runs: Sequence[Run]
    options: Mapping[str, Any]


def plan(
    config: Mapping[str, Any],
    run: Run,
    names: Sequence[str],
    refused: Iterable[Condition],
) -> Plan:
    """Each method, for each attribute that a refused condition is about.

    A method without an attribute, or whose options name one, is trained once. One for
    another attribute than the study's first one, which is the default, has a name of
    its own: `balanced` by texture is `balanced_texture`.

    Args:
      config: the study's.
      run: the refused student.
      names: the policy's training methods.
      refused: the conditions that are not kept.

    Raises:
      ValueError: if the student is none that was distilled.
    """
    if names and run.model != layout.DS:
        raise ValueError(
            f"--run must be a distilled student, which --policy.{MITIGATION}.methods="
            f"{list(names)} train again. Received: {run.directory!r}. Name another "
            f"one, or {THRESHOLDS!r} alone in the policy."
        )
    default, *others = [a for a in config["attributes"] if isinstance(a, str)] or [""]
    about = [c.attribute for c in refused if c.attribute in (default, *others)]
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        own = methods.options(config, name)
        if not _takes_attribute(own) or not about:
            found[name] = {}
            continue
        for attribute in dict.fromkeys(map(str, about)):
            if attribute == default:
                found[name] = {}
            else:
                by = re.sub(r"\W", "_", f"{name}_{attribute}")
                found[by] = {**own, "attribute": attribute}
    runs = [dataclasses.replace(run, method=method) for method in found]
    options = {method: given for method, given in found.items() if given}
    return Plan([other for other in runs if other != run], options)


def _takes_attribute(options: Mapping[str, Any]) -> bool:
    """Whether a method is about an attribute that its options leave open."""
    make = named.resolve("method", options["method"], METHODS)
    return "attribute" in inspect.signature(make).parameters.keys() - options.keys()
