"""The four findings of the published study, judged on this one: docs/evidence.md."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.analysis import findings_quantities, findings_tests, findings_words
from pipelines.analysis.data_table import COUNT, DECIMAL, Column, DataTable
from pipelines.analysis.findings_claims import Claim, controls, primary
from pipelines.analysis.findings_published import Effects
from pipelines.analysis.findings_tests import ALPHA, SHARE
from pipelines.analysis.findings_words import Judged
from pipelines.analysis.individual_fairness import SIGNED, Measured
from pipelines.analysis.published import NOTHING, Published
from pipelines.analysis.results import Study
from pipelines.studies.interval_options import LEVEL


def findings_tables(
    study: Study, individual: Measured | None, published: Published = NOTHING
) -> tuple[DataTable, DataTable, str]:
    """The claims with their verdicts, the controls, and a sentence of the verdicts.

    Claims that this study cannot test have no row.

    Args:
      study: the study.
      individual: I(f) of every run; None where it was not measured.
      published: what was published, for effects that are surely smaller.
    """
    found = findings_quantities.measure(study, individual)
    judged = judge(primary(study, found, Effects(published)))
    return (
        _claims_table(judged),
        _controls_table(judge(controls(study, found))),
        findings_words.total(judged),
    )


def judge(claims: Sequence[Claim]) -> list[Judged]:
    """Verdicts that hold together: Holm over all claims that may have one."""
    tests = [findings_tests.seed_test(claim.values[:, 0]) for claim in claims]
    may = [not claim.obstacle for claim in claims]
    p = [
        claim.rank.p if claim.rank else float(test.p)
        for claim, test in zip(claims, tests, strict=True)
    ]
    corrected = _corrected(p, may)
    same = _corrected([_same(claim) for claim in claims], may)
    alpha = ALPHA / max(1, sum(may))
    judged = []
    for i, (claim, test) in enumerate(zip(claims, tests, strict=True)):
        verdict = findings_tests.verdicts(claim.sign, test.mean, corrected[i], same[i])
        judged.append(
            Judged(
                claim,
                str(verdict) if claim.finding else "",
                value=float(test.mean),
                low=float(test.low),
                high=float(test.high),
                p=float(corrected[i]),
                detectable=(
                    claim.rank.critical(alpha)
                    if claim.rank
                    else findings_tests.detectable(float(test.sd), claim.seeds, alpha)
                ),
            )
        )
    return judged


def _corrected(p: Sequence[float], may: Sequence[bool]) -> np.ndarray:
    """Holm over those that may have a verdict; NaN for the others."""
    corrected = np.full(len(p), np.nan)
    corrected[np.array(may, bool)] = findings_tests.holm(
        np.array(p, float)[np.array(may, bool)]
    )
    return corrected


def _same(claim: Claim) -> float:
    """The p-value of an effect of a quarter of the published one, or more."""
    if claim.published is None or claim.rank or claim.seeds < 2:
        return float("nan")
    margin = SHARE * abs(claim.published.value)
    return float(findings_tests.equivalence_p(claim.values[:, 0], margin))


def _cells(one: Judged) -> dict[str, Any]:
    both = findings_quantities.two_way_interval(one.claim.values, LEVEL)
    return {
        "claim": one.claim.text,
        "seeds": one.claim.seeds,
        "value": one.value,
        "lower": one.low,
        "upper": one.high,
        "unit": one.claim.unit,
        **dict(zip(("both_lower", "both_upper"), both, strict=True)),
        "p": one.p,
        "detectable": one.detectable,
    }


_NUMBERS = (
    Column("value", "observed", SIGNED),
    Column("lower", "from", SIGNED),
    Column("upper", "to", SIGNED),
    Column("unit", "unit"),
    Column("seeds", "seeds", COUNT),
    Column("p", "p, corrected", DECIMAL),
    Column("detectable", "seen in 80 % of such studies", DECIMAL),
    Column("both_lower", "seeds and examples: from", SIGNED),
    Column("both_upper", "to", SIGNED),
)


def _claims_table(judged: Sequence[Judged]) -> DataTable:
    rows = []
    for one in judged:
        row = _cells(one) | {
            "finding": one.claim.finding,
            "verdict": "no verdict" if one.claim.obstacle else one.verdict,
            "meaning": findings_words.sentence(one),
        }
        if one.claim.published:
            own = one.claim.published.own
            row["published"] = one.claim.published.value
            row["published_of"] = "this data set" if own else "smallest of the others"
        rows.append(row)
    columns = (
        Column("finding", "finding"),
        Column("claim", "claim"),
        Column("verdict", "here"),
        Column("meaning", "in words"),
        *_NUMBERS,
        Column("published", "published", SIGNED, optional=True),
        Column("published_of", "of", optional=True),
    )
    caption = (
        "The findings of the published study, judged by this one's seeds: Student's "
        "intervals (95 %), p-values corrected for all claims together (Holm), and a "
        "bootstrap of seeds and examples together."
    )
    return DataTable("findings", caption, columns, rows)


def _controls_table(judged: Sequence[Judged]) -> DataTable:
    caption = (
        "Controls beside the claims: nothing was said of them, so they have no verdict "
        "and are corrected for each other alone."
    )
    columns = (Column("claim", "control"), *_NUMBERS)
    rows = [_cells(one) for one in judged]
    return DataTable("findings_controls", caption, columns, rows)
