"""FairnessGate: a component that blesses a model by a policy, or does not."""

from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections
from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from kd_keras.datasets.spec import DatasetSpec
from pipelines.release import policy as policies
from pipelines.studies.layout import TEACHER
from pipelines.tfx.gate_executor import GateExecutor
from pipelines.tfx.judging import AGAINST, BASELINE, Question

_MODEL = standard_artifacts.Model


class FairnessGateSpec(types.ComponentSpec):
    """Channels and parameters of FairnessGate."""

    PARAMETERS = {"question": ExecutionParameter(type=str)}  # noqa: RUF012
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "model": ChannelParameter(type=_MODEL),
        "teacher": ChannelParameter(type=_MODEL, optional=True),
        "baseline": ChannelParameter(type=_MODEL, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing)
    }


class FairnessGate(base_component.BaseComponent):
    """Judges a model by a policy: BLESSED or NOT_BLESSED, and why.

    The output "blessing" is a ModelBlessing for TFX's Pusher and for
    LatestBlessedModelStrategy. It holds verdict.json, and the properties "blessed",
    "reasons" and those that name the models.

    Args:
      examples: raw tf.Examples, as the models' `serving_default` takes them.
      schema: of the examples.
      model: the model to judge.
      policy: as in configs/policies/; its conditions may be against "teacher" or
        "baseline". Its text is part of the component, so a changed policy is judged
        anew.
      label: feature of the schema with the class index or the class name.
      class_names: the classes in the order of their labels.
      groups: sensitive attributes, whose groups are those of the schema's domain; or
        attribute -> its groups.
      teacher: what conditions against "teacher" compare with.
      baseline: what conditions against "baseline" compare with, such as a Resolver's
        last blessed model. Before there is one, they are not judged.
      split: the split of the examples to judge on.
      scores: "model", "teacher" or "baseline" -> "logits" or "probabilities", where
        the name of a model's output does not say what it answers.

    Raises:
      ValueError: if the policy is not usable, or compares with a model that is not
        given.
    """

    SPEC_CLASS = FairnessGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(GateExecutor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        model: types.BaseChannel,
        policy: ml_collections.ConfigDict,
        label: str,
        class_names: Sequence[str],
        groups: Sequence[str] | Mapping[str, Sequence[str]],
        *,
        teacher: types.BaseChannel | None = None,
        baseline: types.BaseChannel | None = None,
        split: str = "eval",
        scores: Mapping[str, str] | None = None,
    ):
        named: dict[str, Any] = (
            dict(groups) if isinstance(groups, Mapping) else dict.fromkeys(groups)
        )
        question = Question(policy, label, class_names, named, split, scores or {})
        given = {TEACHER: teacher, BASELINE: baseline}
        for role, channel in given.items():
            if channel is None and question.needs(role):
                raise ValueError(
                    f"The policy compares with the {role}: {role}= must be a channel "
                    f"of a model. Received: None."
                )
        # Names of groups may come from the schema, which is not there yet.
        if all(named.values()):
            known = {attribute: tuple(names) for attribute, names in named.items()}
            spec = DatasetSpec("examples", {}, label, tuple(class_names), known)
            policies.conditions(policy, spec, AGAINST)
        blessing = types.Channel(type=standard_artifacts.ModelBlessing)
        super().__init__(
            FairnessGateSpec(
                question=question.to_json(),
                examples=examples,
                schema=schema,
                model=model,
                teacher=teacher,
                baseline=baseline,
                blessing=blessing,
            )
        )
