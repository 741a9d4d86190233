"""Reads what a person has written into a run's card, and writes the card anew."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kd_keras import export, files
from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import annex_iv
from pipelines.analysis.choice import run_to_release
from pipelines.analysis.costs import default
from pipelines.analysis.model_card import to_toolkit
from pipelines.analysis.results import read_study, with_mended
from pipelines.release import blessing, candidate
from pipelines.release.candidate import Candidate
from pipelines.studies import config as configs
from pipelines.studies import mended_run, run_record, sealed

CARD, ANNEX = "model_card.json", "annex_iv.json"


class Card(NamedTuple):
    """What a run's card holds.

    Attributes:
      directory: where its files are.
      paths: the files that a person fills in.
      toolkit: the model card, of Model Card Toolkit's schema.
      annex: the points of Annex IV.
      whom: sentences about the groups that it serves worst.
    """

    directory: str
    paths: list[str]
    toolkit: dict[str, Any]
    annex: list[annex_iv.Item]
    whom: list[str]


def write(workdir: str, run: str = "") -> Card:
    """Writes `<run>/card/model_card.json` and `annex_iv.json`.

    Args:
      workdir: the study's working directory.
      run: directory of the run; empty for the recommended one.

    Raises:
      ValueError: if there is no such run, or a file is not what was written or, of
        what a person has written, not of its form.
    """
    study = with_mended(workdir, read_study(workdir), run)
    found = candidate.find(workdir, run_to_release(study, default(study), run))
    card = files.read_json(files.join(found.export, "model_card.json"))
    record = run_record.read(workdir, found.run, configs.read_config(workdir))
    directory = files.join(found.directory, "card")
    name, version = found.run.directory, str(found.version)
    before = _read(files.join(directory, CARD))
    toolkit = to_toolkit(card, _asked(found, study.spec), name, version, before)
    toolkit["model_parameters"]["input_format_map"] += _group(card, study.spec)
    written = _read(files.join(directory, ANNEX))
    annex = annex_iv.draft(card, toolkit, record, _verdict(found), written)
    by_a_person = {item.number: item.by_a_person for item in annex}
    paths = [files.join(directory, file) for file in (CARD, ANNEX)]
    for path, content in zip(paths, (toolkit, by_a_person), strict=True):
        text = json.dumps(content, indent=2, ensure_ascii=False)
        files.write_text(path, text + "\n")
    return Card(directory, paths, toolkit, annex, annex_iv.extremes(card))


def _group(card: Mapping[str, Any], spec: DatasetSpec) -> list[dict[str, str]]:
    """The input of a mended student that is no feature: whose decision it is."""
    mending = card.get("mitigation")
    if not mending or not mending.get("reads_group"):
        return []
    attribute = mending["attribute"]
    places = ", ".join(f"{i} {group}" for i, group in enumerate(spec.groups[attribute]))
    value = f"int64, the {attribute} of the person or thing: {places}; -1 not known"
    return [{"key": mended_run.group_input(spec), "value": value}]


def _asked(found: Candidate, spec: DatasetSpec) -> DatasetSpec:
    """The spec with the features alone that the export asks for."""
    loaded = export.load(found.export)
    inputs = loaded.signatures["serving_features"].structured_input_signature[1]
    asked = {
        n: of for n, of in spec.features.items() if n in inputs or n.lower() in inputs
    }
    return dataclasses.replace(spec, features=asked)


def _read(path: str) -> dict[str, Any]:
    """What is there, with what a person has written; nothing where it is not."""
    if not files.exists(path):
        return {}
    try:
        found = files.read_json(path)
    except ValueError as error:
        raise ValueError(
            f"{path} is no JSON: {error}. Mend it, or delete it with what was written "
            "into it."
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold an object. Received: {found!r}.")
    return found


def _verdict(found: Candidate) -> dict[str, Any] | None:
    """The gate's on this export."""
    path = files.join(found.directory, blessing.DIRECTORY, "verdict.json")
    if not files.exists(path):
        return None
    verdict = sealed.read(
        path, "Run pipelines.gate again.", ("blessed", "policy", "export_digest")
    )
    return verdict if verdict["export_digest"] == found.digest else None
