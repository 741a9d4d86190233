"""The gate on a pipeline's artifacts: a study in memory, and the verdict on it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections
import numpy as np
import tensorflow as tf

from kd_keras import digests
from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.results import Model, Result, Study
from pipelines.release import policy as policies
from pipelines.release import verdict
from pipelines.studies import sealed
from pipelines.studies.layout import DS, TEACHER, Run
from pipelines.studies.predictions import Truth
from pipelines.tfx import inputs, saved_models, targets
from pipelines.tfx import schema as schemas

# The last blessed model; in a pipeline there is no student without a teacher.
BASELINE = "baseline"
AGAINST = (TEACHER, BASELINE)
BATCH_SIZE = 512
# The names by which `verdict.judge` knows the model, and its teacher.
_SUBJECT, _TEACHER = Run(DS, 0, 1.0), Run(TEACHER, 0)


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of a model.

    Attributes:
      policy: as in configs/policies/; conditions are against "teacher" or "baseline".
      label: feature of the schema with the class index or the class name.
      class_names: the classes in the order of their labels.
      groups: sensitive attribute -> its groups; None for those of the schema's domain.
      split: name of the split that the examples are of.
      scores: role, "model", "teacher" or "baseline" -> "logits" or "probabilities",
        where the name of the output does not say what it is.
    """

    policy: ml_collections.ConfigDict
    label: str
    class_names: Sequence[str]
    groups: Mapping[str, Sequence[str] | None]
    split: str = "eval"
    scores: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """The question as `from_json` reads it, always the same text."""
        fields = {**vars(self), "policy": self.policy.to_dict()}
        return json.dumps(fields, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Question":
        fields = json.loads(text)
        policy = ml_collections.ConfigDict(fields.pop("policy"))
        return cls(policy=policy, **fields)

    def needs(self, other: str) -> bool:
        """Whether a condition compares with the "teacher" or the "baseline"."""
        conditions = self.policy.get("conditions", {}).values()
        return any(fields.get("against") == other for fields in conditions)


def judge(
    question: Question,
    examples: Sequence[str],
    schema_path: str,
    models: Mapping[str, str],
) -> dict[str, Any]:
    """Judges a model on the tf.Examples of a split; reads and keeps nothing else.

    Args:
      question: the policy, and what it is about.
      examples: patterns of the TFRecords.
      schema_path: the schema.pbtxt of the examples.
      models: "model" -> its path, as of `saved_models.find`; "teacher" and "baseline"
        where they are there. Without a baseline its conditions are not judged: there
        is none before the first blessing.

    Returns:
      What verdict.json holds: as of `verdict.judge`, and under "not_judged" what was
      left out.

    Raises:
      ValueError: if the policy, the schema, the examples or a model do not fit, or
        the policy needs a teacher and there is none.
    """
    schema = schemas.read(schema_path)
    groups = targets.group_names(schema, question.groups)
    schemas.require(schema, question.label)
    spec = DatasetSpec(
        "examples", {}, question.label, tuple(question.class_names), groups
    )
    conditions = policies.conditions(question.policy, spec, AGAINST)
    if TEACHER not in models and question.needs(TEACHER):
        raise ValueError(
            "The policy compares with the teacher. Received: none. Pass teacher= to "
            "the FairnessGate."
        )
    is_first = BASELINE not in models
    skipped = [c for c in conditions if c.against == BASELINE and is_first]
    kept = [c for c in conditions if c not in skipped]
    truth, logits = _predict(question, spec, schema, examples, models)
    study = _study(question, spec, truth, logits)
    path = saved_models.find(models["model"])
    subject = verdict.Subject(_SUBJECT, 0, sealed.of_json(digests.of_directory(path)))
    others = (
        {BASELINE: _result(question, logits[BASELINE])} if BASELINE in logits else {}
    )
    found = verdict.judge(study, question.policy, kept, subject, None, others)
    del found["export_version"]  # Pipelines count artifacts.
    why = "there is no blessed model yet to compare with"
    left_out = [{"name": c.name, "reason": f"{c.title}: {why}"} for c in skipped]
    return {**found, "run": models["model"], "not_judged": left_out}


def _predict(
    question: Question,
    spec: DatasetSpec,
    schema: Any,
    examples: Sequence[str],
    models: Mapping[str, str],
) -> tuple[Truth, dict[str, np.ndarray]]:
    """Labels and groups, and each model's logits `[examples, classes]`."""
    loaded = {
        role: saved_models.load_model(path, spec, question.scores.get(role))
        for role, path in models.items()
    }
    parsing = {
        name: schemas.scalar(schema, name) for name in (spec.label, *spec.groups)
    }
    truths, logits = [], []
    for batch in inputs.records(examples).batch(BATCH_SIZE):
        truths.append(tf.io.parse_example(batch, parsing))
        logits.append({role: model.logits(batch) for role, model in loaded.items()})
    columns, answers = _concatenated(truths), _concatenated(logits)
    for role, found in answers.items():
        if np.isnan(found).any():
            rows = int(np.isnan(found).any(axis=1).sum())
            raise ValueError(
                f"The {role} answers NaN for {rows} of {len(found)} examples, so "
                "nothing can be said of it. Check that its training did not diverge."
            )
    label = targets.labels(spec.label, columns[spec.label], spec.class_names)
    groups = {
        name: targets.groups(name, columns[name], names)
        for name, names in spec.groups.items()
    }
    return Truth(np.arange(len(label)).astype("S"), label, groups), answers


def _concatenated(batches: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


def _study(
    question: Question,
    spec: DatasetSpec,
    truth: Truth,
    logits: Mapping[str, np.ndarray],
) -> Study:
    runs = {_SUBJECT: "model", _TEACHER: "teacher"}
    models = {
        Model.of(run): {0: _result(question, logits[role], run)}
        for run, role in runs.items()
        if role in logits
    }
    config = {"evaluation": {"split": question.split}}
    document = {"config": config}
    return Study(document, spec, {question.split: truth}, models, planned=len(models))


def _result(question: Question, logits: np.ndarray, run: Run = _SUBJECT) -> Result:
    return Result(run, {}, {question.split: logits})
