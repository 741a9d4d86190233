"""The picture of the first screen: places, order, links; and what is escaped."""

import html

import pytest

from pipelines.analysis.data_table import PERCENT, Column, DataTable
from pipelines.report import glossary, order
from pipelines.report.first_screen import Axis, Dot, axis, tenths


def dot(teacher: float, student: float, low: float = 0, high: float = 0) -> Dot:
    return Dot(0, 0, 0, "g", 10, teacher, student, 0, 0, low, high, "unsure")


def test_axis_is_the_tens_around_the_marks():
    assert axis([dot(92.5, 43.5, -63.5, -32.5)]) == Axis(20, 100)
    # At least 20 wide, and never beyond 100.
    assert axis([dot(96, 95, -2, 0)]) == Axis(80, 100)
    assert axis([dot(3, 4, -1, 2)]) == Axis(0, 20)


def test_places_are_in_per_cent_of_the_axis():
    assert Axis(20, 100).place(40) == "25.00%"
    assert Axis(20, 100).place(110) == "100.00%"
    assert Axis(20, 100).ticks == [20, 40, 60, 80, 100]
    assert Axis(60, 100).ticks == [60, 70, 80, 90, 100]


def test_numbers_are_rounded_as_the_script_does():
    # (62.25).toFixed(1) is 62.3, and (-0.25).toFixed(1) is -0.3.
    assert tenths(62.25) == "62.3"
    assert tenths(-0.25, sign=True) == "-0.3"
    assert tenths(-0.0, sign=True) == "+0.0"


def test_linked_words_are_escaped_first():
    text = glossary.linked("<b>nds</b> & nds, intervals")
    assert text.startswith("&lt;b&gt;<a ")
    # Each word leads to its meaning once.
    assert text.count('href="#term-nds"') == 1
    assert text.count('href="#term-interval"') == 1
    assert html.unescape(text).endswith("intervals</a>")


def test_every_linked_word_is_in_the_glossary():
    anchors = [term.anchor for term in glossary.TERMS]
    assert len(set(anchors)) == len(anchors)
    for word in glossary._UNKNOWN:
        assert glossary.linked(word).count("<a ") == 1


def groups_table(name: str, column: str) -> DataTable:
    values = {"a": (0.9, 0.8), "b": (0.7, 0.95), "c": (0.85, 0.85)}
    rows = [
        {"attribute": "side", "group": group, column: value}
        for group, of_models in values.items()
        for value in of_models
    ]
    columns = (Column("group", "group"), Column(column, column, PERCENT))
    return DataTable(name, "", columns, rows)


@pytest.mark.parametrize(
    ("name", "column", "groups"),
    [
        ("groups", "accuracy", "bbaacc"),  # The lowest: 0.7, 0.8, 0.85.
        ("transfer", "introduced", "bbaacc"),  # The highest: 0.95, 0.9, 0.85.
        ("confusion", "tp", "aabbcc"),  # As in the file.
    ],
)
def test_the_group_with_the_worst_model_is_first(name, column, groups):
    table = groups_table(name, column)
    assert [row["group"] for row in order.rows(table)] == list(groups)
    assert [row["group"] for row in table.rows] == list("aabbcc")


@pytest.mark.parametrize(
    ("low", "high", "unsure"),
    [(-1.0, 2.0, True), (0.0, 2.0, True), (0.1, 2.0, False), (-2.0, -0.1, False)],
)
def test_rows_whose_interval_holds_0_are_grey(low, high, unsure):
    assert order.is_unsure({"lower": low, "upper": high}) == unsure
    assert not order.is_unsure({"value": 1})
