"""What T does to calibration and to robustness, over all studies of docs/results.

    python -m benchmarks.results_figures

Draws docs/results/calibration.svg and robustness.svg, a panel for each study that has
the table. Shades are the 95 % interval of each T over the seeds, as the tables have it.
"""

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results_tables import RESULTS, STUDIES, Row, read

RAW, SCALED, DAMAGED = "#b3541e", "#1b6ca8", "#1b6ca8"
COLUMNS = 4
TICKS = (1, 2, 4, 10, 20, 40)


def panels(table: str, draw: Callable[[Axes, list[Row]], None]) -> Figure:
    """One for each study that has the table, and the names of the lines below."""
    tables = {title: rows for s, title in STUDIES.items() if (rows := read(s, table))}
    columns = min(COLUMNS, len(tables))
    lines = -(-len(tables) // columns)
    figure = Figure(figsize=(2.8 * columns, 0.5 + 2.5 * lines), layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axis, (title, rows) in zip(axes, tables.items(), strict=False):
        draw(axis, rows)
        axis.set_title(f"{title}, {rows[0]['seeds']} seeds", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(tables) :]:
        axis.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


def course(
    axis: Axes, rows: list[Row], column: str, color: str, label: str, of_nds: str
) -> None:
    """The students by T with their intervals, and nds as a dashed line."""
    students = [row for row in rows if row["temperature"]]
    temperatures = [float(row["temperature"]) for row in students]
    mean, lower, upper = (
        [100 * float(row[column + end]) for row in students]
        for end in ("", "_lower", "_upper")
    )
    axis.plot(temperatures, mean, color=color, marker="o", markersize=3, label=label)
    axis.fill_between(temperatures, lower, upper, color=color, alpha=0.2, linewidth=0)
    nds = next(row for row in rows if row["model"] == "nds")
    axis.axhline(100 * float(nds[column]), color=color, linestyle="--", label=of_nds)
    axis.set_xscale("log")
    axis.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axis.minorticks_off()
    axis.set_xlabel("T")


def calibration(axis: Axes, rows: list[Row]) -> None:
    course(axis, rows, "ece_raw", RAW, "as trained", "nds as trained")
    course(axis, rows, "ece_scaled", SCALED, "scaled", "nds scaled")
    axis.set_ylim(bottom=0)
    axis.set_ylabel("ECE, %")


def robustness(axis: Axes, rows: list[Row]) -> None:
    course(axis, rows, "mce", DAMAGED, "distilled", "nds")
    axis.set_ylabel("errors on damaged data,\n% of nds's")


FIGURES = {"calibration": calibration, "robustness": robustness}


def drawn(name: str) -> bytes:
    """A figure as SVG, the same bytes every time."""
    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "kd_keras", "svg.fonttype": "none"}):
        panels(name, FIGURES[name]).savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def main() -> None:
    for name in FIGURES:
        (RESULTS / f"{name}.svg").write_bytes(drawn(name))
        print(f"wrote docs/results/{name}.svg")


if __name__ == "__main__":
    main()
