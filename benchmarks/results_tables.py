"""The two tables of a study of docs/results: its models, and what it decides.

python -m benchmarks.results_tables adult
"""

import argparse
import csv
import pathlib
from collections.abc import Iterable, Sequence

RESULTS = pathlib.Path(__file__).parents[1] / "docs" / "results"
# Folder of docs/results -> what its study is called there.
STUDIES = {
    "adult": "Adult",
    "hatexplain": "HateXplain",
    "hatexplain_words": "HateXplain by its words",
    "cifar100": "CIFAR-100",
    "cifar10": "CIFAR-10",
    "celeb_a": "CelebA",
    "celeb_a_images": "CelebA's images",
    "trifeature_fresh": "Trifeature",
    "trifeature_correlated_fresh": "Correlated Trifeature",
}

Row = dict[str, str]


def read(study: str, table: str) -> list[Row]:
    """No rows where the study has no such table."""
    path = RESULTS / study / f"{table}.csv"
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def model_of(row: Row) -> str:
    return f"T = {row['temperature']}" if row["temperature"] else row["model"]


def models(study: str) -> str:
    """Accuracy and gaps, or #SC and #TC where there are no groups, and the ECE."""
    summary = read(study, "summary")
    cells: dict[str, Row] = {}
    for row in summary:
        found = cells.setdefault(model_of(row), {})
        found["accuracy %"] = mean_and_sd(row, "accuracy")
        if row["attribute"]:
            for gap in ("dpd", "eod"):
                name = f"{gap.upper()} {row['attribute']} %"
                found[name] = mean_and_sd(row, gap)
    if not any(row["attribute"] for row in summary):
        for name in ("sc", "tc"):
            counted = {
                model_of(row): row[name]
                for row in read(study, "class_bias")
                if row["relative"] == "ratio"
            }
            for model, found in cells.items():
                found[f"#{name.upper()}"] = counted.get(model, "-")
    for row in read(study, "calibration"):
        found = cells[model_of(row)]
        found["ECE %"] = f"{100 * float(row['ece_raw']):.2f}"
        found["scaled"] = f"{100 * float(row['ece_scaled']):.2f}"
    names = list(next(iter(cells.values())))
    return markdown(
        ["model", *names],
        ([model, *(found[n] for n in names)] for model, found in cells.items()),
    )


def mean_and_sd(row: Row, measure: str) -> str:
    if not row[f"{measure}_mean"]:
        return "-"
    mean, sd = (100 * float(row[f"{measure}_{part}"]) for part in ("mean", "sd"))
    return f"{mean:.2f} ± {sd:.2f}"


def findings(study: str) -> str:
    """What each claim comes to; where it is open, what the seeds would have seen."""
    return markdown(
        [
            "finding",
            "claim",
            "here",
            "change and 95 % interval",
            "would have seen",
            "p after Holm",
        ],
        (
            [
                row["finding"],
                row["claim"],
                row["verdict"],
                change(row),
                detectable(row),
                probability(row["p"]),
            ]
            for row in read(study, "findings")
        ),
    )


def change(row: Row) -> str:
    if not row["value"]:
        return "undefined"
    value = f"{float(row['value']):+.2f}" + rank(row)
    if rank(row):
        return value
    return f"{value} ({float(row['lower']):+.2f} to {float(row['upper']):+.2f})"


def rank(row: Row) -> str:
    return " (rank)" if row["unit"] == "rank correlation" else ""


def detectable(row: Row) -> str:
    """The smallest effect seen in 80 % of all studies, for what is not decided.

    For ranks the correlation that would have decided.
    """
    if row["verdict"] != "not decided" or not row["value"]:
        return "-"
    if not row["detectable"]:
        return "nothing"
    return f"{float(row['detectable']):.2f}" + rank(row)


def probability(p: str) -> str:
    if not p:
        return "-"
    return "< 1e-6" if float(p) < 1e-6 else f"{float(p):.2g}"


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head, *lines = ("| " + " | ".join(line) + " |" for line in (columns, *rows))
    return "\n".join([head, "|---" * len(columns) + "|", *lines])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", choices=STUDIES, help="folder of docs/results")
    study = parser.parse_args().study
    print(models(study))
    print(f"\n{findings(study)}")


if __name__ == "__main__":
    main()
