"""What the report says, in its order."""

from collections.abc import Mapping

from pipelines.analysis import (
    bands,
    calibration_course,
    chance,
    choice_gain,
    class_bias,
    class_course,
    class_group_change,
    curves,
    disagreement,
    findings,
    frontier,
    groups,
    headline,
    individual_fairness,
    measures,
    methods,
    methods_table,
    provenance,
    published,
    published_words,
)
from pipelines.analysis.answer import answer
from pipelines.analysis.choice import Choice, choose
from pipelines.analysis.choice_table import choice_table
from pipelines.analysis.costs import DEFAULT, default
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.mitigation import Mended
from pipelines.analysis.published import Published
from pipelines.analysis.results import Model, Study
from pipelines.analysis.robustness import Robustness
from pipelines.analysis.verdicts import Verdict
from pipelines.report import (
    curve_figures,
    dots,
    heat_maps,
    impact_section,
    robustness_section,
    tradeoff,
)
from pipelines.report.first_screen import first_screen
from pipelines.report.frontier import frontiers
from pipelines.report.html import Page, Section
from pipelines.report.terminal import plain_text
from pipelines.studies.embeddings import Embeddings

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
    study: Study,
    printed: Published,
    embeddings: Embeddings | None = None,
    litert: DataTable | None = None,
    mended: Mended | None = None,
    judged: Mapping[Model, Verdict] | None = None,
    damaged: Robustness | str | None = None,
) -> Page:
    """All tables, figures and sentences of a study's report."""
    replicates = bands.replicate(study)
    runs = measures.run_table(study)
    changes = bands.change_table(study, replicates)
    found = bands.bands(study, replicates)
    by_chance = chance.chance_gaps(study)
    choice = choose(study, default(study))
    chosen = choice.chosen if choice else None
    compared = methods.compare(study)
    said = answer(study, chosen, judged or {})
    summary = measures.summary_table(study, runs, by_chance)
    beside = published.published_table(summary, printed)
    problem = individual_fairness.obstacle(study, embeddings)
    measured = (
        individual_fairness.measure(study, embeddings)
        if embeddings and not problem
        else None
    )
    # What is too long for every T is shown for one.
    shown = chosen or next(reversed(study.distilled), None)
    return Page(
        title=f"Whom the student fails: {study.config['name']}",
        introduction=_introduction(study),
        answer=said,
        first=first_screen(said),
        headlines=[
            *headline.headlines(study, changes, found, by_chance, chosen),
            *methods_table.headlines(compared),
        ],
        sections=[
            Section(
                "summary",
                "Accuracy and group fairness",
                text=[*_DEFINITIONS, *published_words.notes(study, summary, printed)],
                drawings=curve_figures.measure_figures(
                    curves.curves(study, runs, found, by_chance, printed)
                ),
                tables=[summary, changes, *([beside] if beside else [])],
                folded=[bands.band_table(study, found), runs],
            ),
            *_choices(study, choice),
            *([_frontier(study)] if study.attributes and study.students else []),
            *([_methods(study, compared)] if compared else []),
            _classes(study, shown, printed),
            _disagreement(study),
            *([_groups(study, shown)] if study.attributes else []),
            *impact_section.sections(study, shown),
            _calibration(study),
            *robustness_section.sections(study, damaged),
            _individual(study, embeddings, measured, printed, problem),
            *([_findings(study, measured, printed)] if study.distilled else []),
            *([_mitigation(mended)] if mended else []),
            *([_litert(litert)] if litert else []),
            _provenance(study),
        ],
        summary=plain_text(study, summary, said),
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


def _choices(study: Study, choice: Choice | None) -> list[Section]:
    """Which T validation recommends, and what choosing by it gains."""
    gains = choice_gain.gains(study)
    tables = [choice_gain.gain_table(study, gains)] if gains else []
    if choice:
        return [_choice(study, choice, tables)]
    title = "What choosing a temperature by validation gains"
    return [Section("choice", title, tables=tables)] if tables else []


def _choice(study: Study, choice: Choice, gains: list[DataTable]) -> Section:
    text = [
        "Chosen is the most accurate distilled student of those whose EOD cannot be "
        "told from the lowest one, among students whose validation accuracy is within "
        f"{100 * DEFAULT.tolerance:g} point of the best one's. The "
        f"{study.split} data had no part in it.",
        f"{choice.reason[:1].upper()}{choice.reason[1:]}.",
        *(f"{line[:1].upper()}{line[1:]}." for line in choice.people),
    ]
    return Section(
        "choice",
        "Which temperature to choose",
        text=text,
        drawings=[tradeoff.choice_figure(choice)],
        tables=[choice_table(study, choice)],
        folded=gains,
    )


def _frontier(study: Study) -> Section:
    found = frontier.points(study)
    return Section(
        "frontier",
        "Accuracy against the gap between groups",
        text=[
            "A student may be fairer because it is worse for everyone. What counts is "
            "the frontier: for no student on it is there another one with fewer errors "
            "and a smaller gap. Where intervals overlap, the order may be chance."
        ],
        frontiers=frontiers(found),
        folded=[frontier.frontier_table(found)],
    )


def _methods(study: Study, compared: list[methods.Compared]) -> Section:
    text = [
        "Each method mends the student while it is trained. One counts as better than "
        "plain distillation where the interval of its change is on one side of 0. The "
        "line joins students that no other one beats in both."
    ]
    if study.spec.num_classes == 2 and study.spec.groups:
        text.append(
            "Post-processing gives the groups of the plain student thresholds that "
            "reach the method's gap on validation data. It does as well where it "
            f"costs at most {100 * methods.TOLERANCE:g} point of accuracy more and no "
            "interval shows a smaller gap of the method: then train nothing."
        )
    else:
        text.append(
            "It is not compared with post-processing here, which the report does for "
            "two classes and an attribute alone."
        )
    return Section(
        "methods",
        "Does a method mend it?",
        text=text,
        drawings=tradeoff.method_figures(study, compared),
        tables=[methods_table.methods_table(compared)],
    )


def _classes(study: Study, shown: Model | None, printed: Published) -> Section:
    changes = class_group_change.changes_from_nds(study)
    course = class_course.class_course_table(study, printed)
    counted = curve_figures.count_figures(class_course.count_curves(study, course))
    maps = heat_maps.class_group_figures(study, changes, shown) if shown else []
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
        drawings=[*counted, *maps],
        tables=[course, class_bias.class_bias_table(study, printed)],
        folded=[class_group_change.class_group_table(study, changes)],
    )


def _groups(study: Study, shown: Model | None) -> Section:
    models = [m for m in study.models if m in (study.teacher, study.nds, shown)]
    calibration = groups.calibration_table(study)
    return Section(
        "groups",
        "Every group on its own",
        text=[
            "Accuracy, and the calibration error (ECE): how far the confidence of the "
            "predictions is from their accuracy."
        ],
        drawings=dots.group_figures(study, calibration, models),
        tables=[calibration],
        folded=[groups.transfer_table(study), groups.confusion_table(study, models)],
    )


def _calibration(study: Study) -> Section:
    measured = calibration_course.measure(study)
    return Section(
        "calibration",
        "Are the models as sure as they are right?",
        text=[
            *calibration_course.sentences(study, measured),
            "The ECE is how far the confidence of the predictions is from their "
            "accuracy. Scaling divides the logits by one number, which changes how "
            "sure a model is and no prediction (temperature scaling, Guo et al. 2017).",
        ],
        drawings=curve_figures.calibration_figures(study, measured)
        if study.curve
        else [],
        folded=[
            calibration_course.course_table(measured),
            *([calibration_course.group_table(measured)] if study.attributes else []),
        ],
    )


def _individual(
    study: Study,
    embeddings: Embeddings | None,
    measured: individual_fairness.Measured | None,
    printed: Published,
    problem: str,
) -> Section:
    anchor, title = "individual", "Are similar examples treated alike?"
    if embeddings is None or measured is None:
        text = [f"Individual fairness is not measured: {problem}."]
        return Section(anchor, title, text=text)
    curve = curves.individual_curve(study, measured)
    return Section(
        anchor,
        title,
        text=individual_fairness.description(study, embeddings),
        drawings=[curve_figures.individual_figure(curve)] if curve else [],
        tables=[individual_fairness.individual_table(study, measured, printed)],
    )


def _findings(
    study: Study, measured: individual_fairness.Measured | None, printed: Published
) -> Section:
    claims, controls, total = findings.findings_tables(study, measured, printed)
    if study.config["dataset"]["name"] == "table":  # Of no published study.
        return Section(
            "findings",
            "What the published findings come to here",
            text=["For those who compare studies, and for no release.", total],
            folded=[claims, controls],
        )
    return Section(
        "findings",
        "Does this study confirm the published findings?",
        text=[
            total,
            "The findings are about training, so the seed is their unit: every claim "
            "has one value per seed, and differences are taken within seeds. Confirmed "
            "is what has the claimed sign for sure; refuted what surely has the other "
            "one, or surely is less than a quarter of what was published. Where "
            "nothing is decided, the smallest change is named that so few seeds could "
            "have seen in four of five studies.",
            "With T means along a line on log T, fitted to all temperatures up to 10. "
            "#SC and #TC are counted over fives of the seeds, as published, and their "
            "p-values are of exchanged temperatures. I(f) is said as a share of that "
            "of nds.",
        ],
        tables=[claims],
        folded=[controls],
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
        drawings=heat_maps.disagreement_figures(study, matrices),
        tables=[disagreement.disagreement_totals(study, matrices)],
        folded=[
            disagreement.by_true_class(study),
            disagreement.disagreement_table(study, matrices),
        ],
    )


def _mitigation(mended: Mended) -> Section:
    return Section(
        "mitigation",
        "What mending changed, and who pays for it",
        text=mended.text,
        tables=mended.tables,
        folded=mended.folded,
    )


def _litert(table: DataTable) -> Section:
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
