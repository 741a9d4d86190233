"""Draws docs/performance/distill_step.svg from the CSV file beside it.

python -m benchmarks.plot
"""

import argparse
import csv
import itertools
import os
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

OURS, OTHERS = "#1b6ca8", "#b0b0b0"
# CSV file -> its columns in the table.
TABLES = {
    "distill_step": ("pair", "competitor", "ms", "cpu_ms", "ms_least", "ms_most"),
    "study": (
        "pair",
        "competitor",
        "sweep_s",
        "first_run_s",
        "run_s",
        "epoch_s",
        "cache_s",
    ),
    "growth": ("growing", "factor", "seconds", "cpu_seconds", "peak_MiB"),
}


def draw(rows: list[dict[str, str]]) -> Figure:
    """A panel for each pair, a bar for each competitor, the fastest first."""
    pairs = [
        (pair, sorted(group, key=lambda row: float(row["ms"]), reverse=True))
        for pair, group in itertools.groupby(rows, lambda row: row["pair"])
    ]
    figure = Figure(figsize=(8, 0.3 * len(rows) + 1.2), layout="constrained")
    heights = [len(group) for _, group in pairs]
    panels = figure.subplots(len(pairs), squeeze=False, height_ratios=heights)[:, 0]
    for panel, (pair, group) in zip(panels, pairs, strict=True):
        names = [row["competitor"] for row in group]
        ms = [float(row["ms"]) for row in group]
        least = [m - float(r["ms_least"]) for m, r in zip(ms, group, strict=True)]
        most = [float(r["ms_most"]) - m for m, r in zip(ms, group, strict=True)]
        colors = [OURS if name.startswith("kd_keras") else OTHERS for name in names]
        panel.barh(names, ms, color=colors, xerr=[least, most])
        panel.set_title(f"{pair}, batch {group[0]['batch']}")
        panel.set_xlabel("ms a step: median, least and most")
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def table(rows: list[dict[str, str]], columns: Sequence[str]) -> str:
    """Markdown."""
    lines = [columns, ["---"] * len(columns)]
    lines += [[row[column] for column in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directory", default="docs/performance")
    directory = parser.parse_args().directory
    for name, columns in TABLES.items():
        path = f"{directory}/{name}.csv"
        if not os.path.exists(path):
            continue
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        print(f"{path}\n\n{table(rows, columns)}\n")
        if name == "distill_step":
            with mpl.rc_context({"svg.hashsalt": "kd_keras", "svg.fonttype": "none"}):
                draw(rows).savefig(f"{directory}/{name}.svg", metadata={"Date": None})
            print(f"wrote {directory}/{name}.svg\n")


if __name__ == "__main__":
    main()
