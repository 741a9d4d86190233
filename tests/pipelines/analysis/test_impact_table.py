"""Impact ratios of a study whose selections are counted by hand."""

import memory_study
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import impact
from pipelines.analysis.measures import model_of
from pipelines.analysis.results import Model
from pipelines.report import impact_section
from pipelines.studies.layout import DS, NDS, TEACHER, Run

SPEC = DatasetSpec(
    name="jobs",
    features={"x": tf.TensorSpec((1,), tf.float32)},
    label="y",
    class_names=("no", "invited"),
    groups={"sex": ("women", "men"), "race": ("x", "y", "z")},
)
# Sex, race, examples, and how many the teacher and the student select.
CELLS = (
    (0, 0, 200, 100, 20),
    (0, 1, 200, 100, 60),
    (1, 0, 200, 100, 100),
    (1, 1, 200, 100, 100),
    # 1 % of 1,010.
    (1, 2, 10, 10, 10),
    (-1, 0, 200, 100, 0),
)


def study(spec=SPEC, seeds=(0,)):
    columns = [
        np.repeat([cell[i] for cell in CELLS], [c[2] for c in CELLS]) for i in (0, 1)
    ]
    truth = memory_study.truth(
        np.zeros(len(columns[0]), int), dict(zip(spec.groups, columns, strict=False))
    )
    chosen = {
        name: np.concatenate([np.arange(cell[2]) < cell[i] for cell in CELLS]).astype(
            int
        )
        for name, i in (("teacher", 3), ("student", 4))
    }
    answers = {Run(TEACHER, s): {"test": chosen["teacher"]} for s in seeds}
    answers |= {Run(NDS, s): {"test": chosen["teacher"]} for s in seeds}
    answers |= {Run(DS, s, 4.0): {"test": chosen["student"]} for s in seeds}
    return memory_study.study(spec, {"test": truth}, answers)


STUDENT = Model.named(DS, 4.0)


@pytest.fixture(scope="module")
def rows():
    table = impact.impact_table(study(), [STUDENT])
    return {(row["attribute"], row["group"]): row for row in table.rows}


def test_sex_race_and_their_crossing_are_there(rows):
    women = rows["sex", "women"]
    # 80 of 400, and of men 210 of 410.
    assert women["selection_rate"] == pytest.approx(0.2)
    assert women["impact_ratio"] == pytest.approx(0.2 / (210 / 410))
    crossed = rows["sex x race", "women, y"]
    assert crossed["impact_ratio"] == pytest.approx(0.3 / 0.5)
    assert crossed["examples"] == 200
    assert crossed["share"] == pytest.approx(200 / 1010)
    assert crossed["selected"] == 60


def test_the_line_is_decided_by_the_whole_interval(rows):
    assert rows["sex x race", "women, x"]["four_fifths"] == "below 80 %"
    assert rows["sex", "men"]["four_fifths"] == "at 80 % or above"
    # Ratio 1, and the interval of 200 men reaches below: .5 against .5.
    men = rows["sex x race", "men, x"]
    assert men["impact_ratio"] == 1.0
    assert men["impact_ratio_low"] == pytest.approx(0.823, abs=0.01)


def test_who_is_not_compared_is_counted(rows):
    tiny = rows["sex x race", "men, z"]
    assert tiny["four_fifths"] == "not compared: under 2 % of the data"
    assert tiny["selection_rate"] == 1.0
    assert (tiny["examples"], tiny["selected"]) == (10, 10)
    assert np.isnan(tiny["impact_ratio"])
    assert rows["sex", "(unknown)"]["examples"] == 200
    assert rows["sex", "(unknown)"]["share"] == pytest.approx(200 / 1010)
    assert rows["race", "(unknown)"]["examples"] == 0


def test_values_are_means_over_the_seeds():
    made = study()
    teacher, _, student = (result.logits for result in made.results)
    answers = {Run(DS, 0, 4.0): student, Run(DS, 1, 4.0): teacher}
    of_two = memory_study.study(SPEC, made.truth, answers)
    women, men, _ = impact.impact_table(of_two, [STUDENT]).rows[:3]
    # 80 and 200 of 400 women, 210 of 410 men.
    assert (women["group"], men["group"]) == ("women", "men")
    assert (women["selected"], men["selected"]) == (140, 210)
    assert women["selection_rate"] == pytest.approx((0.2 + 0.5) / 2)
    assert women["impact_ratio"] == pytest.approx(0.35 / (210 / 410))


def test_the_section_names_whom_the_student_selects_less_often():
    (section,) = impact_section.sections(study(seeds=(0, 1)), STUDENT)
    text = " ".join(section.text)
    assert "T=4: below 80 % with the whole interval are women (0.39)" in text
    assert "women, x (0.20)" in text
    assert [d.name for d in section.drawings] == [
        *("impact_sex", "impact_race", "impact_sex_x_race")
    ]
    (table,) = section.tables
    assert {model_of(row).title for row in table.rows} == {"teacher", "nds", "T=4"}
    # The worst first.
    assert [r["group"] for r in table.rows[:3]] == ["women", "men", "(unknown)"]


def test_there_is_none_of_more_classes_or_without_groups():
    spec = memory_study.PEOPLE
    assert impact_section.sections(memory_study.people((0,), (4.0,)), None)
    three = DatasetSpec(**{**vars(spec), "class_names": ("a", "b", "c")})
    assert not impact_section.sections(
        memory_study.people((0,), (4.0,), spec=three), None
    )


@pytest.mark.parametrize(
    ("low", "high", "compared", "words"),
    [
        (0.5, 0.79, True, "below 80 %"),
        (0.5, 0.8, True, "the data cannot say"),
        (0.79, 0.9, True, "the data cannot say"),
        (0.8, 0.9, True, "at 80 % or above"),
        (np.nan, np.nan, True, ""),
        (0.5, 0.6, False, "not compared: under 2 % of the data"),
    ],
)
def test_an_interval_that_reaches_the_line_does_not_decide(low, high, compared, words):
    assert impact._against_the_line(low, high, compared) == words


def test_groups_without_a_ratio_come_last():
    ratios = [np.nan, 0.4, 0.0, np.nan, 0.1]
    rows = sorted(({"impact_ratio": r} for r in ratios), key=impact._lowest_first)
    assert [r["impact_ratio"] for r in rows[:3]] == [0.0, 0.1, 0.4]
    assert np.isnan([r["impact_ratio"] for r in rows[3:]]).all()


def test_crossings_that_the_config_names_are_there_once():
    made = study()
    config = {"evaluation": {"split": "test"}, "attributes": [["race", "sex"]]}
    named = memory_study.study(
        SPEC, made.truth, {Run(DS, 0, 4.0): made.results[0].logits}, config=config
    )
    assert impact.looked_at(made) == ("sex", "race", ("sex", "race"))
    assert impact.looked_at(named) == ("sex", "race", ("race", "sex"))


def test_who_can_be_selected():
    spec = memory_study.PEOPLE
    for other, applies in (
        ({}, True),
        ({"groups": {}}, False),
        ({"class_names": ("a", "b", "c")}, False),
    ):
        of = DatasetSpec(**{**vars(spec), **other})
        made = memory_study.people((0,), (4.0,), spec=of)
        assert impact.applies(made) == applies


def test_ends_of_the_selection_rate_are_wilsons(rows):
    women = rows["sex", "women"]
    ends = scipy.stats.binomtest(80, 400).proportion_ci(0.95, "wilson")
    found = women["selection_rate_low"], women["selection_rate_high"]
    assert found == pytest.approx(tuple(ends))
    assert women["impact_ratio_low"] < women["impact_ratio"]
    assert women["impact_ratio"] < women["impact_ratio_high"]
