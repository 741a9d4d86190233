"""The words of the report, explained, and links to them."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import markupsafe


class Term(NamedTuple):
    """A word of the report.

    Attributes:
      name: as it is written.
      meaning: in a sentence or two.
    """

    name: str
    meaning: str

    @property
    def anchor(self) -> str:
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


TERMS = (
    Term("teacher", "The large model that a student learns from."),
    Term("nds", "The non-distilled student: trained on the labels alone."),
    Term("ds", "A distilled student: trained to imitate the teacher at temperature T."),
    Term(
        "T",
        "The temperature of distillation. A higher one softens the teacher's "
        "probabilities, so that its second choices count more.",
    ),
    Term("seed", "The start of one training. Several show what chance alone does."),
    Term(
        "interval",
        "Where the true value may lie, judged by this sample of test examples. 95 % "
        "of such intervals hold it. One that holds 0 shows no change.",
    ),
    Term("accuracy", "The share of the examples that a model has right."),
    Term(
        "true positive rate",
        "Of two classes: the share of the examples of the second class that are found.",
    ),
    Term(
        "false positive rate",
        "Of two classes: the share of the examples of the first class that are taken "
        "for the second one.",
    ),
    Term(
        "DPD",
        "Demographic parity difference: how far the groups are apart in how often a "
        "class is predicted.",
    ),
    Term(
        "EOD",
        "Equalized odds difference: how far the groups are apart in their errors.",
    ),
    Term(
        "base rate gap",
        "The DPD of the labels themselves, which a model without any error has.",
    ),
    Term(
        "crossing",
        "Groups of several attributes at once, such as sex x race: Female, Black.",
    ),
    Term("floor", "The least that every group shall have of a rate."),
    Term("gate", "What judges a run by a policy and blesses or refuses its release."),
    Term(
        "ECE", "Calibration error: how far a model's confidence is from its accuracy."
    ),
    Term(
        "mCE",
        "Mean corruption error: errors on damaged data, as a share of those that nds "
        "makes there.",
    ),
    Term("#SC, #TC", "Classes that differ from the nds (#SC) or the teacher (#TC)."),
    Term("points", "Difference of two percentages: from 97 % to 49 % is -48 points."),
)
# Words that a reader may not know, where they stand in a sentence.
_UNKNOWN = (
    "nds",
    "DPD",
    "EOD",
    "ECE",
    "mCE",
    "interval",
    "gate",
    "seed",
    "base rate gap",
)


def linker(terms: Sequence[Term]) -> Callable[[str], markupsafe.Markup]:
    """A function that escapes a text, and leads its unknown words to their meanings.

    The first use of a word does. Words that are not among the terms are left alone.
    """
    known = {term.name: term for term in terms if term.name in _UNKNOWN}
    pattern = re.compile(rf"(?<![\w&])({'|'.join(known) or '(?!)'})(s?)(?!\w)")

    def linked(text: str) -> markupsafe.Markup:
        seen: set[str] = set()

        def link(found: re.Match[str]) -> str:
            word = found[1]
            if word in seen:
                return found[0]
            seen.add(word)
            term = known[word]
            return (
                f'<a class="term" href="#{term.anchor}" '
                f'title="{markupsafe.escape(term.meaning)}">{found[0]}</a>'
            )

        return markupsafe.Markup(pattern.sub(link, str(markupsafe.escape(text))))

    return linked


linked = linker(TERMS)
