"""How values are written: exactly for programs, rounded for people."""

import math

import numpy as np
import pytest

from pipelines.analysis.data_table import (
    COUNT,
    DECIMAL,
    PERCENT,
    POINTS,
    TEMPERATURE,
    TENTHS,
    TEXT,
    Column,
    DataTable,
    is_empty,
)


def written(kind, value):
    column = Column("c", "C", kind)
    table = DataTable("t", "", [column], [])
    return table.exact({"c": value}, column), table.shown({"c": value}, column)


@pytest.mark.parametrize(
    ("kind", "value", "exact", "shown"),
    [
        (TEXT, "a,b", "a,b", "a,b"),
        (COUNT, 12345.4, "12345", "12,345"),
        (TEMPERATURE, 2.5, "2.5", "2.5"),
        (TEMPERATURE, 4.0, "4", "4"),
        (PERCENT, 0.123456789, "0.123457", "12.35"),
        (POINTS, 0.0123456, "0.012346", "+1.23"),
        (POINTS, -0.0123456, "-0.012346", "-1.23"),
        (TENTHS, 1234.56, "1234.560000", "1234.6"),
        (DECIMAL, -1.23456789, "-1.234568", "-1.235"),
    ],
)
def test_kinds(kind, value, exact, shown):
    assert written(kind, value) == (exact, shown)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-9, -1e-9])
def test_a_number_that_rounds_to_zero_has_no_sign(value):
    assert written(POINTS, value) == ("0.000000", "0.00")


@pytest.mark.parametrize("value", [None, math.nan, np.float64("nan")])
def test_nothing_is_an_empty_cell_and_a_dash(value):
    assert is_empty(value)
    assert written(DECIMAL, value) == ("", "-")
    assert written(TEXT, value) == ("", "-")


def test_zero_and_empty_text_are_something():
    assert not is_empty(0.0)
    assert not is_empty("")
    column = Column("c", "C")
    table = DataTable("t", "", [column], [])
    assert table.exact({}, column) == ""
    assert table.shown({}, column) == "-"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t1", "\r1", "-0.0"])
def test_a_text_is_no_formula(text):
    assert written(TEXT, text)[0] == f"'{text}"
    # Numbers may be negative.
    assert written(DECIMAL, -1.0)[0] == "-1.000000"


def test_a_text_of_zeros_keeps_its_sign_for_people_too():
    column = Column("c", "C", DECIMAL)
    assert column.kind.numeric
    assert not TEXT.numeric


def test_csv():
    columns = [Column("name", "name"), Column("value", "value, %", PERCENT)]
    rows = [{"name": 'a "b", c', "value": 0.5}, {"name": "d", "value": math.nan}]
    assert DataTable("t", "", columns, rows).csv() == (
        'name,value\n"a ""b"", c",0.500000\nd,\n'
    )


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([], ["name", "value"]),
        ([None, math.nan], ["name", "value"]),
        ([None, 0.0], ["name", "value", "maybe"]),
    ],
)
def test_an_optional_column_is_left_out_where_all_its_cells_are_empty(values, names):
    columns = [Column("name", "name"), Column("value", "value", DECIMAL)]
    columns.append(Column("maybe", "maybe", DECIMAL, optional=True))
    table = DataTable("t", "", columns, [{"maybe": value} for value in values])
    assert [column.name for column in table.columns] == names
