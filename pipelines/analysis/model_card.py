"""A run's model card in the form of Model Card Toolkit's JSON schema v0.0.2.

Mitchell et al. 2019, Model Cards for Model Reporting. What the study knows is written
anew each time; what only a person can say is kept as it is found.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness.gap_groups import number_of_examples

VERSION = "0.0.2"
# Section -> field -> what it holds while nobody has filled it in.
BY_A_PERSON: Mapping[str, Mapping[str, Any]] = {
    "model_details": {
        "documentation": "",
        "owners": [{"name": "", "contact": ""}],
        "licenses": [{"identifier": ""}],
        "references": [],
        "citations": [],
    },
    "considerations": {
        "users": [{"description": ""}],
        "use_cases": [{"description": ""}],
        "limitations": [{"description": ""}],
        "tradeoffs": [{"description": ""}],
        "ethical_considerations": [{"name": "", "mitigation_strategy": ""}],
    },
}


def to_toolkit(
    card: Mapping[str, Any],
    spec: DatasetSpec,
    run: str,
    version: str,
    found: Mapping[str, Any],
) -> dict[str, Any]:
    """The card of a run.

    Args:
      card: what the export's model_card.json holds.
      spec: the data set's spec.
      run: directory of the run, such as "student-t04/seed0".
      version: of the export.
      found: the card that is there, whose fields of BY_A_PERSON are kept; empty for
        none.

    Returns:
      What the schema calls a model card.

    Raises:
      ValueError: if a field that a person has filled in is not of the schema's form.
    """
    kept = {
        section: {
            name: _kept(found, section, name, empty) for name, empty in fields.items()
        }
        for section, fields in BY_A_PERSON.items()
    }
    about = found.get("model_details", {})
    dated = about.get("version", {}) if isinstance(about, dict) else {}
    by_person = {k: dated[k] for k in ("date", "diff") if isinstance(dated.get(k), str)}
    return {
        "schema_version": VERSION,
        "model_details": {
            "name": f"{card['study']}: {run}",
            "overview": overview(card),
            "version": {"name": version, **by_person},
            **kept["model_details"],
        },
        "model_parameters": _parameters(card, spec),
        "quantitative_analysis": {"performance_metrics": list(_metrics(card))},
        "considerations": kept["considerations"],
    }


def overview(card: Mapping[str, Any]) -> str:
    """What the model is, in one line."""
    model, made = card["model"], card["distillation"]
    classes = len(card["data"]["classes"])
    what = f"{model['architecture']} that tells {classes} classes of "
    what += f"{card['study']} apart"
    if not made:
        return f"{what}, trained without a teacher."
    at = f"{what}, distilled at T={made['temperature']:g} and alpha={made['alpha']:g}"
    by = (
        f", mended while it was trained by {made['method']}" if "method" in made else ""
    )
    behind = ", with what mends it behind it" if card.get("mitigation") else ""
    return f"{at}{by}{behind}."


def extremes(card: Mapping[str, Any]) -> list[str]:
    """Per attribute, the groups that the model serves worst and best, in words.

    The attribute with the worst served group comes first.
    Groups of fewer examples than a rate needs are in no sentence.
    """
    sentences: list[tuple[float, str]] = []
    least = card["evaluation"]["min_examples"]
    for attribute, groups in card["evaluation"]["groups"].items():
        known = {
            name: g
            for name, g in groups.items()
            if g["value"] is not None and g["examples"] >= least
        }
        if len(known) < 2:
            continue
        worst, best = (f(known, key=lambda g: known[g]["value"]) for f in (min, max))
        low, high = (
            f"{100 * known[g]['value']:.0f} % of {g} "
            f"({number_of_examples(known[g]['examples'])})"
            for g in (worst, best)
        )
        said = f"By {attribute}, it is right for {low}, and for {high}."
        sentences.append((known[worst]["value"], said))
    return [said for _, said in sorted(sentences, key=lambda pair: pair[0])]


def _kept(found: Mapping[str, Any], section: str, name: str, empty: Any) -> Any:
    fields = found.get(section, {})
    value = fields.get(name, empty) if isinstance(fields, dict) else fields
    is_text = isinstance(empty, str)
    fits = isinstance(value, str) if is_text else _are_records(value)
    if not fits:
        form = "a text" if is_text else "a list of objects whose values are texts"
        raise ValueError(
            f"model_card.json: {section}.{name} must be {form}. Received: {value!r}."
        )
    return value


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and all(isinstance(text, str) for text in one.values())
        for one in value
    )


def _parameters(card: Mapping[str, Any], spec: DatasetSpec) -> dict[str, Any]:
    data, evaluation = card["data"], card["evaluation"]
    sensitive = [f"{a}: {', '.join(g)}" for a, g in data["attributes"].items()]
    described = (
        f"Trained on its training split, evaluated on {evaluation['examples']:,} "
        f"examples of its {evaluation['split']} split. Classes: "
        f"{', '.join(data['classes'])}."
    )
    return {
        "model_architecture": (
            f"{card['model']['architecture']}, {card['model']['parameters']:,} "
            "parameters"
        ),
        "data": [
            {
                "name": data.get("path", data["name"]),
                "description": described,
                "sensitive": {"sensitive_data": sensitive},
            }
        ],
        "input_format": "One tensor per feature, with a batch axis before its shape.",
        "input_format_map": [
            {"key": name, "value": " ".join([of.dtype.name, *_shape(of)])}
            for name, of in spec.features.items()
        ],
        "output_format": "probabilities, float32 [batch, classes]",
        "output_format_map": [
            {"key": str(i), "value": name} for i, name in enumerate(data["classes"])
        ],
    }


def _shape(feature: tf.TensorSpec) -> list[str]:
    return [str(list(feature.shape))] if feature.shape.rank else []


def _metrics(card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    evaluation = card["evaluation"]
    yield _metric("accuracy", "", evaluation["accuracy"])
    for attribute, groups in evaluation["groups"].items():
        for group, found in groups.items():
            yield _metric("accuracy", f"{attribute}={group}", found)
    for attribute, gaps in evaluation["gaps"].items():
        for name, found in gaps.items():
            yield _metric(name, attribute, found)


def _metric(kind: str, of: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """A number as the schema has it: in texts; an undefined one says why."""
    value, low, high = (found[name] for name in ("value", "low", "high"))
    shown = found.get("reason", "undefined") if value is None else f"{value:.6f}"
    ends = {"lower_bound": low, "upper_bound": high}
    known = {name: f"{end:.6f}" for name, end in ends.items() if end is not None}
    metric: dict[str, Any] = {"type": kind, "value": shown}
    if of:
        metric["slice"] = of
    return {**metric, "confidence_interval": known} if known else metric
