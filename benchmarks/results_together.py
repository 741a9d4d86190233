"""What the studies of docs/results decide together, claim by claim, as a table.

python -m benchmarks.results_together
"""

import re

from benchmarks.results_tables import STUDIES, markdown, read

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


def by_verdict(found: dict[str, str]) -> list[str]:
    return [
        "; ".join(where for where, said in found.items() if said == verdict) or "-"
        for verdict in ("confirmed", "refuted", "not decided")
    ]


if __name__ == "__main__":
    main()
