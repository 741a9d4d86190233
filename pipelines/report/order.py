"""How rows stand in the page: the worst group first, what is not sure in grey."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.analysis.data_table import DataTable, is_empty

# Table of groups -> the column to order each attribute by, and whether more is worse.
# The CSV files stay in the order of the alphabet, in which they can be compared.
_WORST = {"groups": ("accuracy", False), "transfer": ("introduced", True)}


def rows(table: DataTable) -> Sequence[Mapping[str, Any]]:
    """The rows as the page shows them: groups by the worst of their models."""
    if table.name not in _WORST:
        return table.rows
    column, more_is_worse = _WORST[table.name]
    sign = -1 if more_is_worse else 1
    worst: dict[tuple[str, str], float] = {}
    for row in table.rows:
        group = row["attribute"], row["group"]
        value = float("inf") if is_empty(row[column]) else sign * row[column]
        worst[group] = min(worst.get(group, value), value)
    return sorted(
        table.rows,
        key=lambda row: (row["attribute"], worst[row["attribute"], row["group"]]),
    )


def is_unsure(row: Mapping[str, Any]) -> bool:
    """Whether a row's interval of a change holds 0."""
    ends = row.get("lower"), row.get("upper")
    if any(map(is_empty, ends)):
        return False
    return bool(row["lower"] <= 0 <= row["upper"])
