"""The model card of a run, which travels inside its export."""

from collections.abc import Mapping
from typing import Any

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import GroupCounts, wilson
from kd_keras.fairness.intervals import Interval
from pipelines.studies.interval_options import LEVEL, intervals
from pipelines.studies.predictions import Predictions

GAPS = ("demographic_parity_difference", "equalized_odds_difference", "accuracy_gap")


def model_card(
    document: Mapping[str, Any],
    spec: DatasetSpec,
    record: Mapping[str, Any],
    predictions: Predictions,
    teacher_fingerprint: str | None,
) -> dict[str, Any]:
    """What a model is, what it was made from and whom it fails.

    Args:
      document: content of the study's config.json.
      spec: the data set's spec.
      record: content of the run's run.json.
      predictions: the run's, on the evaluation split.
      teacher_fingerprint: SHA-256 of the teacher's weights; None without a teacher.

    Returns:
      What model_card.json holds.
    """
    config = document["config"]
    # Where the data lie on this machine is nobody else's business.
    data = {k: v for k, v in config["dataset"].items() if k != "data_dir"}
    about = ("model", "architecture", "parameters", "seed", "epochs")
    distilled = {
        "temperature": record["temperature"],
        "alpha": config["alpha"],
        "scale_by_temperature_squared": config["scale_by_temperature_squared"],
        "teacher_fingerprint": teacher_fingerprint,
    }
    return {
        "model": {name: record[name] for name in about},
        "data": {
            **data,
            "classes": list(spec.class_names),
            "attributes": {name: list(groups) for name, groups in spec.groups.items()},
        },
        "distillation": distilled if teacher_fingerprint else None,
        # What was done to the trained student, and whether it reads the group.
        "mitigation": record.get("mitigation"),
        "evaluation": {
            "split": config["evaluation"]["split"],
            "level": LEVEL,
            **_measures(spec, predictions),
        },
        "git_revision": document["git_revision"],
        "versions": document["versions"],
    }


def _measures(spec: DatasetSpec, predictions: Predictions) -> dict[str, Any]:
    """Accuracy of all and of every group, and the gaps, each with an interval."""
    labels = predictions.truth.labels
    predicted = predictions.logits.argmax(axis=-1)
    counts = predictions.truth.counts(spec, predicted)
    right = int((labels == predicted).sum())
    low, high = wilson(right, len(labels), level=LEVEL)
    accuracy = Interval(right / len(labels), float(low), float(high), LEVEL)
    return {
        "examples": len(labels),
        "accuracy": accuracy.to_dict(),
        "groups": {name: _group_accuracy(counts, name) for name in spec.groups},
        "gaps": {
            name: {
                gap: counts.gap_interval(gap, name, **intervals()).to_dict()
                for gap in GAPS
            }
            for name in spec.groups
        },
    }


def _group_accuracy(counts: GroupCounts, attribute: str) -> dict[str, Any]:
    rates = counts.accuracy(attribute)
    return {
        str(group): {"examples": rates.examples[group], **interval.to_dict()}
        for group, interval in rates.intervals(LEVEL).items()
    }
