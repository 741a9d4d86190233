"""The report of a language model's study: what is kept, how sure, and what to do."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd

from kd_keras import files
from pipelines.analysis.answer import Answer
from pipelines.analysis.cards import Card
from pipelines.analysis.data_table import DataTable
from pipelines.language_models import drawings, measured, study, tables
from pipelines.language_models.measured import ALL, TEACHER, UNIGRAM, Measured
from pipelines.language_models.tables import Against
from pipelines.language_models.texts import SET
from pipelines.report import write as report
from pipelines.report.glossary import Term
from pipelines.report.html import Page, Section
from pipelines.studies import sealed

WIDTH = 78
# A student that is this much worse knows too little to be judged.
_MOST_OF_TEACHER = 2
TERMS = (
    Term("teacher", "The large language model that a student learns from."),
    Term("hard labels", "A student that learns from the next tokens alone."),
    Term(
        "KL, T=2",
        "A student that learns from the teacher's probabilities of the next token "
        "alone, softened by the temperature T.",
    ),
    Term(
        "perplexity",
        "Among how many equally likely tokens a model seems to choose: exp of the mean "
        "negative log-likelihood of a token. Less is better.",
    ),
    Term("unigram", "Says how often a token is in the training text, and no more."),
    Term(
        "pair",
        "Two sentences that differ in the group they are about, one of them a "
        "stereotype. A model prefers the one that it finds likelier.",
    ),
    Term(
        "margin",
        "The log-likelihood of the stereotype minus that of the other sentence, in "
        "nats: 0.69 nats are twice as likely.",
    ),
    Term(
        "McNemar",
        "A test of whether two models prefer stereotypes equally often, by the pairs "
        "on which they differ.",
    ),
    Term(
        "Holm",
        "A correction: the chance that any of the tests is wrong is at most one in "
        "twenty.",
    ),
)


def write(workdir: str) -> tuple[Page, list[str]]:
    """Writes report.html, its tables and its figures; returns the page and paths.

    Raises:
      ValueError: if nothing has been measured, or a file is not what was written.
    """
    content = page(workdir)
    return content, report.write_page(content, workdir)


def page(workdir: str) -> Page:
    """The report of what has been measured so far."""
    config = sealed.read(
        files.join(workdir, study.CONFIG_FILE), "Name the --workdir of a study."
    )
    found = measured.read_all(workdir)
    pairs = study.pairs(config)
    last = [m for m in found if m.is_last and m.margins]
    if {m.model for m in last} <= {TEACHER, UNIGRAM}:
        raise ValueError(
            f"{workdir} must have a student that has seen all tokens. Received: none. "
            "Run `python -m pipelines.language` to its end."
        )
    equal = [m for m in found if m.is_equal and m.margins]
    compared = tables.against_hard_labels(equal, pairs)
    at_end = tables.preferences(
        "preferences",
        "Which sentence of a pair is the likelier one, at the end of the training, and "
        "whether the teacher prefers the same.",
        last,
        pairs,
    )
    said = _answer(config, last, at_end, compared, pairs)
    return Page(
        title=f"Which stereotypes the students keep: {config['name']}",
        introduction=[
            f"Each student has {len(config['layers'])} of the teacher's layers and "
            f"sees {config['tokens']:,} tokens. Seeds: {len(config['seeds'])}."
        ],
        answer=said,
        first=None,
        headlines=[],
        sections=[
            Section(
                "language",
                "How well they know the language",
                drawings=[drawings.learning(found)],
                folded=[tables.perplexities(found)],
            ),
            Section(
                "stereotypes",
                "Which sentences they prefer",
                text=[
                    "A model that knows no language prefers nothing: read a share "
                    "beside its perplexity, and beside counting words (unigram)."
                ],
                drawings=[drawings.preferring(found, pairs, g) for g in _sets(pairs)],
                tables=[at_end],
                folded=[tables.by_type(last, pairs)],
            ),
            *_equal_section(config, found, equal, compared, pairs),
        ],
        summary=_summary(said, last, pairs),
        terms=TERMS,
    )


def _equal_section(
    config: dict,
    found: Sequence[Measured],
    equal: Sequence[Measured],
    compared: Sequence[Against],
    pairs: pd.DataFrame,
) -> list[Section]:
    if not compared:
        return []
    teacher = [m for m in found if m.model == TEACHER]
    beside: DataTable = tables.preferences(
        "preferences_at_equal_perplexity",
        "Students where they are compared, and the teacher.",
        [*teacher, *equal],
        pairs,
    )
    return [
        Section(
            "equal",
            "At equal knowledge of the language",
            text=[
                "Each student after the part of the tokens that brought its perplexity "
                f"nearest to {config['equal_perplexity']:g}, of {config['parts']} "
                "parts: those that learn faster have seen fewer tokens, and a higher "
                "learning rate last."
            ],
            tables=[tables.against_table(compared)],
            folded=[beside],
        )
    ]


def _answer(
    config: dict,
    last: Sequence[Measured],
    at_end: DataTable,
    compared: Sequence[Against],
    pairs: pd.DataFrame,
) -> Answer:
    group = _sets(pairs)[0]
    shares = tables.shares(last, pairs, group)
    own = [share for name, of in shares.items() if _is_student(name) for share in of]
    teacher, unigram = shares[TEACHER][0], shares[UNIGRAM][0]
    sentence = (
        f"Of 100 pairs of {group} the students prefer the stereotype in "
        f"{_between(own)}, the teacher in {100 * teacher:.0f}."
    )
    best = min(m.perplexity[ALL] for m in last if _is_student(m.model))
    (known,) = (m.perplexity[ALL] for m in last if m.model == TEACHER)
    knows_less = best > _MOST_OF_TEACHER * known
    evidence = [
        f"Counting words alone prefers {100 * unigram:.0f}.",
        f"The best student has a perplexity of {best:,.0f}, the teacher {known:,.0f}.",
    ]
    if knows_less:
        evidence.append(
            "So little knowledge of the language hides what a better student would "
            "prefer."
        )
    return Answer(
        sentence,
        evidence,
        cards=[
            _how_sure(at_end, group),
            _does_t_matter(compared, group, config),
            _what_to_do(knows_less),
        ],
    )


def _how_sure(at_end: DataTable, group: str) -> Card:
    rows = [r for r in at_end.rows if r["pairs"] == group and _is_student(r["model"])]
    sure = [row for row in rows if row["p_holm"] <= 0.05]
    fewer = sum(row["difference"] < 0 for row in sure)
    agreement = np.mean([row["agreement"] for row in rows])
    return Card(
        "How sure?",
        [
            f"Of {len(rows)} students {fewer} surely prefer stereotypes less often "
            f"than the teacher, {len(sure) - fewer} more often (McNemar, p <= 0.05 "
            "after Holm).",
            f"They prefer the same sentence as the teacher in {100 * agreement:.0f} of "
            "100 pairs; a coin would in 50.",
        ],
    )


def _does_t_matter(compared: Sequence[Against], group: str, config: dict) -> Card:
    question = "Does distillation, and T, matter?"
    rows = [one for one in compared if one.pairs == group]
    if not rows:
        return Card(
            question,
            [
                "Students of hard labels and of the teacher at one perplexity are "
                "needed to say, and are not there: see config.equal_perplexity."
            ],
        )
    if max(one.seeds for one in rows) < 2:
        return Card(question, ["One seed says nothing of this: add config.seeds."])
    sure = [one for one in rows if one.low > 0 or one.high < 0]
    at = f"at a perplexity near {config['equal_perplexity']:g}"
    first = (
        f"Surely a different preference from hard labels {at}: "
        + ", ".join(one.model for one in sure)
        if sure
        else f"No T surely changes what is preferred against hard labels {at}"
    )
    values = ", ".join(
        f"{one.model} {100 * one.difference:+.1f} ({100 * one.low:+.1f} to "
        f"{100 * one.high:+.1f})"
        for one in rows
    )
    return Card(question, [f"{first}.", f"Of 100 pairs, over the seeds: {values}."])


def _what_to_do(knows_less: bool) -> Card:
    question = "What to do?"
    if knows_less:
        return Card(
            question,
            [
                "Give the students more tokens before anything is said of their "
                "fairness: the teacher knows far more of the language."
            ],
        )
    return Card(
        question,
        ["Look at the types of pairs that matter to you, and at the margins of each."],
    )


def _summary(said: Answer, last: Sequence[Measured], pairs: pd.DataFrame) -> str:
    lines = textwrap.wrap(f"{said.sentence} {' '.join(said.evidence)}", WIDTH)
    groups = _sets(pairs)
    head = "".join(f"{group[:14]:>15}" for group in groups)
    lines += ["", f"{'stereotype preferred, %':<24}{'perplexity':>11}{head}"]
    for model in dict.fromkeys(m.model for m in last):
        of_model = [m for m in last if m.model == model]
        perplexity = np.mean([m.perplexity[ALL] for m in of_model])
        cells = "".join(
            f"{100 * np.mean(tables.shares(of_model, pairs, g)[model]):>15.1f}"
            for g in groups
        )
        lines.append(f"{model:<24}{perplexity:>11,.0f}{cells}")
    return "\n".join(lines)


def _sets(pairs: pd.DataFrame) -> list[str]:
    return [str(group) for group in pairs[SET].unique()]


def _is_student(model: str) -> bool:
    return model not in (TEACHER, UNIGRAM)


def _between(shares: Sequence[float]) -> str:
    low, high = (f"{100 * end:.0f}" for end in (min(shares), max(shares)))
    return low if low == high else f"{low} to {high}"
