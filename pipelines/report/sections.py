"""What the report says, in its order."""

from pipelines.report import (
    bands,
    chance,
    classes,
    curves,
    disagreement,
    groups,
    measures,
    provenance,
    tradeoff,
    verdict,
)
from pipelines.report.html import Page, Section
from pipelines.report.results import Model, Study
from pipelines.report.table import Table

_DEFINITIONS = [
    "DPD is the demographic parity difference: how far the groups are apart in "
    "how often a class is predicted. EOD is the equalized odds difference: how "
    "far they are apart in the errors. With more than two classes both are "
    "means over one-vs-rest classes. 0 is equal; smaller is fairer.",
    "The base rate gap is the DPD of the labels themselves. A model without a "
    "single error has that DPD, so a DPD below it comes from errors.",
    "By chance is the gap between groups of these sizes drawn at random. Small "
    "groups differ by noise alone; only what exceeds it is about the groups.",
    "Intervals tell what other test examples would change. What another "
    "initialisation would change is in the standard deviation over the seeds.",
]


def build(
    study: Study, published: curves.Published, litert: Table | None = None
) -> Page:
    """All tables, figures and sentences of a study's report."""
    replicates = bands.replicate(study)
    runs = measures.run_table(study)
    changes = bands.change_table(study, replicates)
    found = bands.bands(study, replicates)
    by_chance = chance.chance_gaps(study)
    choice = tradeoff.choose(study)
    chosen = choice.chosen if choice else None
    # What is too long for every T is shown for one.
    shown = chosen or next(reversed(study.distilled), None)
    return Page(
        title=f"Whom the student fails: {study.config['name']}",
        introduction=_introduction(study),
        verdicts=verdict.verdicts(study, changes, found, by_chance, chosen),
        sections=[
            Section(
                "summary",
                "Accuracy and group fairness",
                text=_DEFINITIONS,
                drawings=curves.curve_figures(
                    study, replicates, found, by_chance, published
                ),
                tables=[measures.summary_table(study, runs, by_chance), changes],
                folded=[bands.band_table(study, found), runs],
            ),
            *([_choice(study, choice)] if choice else []),
            _classes(study, shown),
            _disagreement(study),
            *([_groups(study, shown)] if study.spec.groups else []),
            *([_litert(litert)] if litert else []),
            _provenance(study),
        ],
    )


def _introduction(study: Study) -> list[str]:
    done = len(study.results)
    lines = [
        f"Data set {study.spec.name}, {study.split} split of "
        f"{len(study.truth[study.split].labels):,} examples, "
        f"{study.spec.num_classes} classes. Teacher, student without a teacher (nds) "
        "and students distilled at temperature T (ds).",
    ]
    if done < study.planned:
        lines.append(f"Only {done} of {study.planned} runs are complete.")
    return lines


def _choice(study: Study, choice: tradeoff.Choice) -> Section:
    text = [
        "Chosen is the most accurate distilled student of those whose EOD cannot be "
        "told from the lowest one, among students whose validation accuracy is within "
        f"{100 * tradeoff.OBJECTIVE.tolerance:g} point of the best one's. The "
        f"{study.split} data had no part in it.",
        f"{choice.reason[:1].upper()}{choice.reason[1:]}.",
    ]
    return Section(
        "choice",
        "Which temperature to choose",
        text=text,
        drawings=[tradeoff.choice_figure(choice)],
        tables=[tradeoff.choice_table(study, choice)],
    )


def _classes(study: Study, shown: Model | None) -> Section:
    changes = classes.changes_from_nds(study)
    text = [
        "#SC counts classes that differ between nds and ds, #TC between teacher and "
        "ds. Counts near the chance level say nothing."
    ]
    if max(len(seeds) for seeds in study.models.values()) < 2:
        text.append("Class bias needs at least two seeds: it is not counted here.")
    return Section(
        "classes",
        "Which classes pay",
        text=text,
        drawings=classes.class_group_figures(study, changes, shown) if shown else [],
        tables=[classes.class_bias_table(study)],
        folded=[classes.class_group_table(study, changes)],
    )


def _groups(study: Study, shown: Model | None) -> Section:
    models = [m for m in study.models if m in (study.teacher, study.nds, shown)]
    return Section(
        "groups",
        "Every group on its own",
        text=[
            "Individual fairness is not measured: it needs an embedding of every "
            "example from one extractor, and a study's runs hold none."
        ],
        tables=[groups.transfer_table(study)],
        folded=[groups.calibration_table(study), groups.confusion_table(study, models)],
    )


def _disagreement(study: Study) -> Section:
    matrices = disagreement.disagreements(study)
    return Section(
        "disagreement",
        "Where student and teacher disagree",
        text=[
            "Examples by the class that the teacher predicts and the class that the "
            "student predicts. Where they agree nothing is counted."
        ],
        drawings=disagreement.disagreement_figures(study, matrices),
        tables=[disagreement.disagreement_totals(study, matrices)],
        folded=[disagreement.disagreement_table(study, matrices)],
    )


def _litert(table: Table) -> Section:
    return Section(
        "litert",
        "What ships on a device",
        text=[
            "Quantization makes another function of the model. An interval that holds "
            "0 shows no change of fairness."
        ],
        tables=[table],
    )


def _provenance(study: Study) -> Section:
    return Section(
        "run",
        "What was run",
        facts=provenance.facts(study),
        folded=[provenance.training_table(study)],
    )
