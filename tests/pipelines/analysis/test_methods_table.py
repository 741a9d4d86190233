"""Methods against plain distillation and against post-processing."""

import memory_study
import numpy as np
import pytest
import report_workdir
from scipy import stats

from pipelines.analysis import methods, methods_table
from pipelines.analysis.results import Model
from pipelines.report import tradeoff
from pipelines.studies.layout import DS, NDS, Run

PAIRS = report_workdir.PAIRS
TRUTH = memory_study.truth([1, 1, 0, 0] * 2, {"side": [0] * 4 + [1] * 4})
PLAIN = Model.named(DS, 4.0)
BALANCED = Model.named(DS, 4.0, "balanced")


def digits(text):
    return {split: [int(d) for d in text] for split in ("validation", "test")}


@pytest.fixture
def study():
    answers = {
        Run(NDS, 0): digits("11001111"),
        Run(NDS, 1): digits("11001111"),
        # Of the second side half of the positives and half of the negatives are wrong.
        Run(DS, 0, 4.0): digits("11001010"),
        Run(DS, 1, 4.0): digits("11001010"),
        Run(DS, 0, 4.0, "balanced"): digits("11001100"),
        Run(DS, 1, 4.0, "balanced"): digits("10001000"),
    }
    return memory_study.study(PAIRS, {"validation": TRUTH, "test": TRUTH}, answers)


def test_a_study_of_one_method_has_nothing_to_compare():
    assert methods.compare(memory_study.people()) == []


def test_seeds_are_compared_in_pairs(study):
    rows = {row.model: row for row in methods.compare(study)}
    plain, balanced = rows[PLAIN], rows[BALANCED]
    assert [plain.own[name].mean for name in methods.MEASURES] == [0.75, 0.5, 0.5]
    assert plain.change == {}
    assert [balanced.own[name].mean for name in methods.MEASURES] == [0.875, 0, 0.875]
    # Changes of accuracy: 0.25 and 0; of the gap: -0.5 twice.
    width = stats.t.ppf(0.975, 1) * 0.125
    assert balanced.change["accuracy"] == pytest.approx(
        (0.125, 0.125 - width, 0.125 + width)
    )
    assert balanced.change["gap"] == pytest.approx((-0.5, -0.5, -0.5))
    # Better than nds and plain, in both.
    assert {row.model.title for row in rows.values() if row.front} == {"T=4 balanced"}


def test_the_sentence_names_what_intervals_show(study):
    (headline,) = methods_table.headlines(methods.compare(study))
    assert headline.sentence.startswith(
        "T=4 balanced changes EOD by side by -50.0 points (-50.0 to -50.0) for +12.5 "
        "points of accuracy"
    )


def test_the_table_and_the_figure_have_every_student(study):
    rows = methods.compare(study)
    table = methods_table.methods_table(rows)
    header, *lines = table.csv().splitlines()
    assert header.startswith("attribute,model,temperature,method,seeds,accuracy,")
    assert [line.split(",")[1:4] for line in lines] == [
        ["nds", "", ""],
        ["ds", "4", ""],
        ["ds", "4", "balanced"],
    ]
    (drawing,) = tradeoff.method_figures(study, rows)
    assert drawing.name == "methods_side"
    assert b"T=4 balanced" in drawing.svg


def with_scores(mended_margin, mended_shift):
    """Two groups of 300; the plain student scores the second one too low by 1.5."""
    rng = np.random.default_rng(0)
    labels = {split: rng.integers(0, 2, 600) for split in ("validation", "test")}
    side = np.repeat([0, 1], 300)
    answers = {}
    for seed in range(6):
        for method, margin, shift in (
            ("plain", 1.0, 1.5),
            ("mended", mended_margin, mended_shift),
        ):
            logits = {}
            for split, of_split in labels.items():
                score = (
                    margin * (2 * of_split - 1) + rng.normal(size=600) - shift * side
                )
                logits[split] = np.stack([0 * score, score], -1)
            answers[Run(DS, seed, 4.0, method)] = logits
    truths = {
        split: memory_study.truth(of_split, {"side": side})
        for split, of_split in labels.items()
    }
    return memory_study.study(PAIRS, truths, answers)


@pytest.mark.parametrize(
    ("margin", "shift", "against"),
    # Thresholds undo a shift; nothing but training tells more people apart.
    [(1.0, 0.4, methods.AS_WELL), (3.0, 0.0, methods.BETTER)],
)
def test_thresholds_are_tried_on_the_plain_student(margin, shift, against):
    study = with_scores(margin, shift)
    (row,) = (r for r in methods.compare(study) if r.model.method == "mended")
    assert row.change["gap"].upper < 0
    assert row.against == against
    assert row.processed["gap"].mean < row.own["gap"].mean - row.change["gap"].mean
    (headline,) = methods_table.headlines([row])
    assert against in headline.sentence


def test_without_attributes_the_worst_class_counts(study):
    predicted = np.array([1, 1, 0, 1, 1, 1, 0, 1])
    found = methods.measure(study, "", predicted)
    # Class 0 has two of four right, class 1 all.
    assert (found.accuracy, found.worst) == (0.75, 0.5)
    assert np.isnan(found.gap)
