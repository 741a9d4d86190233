"""What was run: configuration, data, versions, seeds, time."""

from collections.abc import Mapping
from typing import Any

from kd_keras.fairness.names import attribute_name
from pipelines.analysis.data_table import COUNT, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study
from pipelines.studies import made_by
from pipelines.studies.attributes import as_attribute

# Field of run.json: how many runs were trained as one program.
STACKED = "stacked"


def facts(study: Study) -> dict[str, str]:
    """Name -> value: data, source, versions and every field of the configuration."""
    sizes = (f"{name} {len(truth.labels):,}" for name, truth in study.truth.items())
    seconds = sum(result.info["seconds"] for result in study.results)
    known = {
        "data set": f"{study.spec.name}; examples: {', '.join(sizes)}",
        "classes": ", ".join(study.spec.class_names[:20])
        + (", ..." if study.spec.num_classes > 20 else ""),
    }
    for attribute, groups in study.spec.groups.items():
        known[f"attribute {attribute}"] = ", ".join(groups)
    for crossed in study.attributes[len(study.spec.groups) :]:
        known[f"attribute {attribute_name(crossed)}"] = "the crossed groups"
    known["runs"] = f"{len(study.results)} of {study.planned}"
    known["training time"] = _duration(seconds)
    return known | _made_by(study) | _flat(study.config)


def _made_by(study: Study) -> dict[str, str]:
    """The revisions and versions that made the runs; and which runs, if several."""
    records = {result.run.directory: result.info for result in study.results}
    revisions = [str(info["git_revision"] or "unknown") for info in records.values()]
    found = {"source revision": ", ".join(dict.fromkeys(revisions))}
    names = sorted({name for info in records.values() for name in info["versions"]})
    for name in names:
        versions = [info["versions"].get(name, "unknown") for info in records.values()]
        found[f"{name} version"] = ", ".join(dict.fromkeys(versions))
    several = made_by.describe(records)
    return found | ({"made by": several} if several else {})


def training_table(study: Study) -> DataTable:
    """Epochs and parameters of every run; no times, which differ from call to call."""
    rows = [
        model_cells(Model.of(result.run))
        | {"seed": result.run.seed, STACKED: result.info.get(STACKED, 1)}
        | {name: result.info[name] for name in ("epochs", "parameters")}
        for result in study.results
    ]
    columns = [
        *MODEL_COLUMNS,
        Column("seed", "seed", COUNT),
        Column("epochs", "epochs", COUNT),
        Column("parameters", "parameters", COUNT),
    ]
    if any(row[STACKED] > 1 for row in rows):
        columns.append(Column(STACKED, "trained together", COUNT))
    return DataTable("training", "Training of every run.", tuple(columns), rows)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _flat(config: Mapping[str, Any], prefix: str = "config.") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            named = map(as_attribute, value)
            shown = (
                attribute_name(v) if isinstance(v, tuple) else str(v) for v in named
            )
            flat[prefix + key] = ", ".join(shown)
        else:
            flat[prefix + key] = "(empty)" if value == "" else str(value)
    return flat
