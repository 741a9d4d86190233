"""The model card of a run, which travels inside its export."""

import re
from collections.abc import Mapping
from typing import Any

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import GroupCounts, gap, wilson
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.intervals import Interval
from kd_keras.fairness.names import attribute_name, group_name
from pipelines.studies import attributes, interval_options, parts
from pipelines.studies.interval_options import LEVEL, intervals
from pipelines.studies.predictions import Predictions

# Folders of a path from the root or the home, also behind "hf:".
_FOLDERS = re.compile(r"(^|:)[~/].*/(?=.)")
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
    data = {k: v for k, v in config["dataset"].items() if k != "data_dir"}
    if "path" in data:
        data["path"] = data["path"].rpartition("/")[2]
    about = ("model", "architecture", "parameters", "seed", "epochs")
    mended = {k: record[k] for k in ("method", "method_options") if k in record}
    distilled = {
        "temperature": record["temperature"],
        **mended,
        "alpha": config["alpha"],
        "scale_by_temperature_squared": config["scale_by_temperature_squared"],
        **{
            name: config.get(name, parts.DEFAULTS[name])
            for name in ("soft_loss", "hints")
        },
        "teacher_fingerprint": teacher_fingerprint,
    }
    return {
        "study": config["name"],
        "model": {name: record[name] for name in about},
        "data": {
            **_without_folders(data),
            "classes": list(spec.class_names),
            "attributes": {name: list(groups) for name, groups in spec.groups.items()},
        },
        "distillation": distilled if teacher_fingerprint else None,
        # What was done to the trained student, and whether it reads the group.
        "mitigation": record.get("mitigation"),
        "evaluation": {
            "split": config["evaluation"]["split"],
            "level": LEVEL,
            "min_examples": interval_options.min_examples(config),
            **_measures(config, spec, predictions),
        },
        "git_revision": document["git_revision"],
        "versions": document["versions"],
    }


def _without_folders(value: Any) -> Any:
    """Where the data lie on this machine is nobody else's business: last parts."""
    if isinstance(value, Mapping):
        return {key: _without_folders(of_key) for key, of_key in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(one) for one in value]
    return _FOLDERS.sub(r"\1", value) if isinstance(value, str) else value


def _measures(
    config: Mapping[str, Any], spec: DatasetSpec, predictions: Predictions
) -> dict[str, Any]:
    """Accuracy of all and of every group, and the gaps, each with an interval.

    Crossings have the name that audits give them, and stand beside their parts.
    """
    looked_at: list[Attribute] = [*spec.groups, *attributes.crossings(config)]
    least = interval_options.min_examples(config)
    labels = predictions.truth.labels
    predicted = predictions.logits.argmax(axis=-1)
    counts = predictions.truth.counts(spec, predicted)
    right = int((labels == predicted).sum())
    low, high = wilson(right, len(labels), level=LEVEL)
    accuracy = Interval(right / len(labels), float(low), float(high), LEVEL)
    return {
        "examples": len(labels),
        "accuracy": accuracy.to_dict(),
        "groups": {attribute_name(a): _group_accuracy(counts, a) for a in looked_at},
        "gaps": {
            attribute_name(a): {name: _gap(counts, name, a, least) for name in GAPS}
            for a in looked_at
        },
    }


def _gap(
    counts: GroupCounts, name: str, attribute: Attribute, least: int
) -> dict[str, Any]:
    """A gap with its interval, the groups that decide it, and those left out."""
    interval = counts.gap_interval(name, attribute, min_examples=least, **intervals())
    found = gap(counts, name, attribute=attribute, min_examples=least)
    between = {"between": str(found.widest)} if found.widest else {}
    return {**interval.to_dict(), **between, "left_out": found.notes()}


def _group_accuracy(counts: GroupCounts, attribute: Attribute) -> dict[str, Any]:
    rates = counts.accuracy(attribute)
    return {
        group_name(group): {"examples": rates.examples[group], **interval.to_dict()}
        for group, interval in rates.intervals(LEVEL).items()
    }
