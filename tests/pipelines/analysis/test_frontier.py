"""The frontier of error and gap, of models whose errors are counted by hand."""

import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, study, truth

from pipelines.analysis.frontier import frontier_table, points
from pipelines.analysis.results import Model
from pipelines.report.frontier import frontiers
from pipelines.studies.layout import DS, NDS, TEACHER, Run

# Wrong answers of a and of b, of 100 each, half of them "no". With w of a group wrong
# its FPR is w % and its TPR 100 - w %, so that EOD is the difference of the two.
WRONG = {
    Run(TEACHER, 0): (0, 0),
    Run(NDS, 0): (20, 20),
    Run(DS, 0, 1.0): (20, 10),
    Run(DS, 0, 4.0): (20, 0),
    Run(DS, 0, 10.0): (30, 10),
}
EXPECTED = {  # Error, EOD, and whether no student beats it in both.
    "teacher": (0.0, 0.0, False),  # No student.
    "nds": (0.2, 0.0, True),
    "T=1": (0.15, 0.1, True),
    "T=4": (0.1, 0.2, True),
    "T=10": (0.2, 0.2, False),  # T=4 has the same EOD and fewer errors.
}


@pytest.fixture(scope="module")
def found():
    labels = np.tile([0, 1], 100)
    side = np.repeat([1, 0], 100)  # PEOPLE names them b, a.
    runs = {}
    for run, (a, b) in WRONG.items():
        place = np.arange(200) % 100
        wrong = np.where(side == 1, place < a, place < b)
        runs[run] = {"test": np.where(wrong, 1 - labels, labels)}
    groups = {"side": side, "age": np.full(200, -1)}
    of_people = study(PEOPLE, {"test": truth(labels, groups)}, runs)
    return [p for p in points(of_people) if p.attribute == "side"]


def test_errors_gaps_and_the_front_are_counted_by_hand(found):
    assert {p.model.title: p.on_front for p in found} == {
        title: on_front for title, (_, _, on_front) in EXPECTED.items()
    }
    for point in found:
        error, gap, _ = EXPECTED[point.model.title]
        assert point.error.value == pytest.approx(error, abs=1e-12)
        assert point.gap.value == pytest.approx(gap, abs=1e-12)
        assert point.gap.low <= gap <= point.gap.high


def test_the_interval_of_an_error_is_wilsons(found):
    (point,) = [p for p in found if p.model == Model.named(DS, 4.0)]
    expected = scipy.stats.binomtest(20, 200).proportion_ci(method="wilson")
    assert (point.error.low, point.error.high) == pytest.approx(expected, abs=1e-9)


def test_the_table_has_the_same(found):
    table = frontier_table(found)
    assert [row["frontier"] for row in table.rows] == ["", "yes", "yes", "yes", ""]
    assert [round(row["gap"], 6) for row in table.rows] == [0, 0, 0.1, 0.2, 0.2]


def test_the_line_goes_from_the_fewest_errors_to_the_smallest_gap(found):
    (chart,) = frontiers(found)
    places = [tuple(map(float, p.split(","))) for p in chart.line.split()]
    by_title = {mark.title: (mark.x, mark.y) for mark in chart.marks}
    assert places == [by_title["T=4"], by_title["T=1"], by_title["nds"]]
    # More errors are to the right, and a larger gap is higher, as SVG counts.
    assert by_title["nds"][0] > by_title["T=4"][0]
    assert by_title["nds"][1] > by_title["T=4"][1]
    marks = {mark.title: mark for mark in chart.marks}
    assert marks["T=4"].said.startswith("T=4: error 10.0 % (")
    assert "EOD by side 20.0 % (" in marks["T=4"].said
    # No name covers another one: boxes of the largest letters, 9 wide and 15 high.
    boxes = [(*m.label, m.label[0] + 9 * len(m.title)) for m in chart.marks]
    for i, (left, foot, right) in enumerate(boxes):
        for other_left, other_foot, other_right in boxes[:i]:
            apart = right <= other_left or other_right <= left
            assert apart or abs(foot - other_foot) >= 15
    for mark in chart.marks:
        assert mark.across[0] <= mark.x <= mark.across[1]
        assert mark.along[0] >= mark.y >= mark.along[1]
    assert chart.x.ticks[0][0] == chart.x.begin
    assert chart.x.ticks[-1][0] == chart.x.end


def test_the_table_has_a_column_for_each_number(found):
    lines = frontier_table(found).csv().splitlines()
    assert lines[0] == (
        "attribute,model,temperature,error,error_lower,error_upper,gap,gap_lower,"
        "gap_upper,frontier"
    )
    assert lines[4].startswith("side,ds,4,0.100000,")
    assert lines[4].endswith(",yes")


def test_models_without_a_gap_have_no_place(found):
    # Nobody has an age.
    labels = np.array([0, 1, 0, 1])
    groups = {"side": [0, 0, 1, 1], "age": [-1] * 4}
    made = study(
        PEOPLE, {"test": truth(labels, groups)}, {Run(DS, 0, 4.0): {"test": labels}}
    )
    assert [p.attribute for p in points(made)] == ["side"]


def test_equal_students_are_both_on_the_front():
    labels = np.tile([0, 1], 20)
    groups = {"side": np.repeat([0, 1], 20), "age": np.full(40, -1)}
    runs = {Run(DS, 0, t): {"test": labels} for t in (1.0, 4.0)}
    runs[Run(DS, 0, 10.0)] = {"test": np.where(np.arange(40) < 4, 1 - labels, labels)}
    # An error alone, without a gap.
    both = np.isin(np.arange(40), [0, 1, 20, 21])
    runs[Run(DS, 0, 20.0)] = {"test": np.where(both, 1 - labels, labels)}
    found = points(study(PEOPLE, {"test": truth(labels, groups)}, runs))
    assert [p.on_front for p in found] == [True, True, False, False]


def test_errors_are_means_over_the_seeds():
    labels = np.tile([0, 1], 20)
    groups = {"side": np.repeat([0, 1], 20), "age": np.full(40, -1)}
    wrong = {0: 4, 1: 10}
    runs = {
        Run(DS, s, 4.0): {"test": np.where(np.arange(40) < n, 1 - labels, labels)}
        for s, n in wrong.items()
    }
    (point,) = points(study(PEOPLE, {"test": truth(labels, groups)}, runs))
    ends = [
        scipy.stats.binomtest(n, 40).proportion_ci(method="wilson") for n in (4, 10)
    ]
    assert point.error.value == pytest.approx(7 / 40)
    assert point.error.low == pytest.approx(np.mean([e.low for e in ends]))
    assert point.error.high == pytest.approx(np.mean([e.high for e in ends]))
    # With w of b wrong and none of a, an EOD of w of 20: 4 / 20 and 10 / 20.
    assert point.gap.value == pytest.approx(7 / 20)


def test_of_equal_errors_the_smaller_gap_beats():
    labels = np.tile([0, 1], 20)
    groups = {"side": np.repeat([0, 1], 20), "age": np.full(40, -1)}
    wrong = {1.0: range(4), 4.0: [0, 1, 20, 21]}
    runs = {
        Run(DS, 0, t): {
            "test": np.where(np.isin(np.arange(40), [*w]), 1 - labels, labels)
        }
        for t, w in wrong.items()
    }
    found = points(study(PEOPLE, {"test": truth(labels, groups)}, runs))
    assert [p.error.value for p in found] == [0.1, 0.1]
    assert [p.on_front for p in found] == [False, True]
