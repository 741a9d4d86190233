"""What the studies of docs/results decide together, claim by claim, as a table.

python -m benchmarks.results_together adult hatexplain cifar100
"""

import csv
import pathlib
import re
import sys

RESULTS = pathlib.Path(__file__).parents[1] / "docs" / "results"
_ATTRIBUTE = re.compile(r" by (\w+)")


def main(studies: list[str]) -> None:
    verdicts: dict[tuple[str, str], dict[str, str]] = {}
    for study in studies:
        with open(
            RESULTS / study / "findings.csv", encoding="utf-8", newline=""
        ) as file:
            for row in csv.DictReader(file):
                attribute = _ATTRIBUTE.search(row["claim"])
                where = study + (f", {attribute[1]}" if attribute else "")
                claim = row["finding"], _ATTRIBUTE.sub("", row["claim"])
                verdicts.setdefault(claim, {})[where] = row["verdict"]
    print("| finding | claim | confirmed by | refuted by | not decided by |")
    print("|---" * 5 + "|")
    for (finding, claim), found in verdicts.items():
        by = [
            "; ".join(where for where, said in found.items() if said == verdict) or "-"
            for verdict in ("confirmed", "refuted", "not decided")
        ]
        print("| " + " | ".join([finding, claim, *by]) + " |")
    decided = sum({*v.values()} != {"not decided"} for v in verdicts.values())
    print(f"\n{decided} of {len(verdicts)} claims are decided by a study at least.")


if __name__ == "__main__":
    main(sys.argv[1:])
