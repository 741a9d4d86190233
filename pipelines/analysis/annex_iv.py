"""A draft of the technical documentation of Annex IV of the EU AI Act.

Regulation (EU) 2024/1689, Annex IV, in short words and by its numbers. Only a person
knows most of it; what the study knows is put where it belongs. A draft says nothing
about whether the law applies or is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.analysis import verdict_words
from pipelines.analysis.model_card import extremes, overview

# Number -> what it asks for.
ITEMS: Mapping[str, str] = {
    "1(a)": "Intended purpose, name of the provider, version and earlier versions.",
    "1(b)": "How it interacts with hardware, software and other AI systems.",
    "1(c)": "Versions of the software, and requirements of updates.",
    "1(d)": "The forms in which it is placed on the market or put into service.",
    "1(e)": "The hardware on which it is intended to run.",
    "1(f)": "Of a component of a product: pictures and markings of the product.",
    "1(g)": "The user interface that the deployer gets.",
    "1(h)": "Instructions for use for the deployer.",
    "2(a)": "Methods and steps of development, and systems of third parties used.",
    "2(b)": "Design: logic, choices, assumptions, whom it is for, what it optimises, "
    "output, trade-offs.",
    "2(c)": "Architecture, and the computing used to develop, train and test it.",
    "2(d)": "Data: provenance, scope, how they were obtained, selected, labelled and "
    "cleaned.",
    "2(e)": "Human oversight that is needed (Article 14).",
    "2(f)": "Changes that are determined beforehand.",
    "2(g)": "Validation and testing: data, metrics, potentially discriminatory "
    "impacts, logs and reports dated and signed.",
    "2(h)": "Cybersecurity.",
    "3": "Capabilities and limits: accuracy for persons and groups on whom it is to be "
    "used, foreseeable outcomes and risks, oversight, input data.",
    "4": "Why the performance metrics are appropriate.",
    "5": "The risk management system (Article 9).",
    "6": "Relevant changes through the lifecycle.",
    "7": "Harmonised standards applied, or the solutions adopted instead.",
    "8": "Copy of the EU declaration of conformity (Article 47).",
    "9": "Post-market monitoring and its plan (Article 72).",
}


class Item(NamedTuple):
    """One point of the annex.

    Attributes:
      number: such as "2(g)".
      asks: what it asks for.
      known: sentences from the data.
      by_a_person: what a person has written; empty for what is to be filled in.
    """

    number: str
    asks: str
    known: Sequence[str]
    by_a_person: str


def draft(
    card: Mapping[str, Any],
    toolkit: Mapping[str, Any],
    record: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
    written: Mapping[str, Any],
) -> list[Item]:
    """All points of the annex.

    Args:
      card: what the export's model_card.json holds.
      toolkit: the model card, from `to_toolkit`.
      record: what run.json holds.
      verdict: the gate's on this export; None for none.
      written: number -> what a person has written.

    Raises:
      ValueError: if `written` has a number that the annex does not, or no texts.
    """
    for number, text in written.items():
        if number not in ITEMS or not isinstance(text, str):
            raise ValueError(
                f"annex_iv.json must have texts for the points {list(ITEMS)}. "
                f"Received: {number!r}: {text!r}."
            )
    known = _known(card, toolkit, record, verdict)
    return [
        Item(number, asks, known.get(number, ()), written.get(number, ""))
        for number, asks in ITEMS.items()
    ]


def _known(
    card: Mapping[str, Any],
    toolkit: Mapping[str, Any],
    record: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
) -> dict[str, list[str]]:
    parameters, made = toolkit["model_parameters"], card["distillation"]
    (data,) = parameters["data"]
    details = toolkit["model_details"]
    metrics = dict.fromkeys(
        m["type"] for m in toolkit["quantitative_analysis"]["performance_metrics"]
    )
    inputs = [f"{one['key']}: {one['value']}" for one in parameters["input_format_map"]]
    versions = [f"{name} {version}" for name, version in card["versions"].items()]
    known = {
        "1(a)": [f"{details['name']}, version {details['version']['name']}."],
        "1(c)": [f"{', '.join(versions)}."] if versions else [],
        "2(a)": [overview(card), *_teacher(made)],
        "2(b)": [_objective(made), f"Output: {parameters['output_format']}."],
        "2(c)": [
            f"{parameters['model_architecture']}. Trained for {record['epochs']} "
            f"epochs in {record['seconds']:,.0f} seconds."
        ],
        "2(d)": [f"{data['name']}. {data['description']}", *_sensitive(data)],
        "2(g)": [*_tests(card), *_judged(verdict)],
        "3": [*extremes(card), f"Input: {'; '.join(inputs)}."],
        "4": [f"Measured are {', '.join(metrics).replace('_', ' ')}."],
    }
    if card["git_revision"]:
        known["6"] = [f"Revision of the code: {card['git_revision']}."]
    return known


def _teacher(made: Mapping[str, Any] | None) -> list[str]:
    if not made:
        return []
    return [f"SHA-256 of the teacher's weights: {made['teacher_fingerprint']}."]


def _objective(made: Mapping[str, Any] | None) -> str:
    if not made:
        return "It is optimised for the cross-entropy to the labels."
    weight, temperature = made["alpha"], made["temperature"]
    if made.get("soft_loss") != "kl" or "method" in made or made.get("hints"):
        return (
            f"It is optimised for {' and '.join(_soft(made))}, at alpha {weight:g} and "
            f"temperature {temperature:g}, beside the cross-entropy to the labels."
        )
    square = f" (and T^2 = {temperature**2:g})"
    scaled = square if made["scale_by_temperature_squared"] else ""
    return (
        f"It is optimised for {weight:g} times the divergence from the teacher's "
        f"probabilities at temperature {temperature:g}{scaled}, plus "
        f"{1 - weight:.4g} times the cross-entropy to the labels."
    )


def _soft(made: Mapping[str, Any]) -> list[str]:
    """What a student is taught by, where it is more than the divergence."""
    taught = [f"the soft loss {made.get('soft_loss', 'of its configuration')}"]
    if "method" in made:
        options = ", ".join(f"{k}={v}" for k, v in made["method_options"].items())
        taught.append(
            f"the method {made['method']}" + (f" ({options})" if options else "")
        )
    if made.get("hints"):
        taught.append(f"hints ({', '.join(made['hints'])})")
    return taught


def _sensitive(data: Mapping[str, Any]) -> list[str]:
    groups = data["sensitive"]["sensitive_data"]
    return (
        [f"Sensitive attributes and their groups: {'; '.join(groups)}."]
        if groups
        else []
    )


def _tests(card: Mapping[str, Any]) -> list[str]:
    evaluation = card["evaluation"]
    accuracy = evaluation["accuracy"]
    first = (
        f"On {evaluation['examples']:,} examples of the {evaluation['split']} split it "
        f"is right for {100 * accuracy['value']:.1f} % (95 % interval "
        f"{100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f})."
    )
    gaps = [
        f"{name.replace('_', ' ')} by {attribute}: {found['value']:.3f} "
        f"({found['low']:.3f} to {found['high']:.3f})"
        for attribute, of in evaluation["gaps"].items()
        for name, found in of.items()
        if None not in (found["value"], found["low"], found["high"])
    ]
    return [first, *([f"Between groups: {'; '.join(gaps)}."] if gaps else [])]


def _judged(verdict: Mapping[str, Any] | None) -> list[str]:
    if verdict is None:
        return ["The gate has not judged this export."]
    said = verdict_words.word(verdict)
    return [f"The gate, by the policy {verdict['policy']}: {said}."]
