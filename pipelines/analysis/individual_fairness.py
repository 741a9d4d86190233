"""Individual fairness: are similar examples treated alike?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.special

from kd_keras.fairness.individual import IndividualFairness, of_models
from pipelines.analysis.data_table import COUNT, DECIMAL, Column, DataTable, Kind
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.published import Published
from pipelines.analysis.results import Model, Study
from pipelines.analysis.seed_interval import seed_interval
from pipelines.studies import individual_options
from pipelines.studies.embeddings import Embeddings

SIGNED = Kind("{:.6f}", "{:+.3f}")
_MAKE = "To make them: python -m pipelines.embeddings --workdir=WORKDIR"

# Model -> seed -> what was measured on the same pairs of examples.
Measured = Mapping[Model, Mapping[int, IndividualFairness]]


def obstacle(study: Study, embeddings: Embeddings | None) -> str:
    """Empty, or why individual fairness cannot be measured with these embeddings."""
    if embeddings is None:
        return f"the extractor's embeddings are not there. {_MAKE}"
    if not np.array_equal(embeddings.ids, study.truth[study.split].ids):
        return f"the extractor's embeddings are of other examples. {_MAKE}"
    options = individual_options.options(study.config)
    if options["input_distance"] == "cosine":
        zero = int((~embeddings.values.any(axis=1)).sum())
        if zero:
            return (
                f"{zero} examples have zero as embedding, which has no cosine. Set "
                "--config.evaluation.individual_fairness.input_distance=euclidean"
            )
    return ""


def measure(study: Study, embeddings: Embeddings) -> Measured:
    """I(f) of every run, on the same random pairs."""
    options = individual_options.options(study.config)
    del options["extractor"]

    def probabilities(logits: np.ndarray) -> np.ndarray:
        return scipy.special.softmax(logits.astype(np.float64), axis=-1)

    runs = [(model, seed) for model, seeds in study.models.items() for seed in seeds]
    outputs = [
        probabilities(study.models[model][seed].logits[study.split])
        for model, seed in runs
    ]
    found = of_models(outputs, embeddings.values, **options)
    measured: dict[Model, dict[int, IndividualFairness]] = {}
    for (model, seed), one in zip(runs, found, strict=True):
        measured.setdefault(model, {})[seed] = one
    return measured


def individual_table(
    study: Study, measured: Measured, published: Published
) -> DataTable:
    """One row per model, mean over the seeds."""
    rows = []
    for model, seeds in measured.items():
        found = list(seeds.values())
        values = [one.mean for one in found]
        mean, low, high = seed_interval(values)
        row: dict[str, Any] = model_cells(model) | {"seeds": len(values), "mean": mean}
        row["sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
        row |= {"lower": float(np.maximum(low, 0)), "upper": high}
        row |= _change(measured, model, study.nds)
        row["largest"] = float(np.mean([one.largest for one in found]))
        row["identical"] = found[0].num_identical
        row["violations"] = float(np.mean([one.num_violations for one in found]))
        if model in published.individual:
            row["published"] = published.individual[model].mean
        rows.append(row)
    columns = [
        *MODEL_COLUMNS,
        Column("seeds", "seeds", COUNT),
        Column("mean", "I(f)", DECIMAL),
        Column("sd", "sd", DECIMAL),
        Column("lower", "from", DECIMAL),
        Column("upper", "to", DECIMAL),
        Column("change", "change from nds", SIGNED),
        Column("change_lower", "from", SIGNED),
        Column("change_upper", "to", SIGNED),
        Column("largest", "largest ratio", DECIMAL),
        Column("identical", "pairs of equal embeddings", COUNT),
        Column("violations", "of them treated differently", DECIMAL),
    ]
    if published.individual:
        columns.append(Column("published", "published I(f)", DECIMAL))
    caption = (
        "Individual fairness, lower is fairer; intervals (95 %, Student's t) are over "
        "the seeds, those of the change over seeds in pairs."
    )
    if published.individual:
        caption += (
            " The published values are of a distance that is not published: compare "
            "their course over T alone."
        )
    return DataTable("individual_fairness", caption, columns, rows)


def _change(measured: Measured, model: Model, nds: Model | None) -> dict[str, float]:
    if nds is None or model.temperature is None:
        return {}
    seeds, base = measured[model], measured[nds]
    changes = [seeds[s].mean - base[s].mean for s in seeds if s in base]
    if not changes:
        return {}
    names = ("change", "change_lower", "change_upper")
    return dict(zip(names, seed_interval(changes), strict=True))


def description(study: Study, embeddings: Embeddings) -> list[str]:
    """What was measured, with which extractor, distances and pairs."""
    options = individual_options.options(study.config)
    extractor = embeddings.source["extractor"]
    seen = f"the model {extractor} (SHA-256 {embeddings.source.get('sha256', '')[:12]})"
    if options["extractor"] == individual_options.TEACHER:
        seen = (
            f"{extractor} of this study, frozen and without its last layer. It favours "
            "models that see as this teacher does: compare students with each other, "
            "and with the teacher only with care"
        )
    if options["extractor"] == individual_options.INPUT:
        seen = (
            "none: numbers are standardized, images averaged to 16 pixels a side, and "
            "texts and categories are bags of their words"
        )
    dimensions = embeddings.values.shape[1]
    pairs = (
        options["pairs"]
        if isinstance(options["pairs"], str)
        else (f"{options['pairs']:,} random")
    )
    return [
        "I(f) is the mean of how far the outputs of two examples are apart over how "
        "far the examples themselves are apart: it is high for a model that treats "
        "similar examples differently.",
        f"Outputs: {options['output_distance'].replace('_', ' ')} of the "
        f"probabilities. Examples: {options['input_distance']} distance of "
        f"{dimensions} features, over {pairs} pairs, the same for every model. The "
        f"extractor of the features is {seen}.",
    ]
