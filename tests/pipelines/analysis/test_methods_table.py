"""Methods against plain distillation and against post-processing."""

import dataclasses

import fairlearn.metrics
import memory_study
import numpy as np
import pytest
import report_workdir
from scipy import stats

from kd_keras.mitigation import GroupThresholds
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
    # Two equal changes show no spread.
    nothing = (-0.5, np.nan, np.nan)
    assert balanced.change["gap"] == pytest.approx(nothing, nan_ok=True)
    # Better than nds and plain, in both.
    assert {row.model.title for row in rows.values() if row.front} == {"T=4 balanced"}


def test_two_equal_changes_are_no_proof(study):
    (headline,) = methods_table.headlines(methods.compare(study))
    assert headline.sentence == "No method is clearly better than plain distillation."


@pytest.mark.parametrize(("least", "gap"), [(1, 0.5), (10, np.nan)])
def test_groups_that_are_too_small_are_left_out(least, gap):
    # 20 positives of the first side, all found; 2 of the second, one of them found.
    labels, side = [1] * 22 + [0] * 22, [0] * 20 + [1] * 2 + [0] * 20 + [1] * 2
    of_test = {"test": memory_study.truth(labels, {"side": side})}
    predicted = np.array([1] * 21 + [0] * 23)
    study = memory_study.study(
        PAIRS,
        of_test,
        {Run(NDS, 0): {"test": predicted}},
        config={"evaluation": {"split": "test", "min_examples": least}},
    )
    found = methods.measure(study, "side", predicted)
    assert found.accuracy == 43 / 44
    assert found.gap == pytest.approx(gap, nan_ok=True)


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


def seeds(mean, lower, upper):
    return methods.Seeds(mean, lower, upper)


SURELY_MORE, SURELY_LESS = seeds(0.2, 0.1, 0.3), seeds(-0.2, -0.3, -0.1)
NOTHING = seeds(0.0, -0.1, 0.1)


@pytest.mark.parametrize(
    ("accuracy", "gap", "verdict"),
    [
        (SURELY_MORE, NOTHING, methods.BETTER),
        (NOTHING, SURELY_LESS, methods.BETTER),
        # One gain, and the other loss.
        (SURELY_MORE, SURELY_MORE, methods.UNDECIDED),
        (SURELY_LESS, SURELY_LESS, methods.UNDECIDED),
        (NOTHING, NOTHING, methods.AS_WELL),
        (SURELY_LESS, SURELY_MORE, methods.AS_WELL),
        # An interval that ends at 0 shows nothing.
        (seeds(0.005, 0.0, 0.01), NOTHING, methods.AS_WELL),
        (NOTHING, seeds(-0.2, -0.4, 0.0), methods.AS_WELL),
        (SURELY_MORE, seeds(0.1, 0.0, 0.2), methods.BETTER),
        (seeds(-0.1, -0.2, 0.0), SURELY_LESS, methods.BETTER),
        # What may cost more than a point of accuracy is not as good.
        (seeds(0.01, -0.1, 0.1), NOTHING, methods.AS_WELL),
        (seeds(0.011, -0.1, 0.1), NOTHING, methods.UNDECIDED),
    ],
)
def test_the_verdict_is_of_two_intervals(accuracy, gap, verdict):
    assert methods._verdict({"accuracy": accuracy, "gap": gap}) == verdict


def compared(accuracy=0.9, gap=0.1, worst=0.8, attribute="side", **fields):
    values = zip(methods.MEASURES, (accuracy, gap, worst), strict=True)
    own = {name: seeds(value, np.nan, np.nan) for name, value in values}
    return methods.Compared(attribute, BALANCED, 1, own, **{"change": {}, **fields})


def test_on_the_front_are_those_that_no_other_beats_in_both():
    rows = [
        compared(0.9, 0.1),
        compared(0.9, 0.1),  # An equal one does not beat it.
        compared(0.9, 0.2),
        compared(0.8, 0.1),
        compared(0.8, 0.05),
        compared(0.95, 0.3),
    ]
    front = [methods._is_on_front(row, rows) for row in rows]
    assert front == [True, True, False, False, True, True]


def test_without_an_attribute_the_error_of_the_worst_class_is_the_cost():
    assert methods.cost(compared(gap=0.1, worst=0.8)) == 0.1
    assert methods.cost(compared(worst=0.8, attribute="")) == pytest.approx(0.2)


def test_without_a_gap_on_validation_data_there_are_no_thresholds(study):
    alone = memory_study.truth([1, 1, 0, 0] * 2, {"side": [0] * 8})
    answers = {r.run: dict(r.logits) for r in study.results}
    for truths in (
        {"validation": alone, "test": TRUTH},
        {"test": TRUTH},
    ):
        made = memory_study.study(PAIRS, truths, answers)
        rows = {row.model: row for row in methods.compare(made)}
        assert (rows[BALANCED].against, rows[BALANCED].processed) == ("", {})
        assert rows[BALANCED].change["gap"].mean == -0.5


def test_only_seeds_of_the_plain_student_are_compared(study):
    answers = {r.run: dict(r.logits) for r in study.results}
    truths = {"validation": TRUTH, "test": TRUTH}
    del answers[Run(DS, 0, 4.0)]
    made = memory_study.study(PAIRS, truths, answers)
    rows = {row.model: row for row in methods.compare(made)}
    # Of seed 1: accuracy .75 is .75, and a gap of .5 is none.
    change = {name: one.mean for name, one in rows[BALANCED].change.items()}
    assert change == {"accuracy": 0.0, "gap": -0.5, "worst": 0.25}
    assert (rows[BALANCED].seeds, rows[PLAIN].seeds) == (2, 1)
    answers = {
        run if run.method == "plain" else Run(DS, run.seed + 5, 4.0, run.method): a
        for run, a in answers.items()
    }
    made = memory_study.study(PAIRS, truths, answers)
    (balanced,) = (r for r in methods.compare(made) if r.model == BALANCED)
    assert (balanced.change, balanced.against, balanced.seeds) == ({}, "", 2)


def changed(gap=NOTHING, worst=NOTHING, attribute="side", against=""):
    change = {"accuracy": seeds(-0.01, -0.02, 0), "gap": gap, "worst": worst}
    return compared(attribute=attribute, change=change, against=against)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (changed(), "No method is clearly better than plain distillation."),
        (
            changed(seeds(-0.2, -0.4, 0.0)),
            "No method is clearly better than plain distillation.",
        ),
        (
            changed(worst=seeds(0.2, 0.0, 0.4), attribute=""),
            "No method is clearly better than plain distillation.",
        ),
        (
            changed(SURELY_LESS, against="as said"),
            "T=4 balanced changes EOD by side by -20.0 points (-30.0 to -10.0) for "
            "-1.0 points of accuracy (as said).",
        ),
        (
            changed(worst=SURELY_MORE, attribute=""),
            "T=4 balanced changes the worst class's accuracy by +20.0 points (+10.0 "
            "to +30.0) for -1.0 points of accuracy.",
        ),
    ],
)
def test_sentences_by_hand(row, sentence):
    (headline,) = methods_table.headlines([compared(), row])
    assert headline.sentence == sentence
    assert methods_table.headlines([compared()]) == []


def test_what_nobody_has_is_no_column(study):
    def names(rows):
        return [c.name for c in methods_table.methods_table(rows).columns]

    own = [f"{m}{end}" for m in ("accuracy", "gap", "worst")
           for end in ("", "_lower", "_upper")]  # fmt: skip
    about = ["attribute", "model", "temperature", "method", "seeds"]
    change = dict.fromkeys(methods.MEASURES, SURELY_MORE)
    row = compared(change=change, processed=change, against="x", front=True)
    row = dataclasses.replace(row, own=change)
    everything = [p + name for p in ("", "change_", "processed_") for name in own]
    assert names([row]) == [*about, *everything, "front", "against"]
    bare = [n for n in own if not n.endswith("er")]
    assert names([compared()]) == [*about, *bare, "front", "against"]
    assert names([]) == ["attribute", "model", "temperature", "seeds", "front"]
    (cells,) = methods_table.methods_table([row]).rows
    assert (cells["change_gap"], cells["processed_worst_upper"]) == (0.2, 0.3)
    assert (cells["front"], cells["against"]) == ("on the front", "x")
    assert cells["seeds"] == 1


def test_thresholds_are_fitted_to_the_gap_that_the_method_has_on_validation_data():
    made = with_scores(1.0, 0.4)
    (row,) = (r for r in methods.compare(made) if r.model.method == "mended")

    def gap_of(result, split):
        of = made.truth[split]
        return fairlearn.metrics.equalized_odds_difference(
            of.labels, result.predicted(split), sensitive_features=of.groups["side"]
        )

    mended, plain = (made.models[m] for m in (row.model, PLAIN))
    allowed = np.mean([gap_of(result, "validation") for result in mended.values()])
    labels, sides = made.truth["test"].labels, made.truth["test"].groups["side"]
    right = []
    for result in plain.values():
        thresholds = GroupThresholds(methods.GAP, allowed, from_logits=True, margin=0.0)
        scores = {s: of[:, 1] - of[:, 0] for s, of in result.logits.items()}
        of = made.truth["validation"]
        thresholds.fit(scores["validation"], of.labels, of.groups["side"])
        right.append(np.mean(thresholds.predict(scores["test"], sides) == labels))
    assert row.processed["accuracy"].mean == pytest.approx(np.mean(right))


@pytest.mark.parametrize(
    ("classes", "groups"),
    [(("a", "b", "c"), {"side": ("a", "b")}), (("a", "b"), {})],
)
def test_thresholds_are_for_groups_of_two_classes(classes, groups):
    spec = dataclasses.replace(PAIRS, class_names=classes, groups=groups)
    of = {name: [0] * 4 + [1] * 4 for name in groups}
    truth = memory_study.truth([1, 1, 0, 0] * 2, of)
    answers = {
        Run(DS, 0, 4.0): digits("11001111"),
        Run(DS, 0, 4.0, "balanced"): digits("11001110"),
    }
    made = memory_study.study(spec, {"validation": truth, "test": truth}, answers)
    plain, balanced = methods.compare(made)
    assert balanced.change["accuracy"].mean == pytest.approx(1 / 8)
    assert (balanced.against, balanced.processed) == ("", {})
    assert plain.attribute == balanced.attribute == "".join(groups)
