"""docs/example.ipynb runs, and shows what it showed when it was stored."""

import json
import re

import nbformat
import pytest

from examples import execute_notebook


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(execute_notebook.NOTEBOOK, as_version=4)


def kinds(notebook):
    """The media types of every code cell's outputs."""
    return [
        [
            sorted(output.get("data", {})) or output.output_type
            for output in cell.outputs
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def audits(notebook):
    """The results that are shown as tables of accuracy."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    shown = ["".join(o.get("data", {}).get("text/html", "")) for o in outputs]
    return [html for html in shown if "<caption>all examples</caption>" in html]


def test_it_runs_and_shows_the_same_kinds_of_results(stored):
    fresh = execute_notebook.executed()
    assert kinds(fresh) == kinds(stored)
    of_validation, of_test = audits(fresh)
    assert "digits: 400 examples" in of_validation
    assert "digits: 597 examples" in of_test
    for name in ("alone", "T=1", "T=4", "T=10"):
        assert f'<th scope="row">{name}</th>' in of_validation
    # Accuracy, DPD and EOD of the models, and the groups of each model but the teacher.
    assert of_test.count("<svg") == 5
    # A dense network of this size is known to pass 90 % on these digits.
    accuracy = re.search(r'<th scope="row">teacher</th><td>([\d.]+) ', of_test)
    assert float(accuracy[1]) > 90


def test_stored_results_are_of_a_whole_run(stored):
    nbformat.validate(stored)
    counts = [c.execution_count for c in stored.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert len(audits(stored)) == 2


def test_stored_results_name_no_machine_and_no_time(stored):
    text = json.dumps(stored)
    for pattern in (r'"stderr"', r"/(work|home|root|tmp|usr)/", r"\d\d:\d\d:\d\d"):
        assert not re.search(pattern, text), pattern
