"""The table of what each group loses by each student."""

from collections.abc import Iterable

from pipelines.analysis.data_table import COUNT, PERCENT, POINTS, Column, DataTable
from pipelines.analysis.group_losses import Losses
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells


def loss_table(found: Iterable[Losses]) -> DataTable:
    """Every group of every student: the sure ones first, each the worst first."""
    rows = [
        {"attribute": row.attribute, "group": row.group}
        | model_cells(row.model)
        | {
            "measure": row.measure.name,
            "examples": row.examples,
            "teacher": row.measure.rate(row.teacher),
            "student": row.measure.rate(row.student.value),
            "loss": row.loss.value,
            "lower": row.loss.low,
            "upper": row.loss.high,
            "excess": row.excess.value,
            "excess_lower": row.excess.low,
            "excess_upper": row.excess.high,
            "seeds": len(row.by_seed),
            "seeds_losing": sum(loss > 0 for loss in row.by_seed),
        }
        for losses in found
        for row in losses.groups
    ]
    columns = (
        Column("attribute", "attribute"),
        Column("group", "group"),
        *MODEL_COLUMNS,
        Column("measure", "measure"),
        Column("examples", "examples", COUNT),
        Column("teacher", "teacher, %", PERCENT),
        Column("student", "student, %", PERCENT),
        Column("loss", "loss, points", POINTS),
        Column("lower", "lower", POINTS),
        Column("upper", "upper", POINTS),
        Column("excess", "more than others, points", POINTS),
        Column("excess_lower", "lower", POINTS),
        Column("excess_upper", "upper", POINTS),
        Column("seeds", "seeds", COUNT),
        Column("seeds_losing", "seeds that lose", COUNT),
    )
    caption = (
        "What each group loses by each student against the teacher, with 95 % "
        "intervals that hold for all groups of a student together. First who surely "
        "loses, then who surely gains, then who is not sure; each the worst first."
    )
    return DataTable("group_losses", caption, columns, rows)
