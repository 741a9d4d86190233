"""What the studies of docs/results decide together, claim by claim, as a table.

python -m benchmarks.results_together
"""

import re

import scipy.stats

from benchmarks.results_tables import STUDIES, Row, markdown, read
from kd_keras.fairness import adjust_p_values

_ATTRIBUTE = re.compile(r" by (\w+)")


def main() -> None:
    verdicts: dict[tuple[str, str], dict[str, str]] = {}
    for study, title in STUDIES.items():
        for row in read(study, "findings"):
            attribute = _ATTRIBUTE.search(row["claim"])
            where = title + (f", {attribute[1]}" if attribute else "")
            claim = row["finding"], _ATTRIBUTE.sub("", row["claim"])
            verdicts.setdefault(claim, {})[where] = row["verdict"]
    columns = ["finding", "claim", "confirmed by", "refuted by", "not decided by"]
    rows = [
        [finding, claim, *by_verdict(found)]
        for (finding, claim), found in verdicts.items()
    ]
    print(markdown(columns, rows))
    decided = sum({*v.values()} != {"not decided"} for v in verdicts.values())
    print(f"\n{decided} of {len(verdicts)} claims are decided by a study at least.")
    chosen = [row for study in STUDIES for row in read(study, "choice_gain")]
    print(choice("accuracies", [r for r in chosen if r["measure"] == "accuracy"]))
    print(choice("gaps", [r for r in chosen if r["measure"] != "accuracy"]))


def choice(what: str, rows: list[Row]) -> str:
    """How many validation's choice of T helps, alone and corrected for all."""
    helped = [row["verdict"] == "helps" for row in rows]
    corrected = adjust_p_values(list(map(p_value, rows)), method="holm") <= 0.05
    return (
        f"Choosing T by validation helps {sum(helped)} of {len(rows)} {what}; "
        f"corrected for all of them (Holm), {sum(corrected & helped)}."
    )


def p_value(row: Row) -> float:
    """Of Student's t test of a change over the seeds, from its 95 % interval."""
    change, low, high = (float(row[name]) for name in ("change", "lower", "upper"))
    freedom = int(row["seeds"]) - 1
    error = (high - low) / 2 / scipy.stats.t.isf(0.025, freedom)
    return float(2 * scipy.stats.t.sf(abs(change / error), freedom))


def by_verdict(found: dict[str, str]) -> list[str]:
    return [
        "; ".join(where for where, said in found.items() if said == verdict) or "-"
        for verdict in ("confirmed", "refuted", "not decided")
    ]


if __name__ == "__main__":
    main()
