"""What the methods of a study change, as a table and in a sentence."""

from collections.abc import Iterator, Sequence

from kd_keras.fairness import GAPS
from pipelines.analysis.data_table import COUNT, PERCENT, POINTS, Column, DataTable
from pipelines.analysis.headline import Headline
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.methods import GAP, Compared


def methods_table(rows: Sequence[Compared]) -> DataTable:
    """One row per attribute and student."""
    short = GAPS[GAP].short
    titles = {"accuracy": "accuracy", "gap": short, "worst": "worst group's accuracy"}
    cells = [
        {"attribute": row.attribute, "seeds": row.seeds}
        | model_cells(row.model)
        | {
            f"{prefix}{name}{end}": value
            for prefix, found in (
                *(("", row.own), ("change_", row.change)),
                ("processed_", row.processed),
            )
            for name, seeds in found.items()
            for end, value in zip(("", "_lower", "_upper"), seeds, strict=True)
        }
        | {"front": "on the front" if row.front else "", "against": row.against}
        for row in rows
    ]
    columns = [Column("attribute", "attribute"), *MODEL_COLUMNS]
    columns.append(Column("seeds", "seeds", COUNT))
    for prefix, said, kind in (
        ("", "{}, %", PERCENT),
        ("change_", "change of {}, points", POINTS),
        ("processed_", "{} of plain with thresholds, %", PERCENT),
    ):
        for name, title in titles.items():
            start = f"{prefix}{name}"
            columns += [
                Column(start, said.format(title), kind, optional=True),
                Column(f"{start}_lower", "from", kind, optional=True),
                Column(f"{start}_upper", "to", kind, optional=True),
            ]
    columns += [
        Column("front", "front"),
        Column("against", "against post-processing", optional=True),
    ]
    caption = (
        "Mean over the seeds with Student's 95 % intervals; changes are from plain "
        "distillation at the same T, seed by seed."
    )
    return DataTable("methods", caption, columns, cells)


def headlines(rows: Sequence[Compared]) -> list[Headline]:
    """What the methods change, where intervals show it; nothing without methods."""
    mended = [row for row in rows if row.change]
    if not mended:
        return []
    clauses = list(_clauses(mended))
    sentence = (
        "; ".join(clauses) or "no method is clearly better than plain distillation"
    )
    return [Headline("Methods", f"{sentence[:1].upper()}{sentence[1:]}.")]


def _clauses(rows: Sequence[Compared]) -> Iterator[str]:
    for row in rows:
        changed = row.change["gap"] if row.attribute else row.change["worst"]
        clear = changed.upper < 0 if row.attribute else changed.lower > 0
        if not clear:
            continue
        what = GAPS[GAP].short if row.attribute else "the worst class's accuracy"
        by = f" by {row.attribute}" if row.attribute else ""
        accuracy = 100 * row.change["accuracy"].mean
        clause = (
            f"{row.model.title} changes {what}{by} by {100 * changed.mean:+.1f} points "
            f"({100 * changed.lower:+.1f} to {100 * changed.upper:+.1f}) for "
            f"{accuracy:+.1f} points of accuracy"
        )
        yield clause + (f" ({row.against})" if row.against else "")
