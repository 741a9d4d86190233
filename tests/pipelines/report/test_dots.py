"""Each panel of the groups' figure shows its own measure, each row its own group."""

from xml.etree import ElementTree

import numpy as np
from memory_study import people

from pipelines.analysis.groups import calibration_table
from pipelines.report.dots import group_figures

SVG = "{http://www.w3.org/2000/svg}"


def marks(drawing, panel):
    """x and y of every mark, models behind each other, in the figure's units."""
    root = ElementTree.fromstring(drawing.svg)
    (axes,) = root.iterfind(f".//{SVG}g[@id='axes_{panel}']")
    lines = [g for g in axes if g.get("id", "").startswith("line2d_")]
    uses = [use for line in lines for use in line.iter(f"{SVG}use")]
    text = "".join(axes.itertext())
    return np.array([(float(u.get("x")), float(u.get("y"))) for u in uses]), text


def test_marks_stand_where_the_table_says():
    found = people(seeds=(0,), temperatures=(4.0,))
    table = calibration_table(found)
    models = list(found.models)
    drawing = group_figures(found, table, models)[1]
    rows = [row for row in table.rows if row["attribute"] == "age"]
    for panel, (measure, label) in enumerate(
        [("accuracy", "accuracy, %"), ("ece", "ECE, %")], start=1
    ):
        # The table has the groups of all models; the figure the models' groups.
        expected = [
            row[measure] for m in ("teacher", "nds", "ds") for row in rows
            if row["model"] == m
        ]  # fmt: skip
        found, text = marks(drawing, panel)
        assert label in text
        # To the right is more; groups from top to bottom, y grows downwards.
        assert np.corrcoef(found[:, 0], expected)[0, 1] > 0.999999
        assert np.corrcoef(found[:, 1], [0, 1, 2] * 3)[0, 1] > 0.999999
