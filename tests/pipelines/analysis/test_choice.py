"""Costs against Fairlearn and scikit-learn; the choice by hand."""

import dataclasses

import fairlearn.metrics
import numpy as np
import pytest
import sklearn.metrics
from memory_study import PEOPLE, people, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import estimates
from pipelines.analysis.calibrated import calibration_values
from pipelines.analysis.choice import choose, require_choice, run_to_release
from pipelines.analysis.costs import (
    DEFAULT,
    ERROR,
    METRICS,
    Objective,
    change,
    cost,
    costs,
    default,
)
from pipelines.analysis.costs import people as people_of
from pipelines.analysis.results import Model
from pipelines.studies.interval_options import intervals
from pipelines.studies.layout import DS, NDS, TEACHER, Run

EOD = "equalized_odds_difference"
ALONE = DatasetSpec("alone", PEOPLE.features, "y", ("no", "yes"), {})
NDS_MODEL, T1, T4, T10 = (
    Model.named(NDS),
    *(Model.named(DS, t) for t in (1.0, 4.0, 10.0)),
)


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 1), temperatures=(1.0, 4.0))


def eod(found, result, split, attribute):
    """Fairlearn's, of the examples that have the attribute."""
    of_split = found.truth[split]
    known = of_split.groups[attribute] >= 0
    return fairlearn.metrics.equalized_odds_difference(
        of_split.labels[known],
        result.predicted(split)[known],
        sensitive_features=of_split.groups[attribute][known],
    )


def test_what_may_be_weighed():
    assert METRICS == (
        "ece",
        "demographic_parity_difference",
        EOD,
        "equal_opportunity_difference",
        "false_positive_rate_difference",
        "accuracy_gap",
        "worst_group_accuracy",
    )
    assert Objective() == DEFAULT == Objective(EOD, "", 0.01, 0.95, 1000, 10)
    assert ERROR.metric == "error"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_costs_are_means_over_the_seeds(several, split):
    labels = several.truth[split].labels
    errors = costs(several, ERROR, list(several.models), split)
    gaps = costs(
        several, Objective(EOD, "age", min_examples=1), list(several.models), split
    )
    for model, seeds in several.models.items():
        wrong = [np.mean(r.predicted(split) != labels) for r in seeds.values()]
        assert errors[model] == pytest.approx([np.mean(wrong)], abs=1e-12)
        by_age = [eod(several, r, split, "age") for r in seeds.values()]
        assert gaps[model] == pytest.approx([np.mean(by_age)], abs=1e-12)


def test_without_an_attribute_the_worst_one_of_each_run_counts(several):
    found = costs(several, default(several), [T4], "test")[T4]
    worst = [
        max(eod(several, result, "test", name) for name in ("side", "age"))
        for result in several.models[T4].values()
    ]
    assert found == pytest.approx([np.mean(worst)], abs=1e-12)


def test_the_error_of_the_worst_group_is_kept_low(several):
    lowest = Objective("worst_group_accuracy", "age", min_examples=1)
    found = costs(several, lowest, [T4], "test")[T4]
    of_test = several.truth["test"]
    worst = [
        max(
            np.mean((r.predicted("test") != of_test.labels)[of_test.groups["age"] == g])
            for g in range(3)
        )
        for r in several.models[T4].values()
    ]
    assert found == pytest.approx([np.mean(worst)], abs=1e-12)


def test_replicates_draw_as_many_examples_and_the_same_for_every_model(several):
    models = list(several.models)
    found = costs(several, ERROR, models, "test", replicates=600)
    assert {values.shape for values in found.values()} == {(601,)}
    labels = several.truth["test"].labels
    wrong = np.array(
        [
            np.mean(
                [r.predicted("test") != labels for r in several.models[m].values()],
                axis=0,
            )
            for m in models
        ]
    )
    # Of means over drawn examples: covariance between models / examples.
    expected = np.cov(wrong, ddof=0) / len(labels)
    observed = np.cov([found[m][1:] for m in models])
    # Four standard errors of 600 replicates: 4 sqrt(2 / 600) = 23 %.
    assert np.diag(observed) == pytest.approx(np.diag(expected), rel=0.23)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(observed / scale, expected / scale, atol=0.2)


def test_calibration_by_hand_in_double_precision():
    # Logits 0 and 1: confidence c = e / (1 + e); two of three are right.
    logits = np.array([[0, 1], [1, 0], [0, 1]], np.float32)
    labels, c = np.array([1, 0, 0]), np.e / (1 + np.e)
    assert calibration_values(labels, logits, "ece", 0) == pytest.approx(
        [c - 2 / 3], abs=1e-12
    )
    assert calibration_values(labels, logits, "nll", 0) == pytest.approx(
        [-(2 * np.log(c) + np.log(1 - c)) / 3], abs=1e-12
    )


def test_replicates_of_the_calibration_weigh_examples_by_their_draws(several):
    labels = several.truth["test"].labels
    logits = several.models[T4][1].logits["test"]
    found = {
        metric: calibration_values(labels, logits, metric, 40)
        for metric in ("ece", "brier", "nll")
    }
    size = len(labels)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(size, np.full(size, 1 / size), 40)
    scores = np.exp(logits.astype(float))
    scores /= scores.sum(axis=1, keepdims=True)
    right = scores.argmax(axis=1) == labels
    confidence = scores.max(axis=1)
    bins = np.ceil(confidence * 15)  # Guo et al. 2017: open on the left.
    for i, weights in enumerate([np.ones(size), *draws]):
        options = {"sample_weight": weights}
        brier = sklearn.metrics.brier_score_loss(labels, scores[:, 1], **options)
        nll = sklearn.metrics.log_loss(labels, scores, **options)
        off = [(weights * (right - confidence))[bins == b].sum() for b in range(16)]
        assert found["brier"][i] == pytest.approx(brier, abs=1e-12)
        assert found["nll"][i] == pytest.approx(nll, abs=1e-12)
        assert found["ece"][i] == pytest.approx(np.abs(off).sum() / size, abs=1e-12)
    assert len(found["ece"]) == 41


def test_the_cost_of_a_model_may_be_its_calibration(several):
    found = costs(several, Objective("ece"), [T1, T4], "test", replicates=7)
    labels = several.truth["test"].labels
    for model in (T1, T4):
        by_seed = [
            calibration_values(labels, result.logits["test"], "ece", 7)
            for result in several.models[model].values()
        ]
        assert len(by_seed) == 2
        np.testing.assert_array_equal(found[model], np.mean(by_seed, axis=0))


def study_of(wrong, spec=PEOPLE, splits=("validation", "test"), **more):
    """A study of 32 examples, 16 of each side: run -> the ones it gets wrong."""
    labels = np.tile([1, 0], 16)
    groups = {"side": np.repeat([0, 1], 16), "age": np.tile([0, 0, 1, 1], 8)}
    groups = {name: groups[name] for name in spec.groups}
    truths = {split: truth(labels, groups) for split in splits}
    answers = {
        run: dict.fromkeys(splits, labels ^ np.isin(np.arange(32), of_run))
        for run, of_run in wrong.items()
    }
    return study(spec, truths, answers, **more)


# Wrong positives (even places) of the first side (below 16) and of the second one; a
# side has 8 positives. All TPR gaps are eighths, and no negative is ever wrong.
ANSWERS = {
    Run(TEACHER, 0): [],
    Run(NDS, 0): [0, 2, 16],  # error 3/32, gap 1/8
    Run(DS, 0, 1.0): [0, 2],  # error 2/32, gap 2/8
    Run(DS, 0, 4.0): [0, 2, 16, 18],  # error 4/32, gap 0
    Run(DS, 0, 10.0): [0, 16, 18, 20, 22],  # error 5/32, gap 3/8
}
TPR = "equal_opportunity_difference"
LEAST = {"min_examples": 1}


def objective(tolerance, **fields):
    return Objective(TPR, "side", tolerance, replicates=200, **LEAST, **fields)


def test_errors_and_costs_of_a_choice_are_those_of_validation():
    labels = np.tile([1, 0], 16)
    found = study_of(ANSWERS)
    # On the test split all are wrong.
    for result in found.results:
        result.logits["test"][:] = np.eye(2)[1 - labels]
    choice = choose(found, objective(1))
    expected = {"teacher": 0, "nds": 3, "T=1": 2, "T=4": 4, "T=10": 5}
    assert {m.title: 32 * e for m, e in choice.error.items()} == expected
    expected = {"teacher": 0, "nds": 1, "T=1": 2, "T=4": 0, "T=10": 3}
    assert {m.title: 8 * c for m, c in choice.cost.items()} == expected


@pytest.mark.parametrize(
    ("tolerance", "tied", "chosen"),
    [
        # T=1 is the best student; T=4 is 2/32 behind, T=10 3/32.
        (0, [T1], T1),
        (2 / 32 - 1e-9, [T1], T1),
        (2 / 32, [T1, T4], T1),
        (3 / 32, [T1, T4, T10], T1),
    ],
)
def test_only_students_within_the_tolerance_count(tolerance, tied, chosen):
    choice = choose(study_of(ANSWERS), objective(tolerance, level=0.9999))
    assert (choice.tied, choice.chosen) == (tied, chosen)


def test_the_best_accuracy_may_be_that_of_the_nds():
    answers = ANSWERS | {Run(NDS, 0): [0]}
    # T=1 is 1/32 behind the nds.
    assert choose(study_of(answers), objective(1 / 33)).chosen is None
    assert choose(study_of(answers), objective(1 / 32)).chosen == T1


def test_a_clearly_higher_cost_is_no_tie():
    # T=1 errs with all positives of one side: a gap of 1 in every replicate.
    answers = ANSWERS | {Run(DS, 0, 1.0): list(range(0, 16, 2))}
    choice = choose(study_of(answers), objective(1))
    assert choice.tied == [T4, T10]
    assert choice.chosen == T4
    assert choice.reason == (
        "T=4 is the most accurate of those whose equal opportunity difference cannot "
        "be told from the best one (T=4, T=10), of 3 distilled students within 100 "
        "points of the best accuracy"
    )
    answers |= {Run(DS, 0, 10.0): list(range(16, 32, 2))}
    choice = choose(study_of(answers), objective(1))
    assert choice.reason == (
        "T=4 has the best equal opportunity difference of 3 distilled students within "
        "100 points of the best accuracy"
    )


def test_the_level_tells_more_or_less_apart():
    # 6 of 8 against 0 of 8: T=1 has one more; wide intervals do not tell it apart.
    answers = ANSWERS | {Run(DS, 0, 1.0): [0, 2, 4, 6]}
    narrow = choose(study_of(answers), objective(1, level=0.5))
    wide = choose(study_of(answers), objective(1, level=0.999))
    assert T1 not in narrow.tied
    assert T1 in wide.tied


def test_no_student_is_accurate_enough():
    answers = ANSWERS | {Run(NDS, 0): []}
    choice = choose(study_of(answers), objective(0.01))
    assert (choice.tied, choice.chosen) == ([], None)
    # Of 32 examples T=1 errs with 2, and nds with none.
    assert choice.reason == (
        "no distilled student's validation accuracy is within 1 point of the best "
        "student's: T=1 comes nearest with 93.8 %, and nds has 100.0 %"
    )
    alone = {Run(NDS, 0): [0]}
    assert choose(study_of(alone), objective(0.02)).reason == (
        "no distilled student has as many seeds as others have"
    )


def test_a_student_of_one_seed_alone_is_not_chosen():
    both = {
        Run(r.model, s, r.temperature): w for r, w in ANSWERS.items() for s in (0, 1)
    }
    again = Run(DS, 1, 1.0, "balanced")
    choice = choose(study_of(both | {again: []}), objective(0))
    assert choice.chosen == T1
    assert choice.error[Model.of(again)] == 0
    alike = {dataclasses.replace(again, seed=seed): [] for seed in (0, 1)}
    assert choose(study_of(both | alike), objective(0)).chosen == Model.of(again)
    without = {run: wrong for run, wrong in both.items() if run.model != DS}
    lonely = choose(study_of(without | {again: []}), objective(0))
    assert lonely.chosen is None
    assert lonely.reason == "no distilled student has as many seeds as others have"


def test_the_front_holds_equals_and_no_student_that_is_beaten_in_one():
    answers = {
        Run(TEACHER, 0): [],
        Run(NDS, 0): [0, 2, 16, 18],  # error 4, gap 0
        Run(DS, 0, 1.0): [0, 2],  # error 2, gap 2
        Run(DS, 0, 4.0): [16, 18],  # the same
        Run(DS, 0, 10.0): [0, 16, 1, 17],  # error 4, gap 0, as the nds
        Run(DS, 0, 20.0): [0, 2, 4, 16],  # error 4, gap 2: beaten in the error alone
        Run(DS, 0, 40.0): [0, 1, 2, 4][:2],  # error 2, gap 1: beats T=1 in the gap
    }
    choice = choose(study_of(answers), objective(1))
    assert [model.title for model in choice.front] == ["T=40", "nds", "T=10"]
    del answers[Run(DS, 0, 40.0)]
    choice = choose(study_of(answers), objective(1))
    assert [model.title for model in choice.front] == ["T=1", "T=4", "nds", "T=10"]


def test_a_cost_that_is_undefined_is_not_chosen():
    # One side alone has positives: no gap of TPR.
    found = study_of(ANSWERS)
    found.truth["validation"].labels[:16] = 0
    assert choose(found, objective(1)).chosen is None


def test_nothing_to_choose_from():
    assert choose(study_of(ANSWERS, splits=("test",)), objective(1)) is None
    teacher = {Run(TEACHER, 0): []}
    assert choose(study_of(teacher), objective(1)) is None
    alone = study_of(ANSWERS, spec=ALONE)
    assert choose(alone, objective(1)) is None
    assert choose(alone, Objective("ece", tolerance=1, replicates=9)).chosen is not None


def test_why_no_temperature_is_recommended():
    with pytest.raises(ValueError, match="there are no students or no groups"):
        require_choice(study_of(ANSWERS, spec=ALONE), objective(1))
    answers = ANSWERS | {Run(NDS, 0): []}
    with pytest.raises(ValueError, match="is within 1 point of the best student's"):
        require_choice(study_of(answers), objective(0.01))
    choice, model = require_choice(study_of(ANSWERS), objective(0))
    assert choice.chosen == model == T1


def test_the_best_seed_of_the_chosen_temperature_is_released():
    answers = {
        **{Run(TEACHER, seed): [] for seed in range(3)},
        **{Run(NDS, seed): [0, 2, 4, 16] for seed in range(3)},
        **{Run(DS, seed, 4.0): [0, 16] for seed in range(3)},
    }
    accuracies = {0: 0.8, 1: 0.9, 2: 0.7}
    info = {run: {"val_accuracy": accuracies[run.seed]} for run in answers}
    found = study_of(answers, info=info)
    assert run_to_release(found, objective(0)) == Run(DS, 1, 4.0)
    assert run_to_release(found, objective(0), "student-t04/seed2/") == (
        Run(DS, 2, 4.0)
    )
    assert run_to_release(found, objective(0), "student-nds/seed0") == Run(NDS, 0)


@pytest.mark.parametrize(
    "directory", ["teacher/seed0", "student-t04/seed9", "nonsense", "student-t99/seed0"]
)
def test_a_run_that_cannot_be_released_is_refused(directory):
    students = r"\['student-nds/seed0', 'student-t01/seed0', "
    with pytest.raises(ValueError, match=rf"finished students {students}.*{directory}"):
        run_to_release(study_of(ANSWERS), objective(0), directory)


def test_the_most_accurate_of_the_tied_may_be_the_hottest():
    answers = ANSWERS | {Run(DS, 0, 10.0): [16]}
    choice = choose(study_of(answers), objective(1, level=0.9999))
    assert (choice.tied, choice.chosen) == ([T1, T4, T10], T10)
    assert choice.reason.startswith("T=10 is the most accurate of those whose")
    assert "(T=10, T=1, T=4), of 3 distilled" in choice.reason


def test_an_attribute_without_a_gap_is_no_obstacle():
    found = study_of(ANSWERS)
    found.truth["validation"].groups["age"][:] = 0  # One group.
    choice = choose(found, Objective(TPR, "", 1, replicates=9, min_examples=8))
    costs_of = {m.title: 8 * c for m, c in choice.cost.items()}
    assert costs_of == {"teacher": 0, "nds": 1, "T=1": 2, "T=4": 0, "T=10": 3}
    title = "equal opportunity difference by"
    assert choice.people == [
        f"{title} side is decided by b (16 examples, 8 of them positives) and a (16 "
        "examples, 8 of them positives)",
        f"{title} age is decided by no two groups",
    ]


def test_a_gap_without_groups_that_are_large_enough_chooses_nothing():
    few = Objective(TPR, "side", 1, replicates=9)
    message = (
        r"the equal opportunity difference is undefined on validation data, with "
        r"min_examples=10 \(.* by side is decided by no two groups; side: a: 16 "
        r"examples, 8 of them positives, not compared; .*lower --policy.min_examples"
    )
    with pytest.raises(ValueError, match=message):
        require_choice(study_of(ANSWERS), few)


def test_the_change_of_the_worst_attribute_is_within_its_interval(several):
    worst = default(several)
    for model in several.distilled:
        for base in (NDS_MODEL, model):
            found = change(several, worst, model, base, "test")
            after, before = (cost(several, worst, m, "test") for m in (model, base))
            assert found.value == pytest.approx(after.value - before.value)
            assert found.low <= found.value <= found.high
    same = change(several, worst, T4, T4, "test")
    assert (same.value, same.low <= 0 <= same.high) == (0, True)


def test_models_without_a_common_seed_cannot_be_told_apart():
    answers = {Run(NDS, 0): [0], Run(DS, 0, 1.0): [0, 2], Run(DS, 1, 4.0): [16]}
    found = study_of(answers)
    assert np.isnan(change(found, objective(1), T1, T4, "test").value)
    assert choose(found, objective(1)).tied == [T1, T4]


def test_four_of_those_who_lack_examples_are_named():
    few = study_of(ANSWERS)
    every = Objective(TPR, "", 1, replicates=9, min_examples=30)
    reason = choose(few, every).reason
    # Two attributes, with two groups each.
    assert reason.endswith("; and 2 more groups)")
    assert reason.count(";") == 3 + 1
    few = study_of(ANSWERS)
    few.truth["validation"].groups["age"][:4] = 2
    four = choose(few, dataclasses.replace(every, attribute="age"))
    assert len(four.people) == 4
    assert "more groups" not in four.reason


def test_an_unfinished_study_chooses_nothing():
    for planned, done in ((6, False), (5, True)):
        found = study_of(ANSWERS, planned=planned)
        if done:
            assert require_choice(found, objective(0))[1] == T1
            continue
        with pytest.raises(ValueError, match="yet: 5 of 6 runs are complete"):
            require_choice(found, objective(0))


@pytest.mark.parametrize(
    ("tolerance", "points"),
    [(0.01, "1 point"), (0.02, "2 points"), (0.005, "0.5 points")],
)
def test_a_tolerance_is_in_points(tolerance, points):
    answers = ANSWERS | {Run(NDS, 0): []}
    reason = choose(study_of(answers), objective(tolerance)).reason
    assert f"is within {points} of the best" in reason


def ends_of(several, metric, run, base, level):
    """By attribute, the library's intervals on test: value, low and high."""
    found = [
        estimates.gap(
            several, metric, name, run, base, intervals(level), several.min_examples
        )
        for name in ("side", "age")
    ]
    return np.array([(one.value, one.low, one.high) for one in found])


@pytest.mark.parametrize("metric", [EOD, "worst_group_accuracy"])
def test_the_cost_is_that_of_the_worst_attribute_and_both_intervals_hold(
    several, metric
):
    of = Objective(metric, min_examples=1)
    found = cost(several, of, T4, "test")
    each = []
    for run in several.models[T4].values():
        ends = ends_of(several, metric, run, None, 0.975)
        if metric != EOD:  # The error of the worst group.
            ends = 1 - ends[:, [0, 2, 1]]
        each.append(ends.max(axis=0))
    expected = np.mean(each, axis=0)
    assert (found.value, found.low, found.high) == pytest.approx(tuple(expected))
    assert found.level == 0.95


@pytest.mark.parametrize("metric", [EOD, "worst_group_accuracy"])
def test_a_change_is_between_those_of_attributes_that_may_be_the_worst(several, metric):
    of = Objective(metric, min_examples=1)
    found = change(several, of, T4, T1, "test")
    each = []
    for seed in (0, 1):
        run, base = (several.models[m][seed] for m in (T4, T1))
        after, before, between = (
            ends_of(several, metric, *pair, 0.975)
            for pair in ((run, None), (base, None), (run, base))
        )
        if metric != EOD:
            after, before = (1 - ends[:, [0, 2, 1]] for ends in (after, before))
            between = -between[:, [0, 2, 1]]
        value = after[:, 0].max() - before[:, 0].max()
        low = between[before[:, 2] >= before[:, 1].max(), 1].min()
        high = between[after[:, 2] >= after[:, 1].max(), 2].max()
        each.append((value, min(low, value), max(high, value)))
    expected = np.mean(each, axis=0)
    assert (found.value, found.low, found.high) == pytest.approx(tuple(expected))


def test_intervals_of_costs_that_are_no_gaps_are_drawn(several):
    of = Objective("ece", level=0.8, replicates=30)
    (t4, t1) = costs(several, of, [T4, T1], "test", 30).values()
    for found, drawn in (
        (cost(several, of, T4, "test"), t4),
        (change(several, of, T4, T1, "test"), t4 - t1),
    ):
        assert found.value == pytest.approx(drawn[0])
        # Quantiles of the draws, moved to the observed value.
        ends = np.quantile(drawn[1:], [0.1, 0.9]) - drawn[1:].mean() + drawn[0]
        assert (found.low, found.high) == pytest.approx(tuple(ends))
        assert found.level == 0.8


def test_why_a_change_is_undefined():
    answers = {Run(NDS, 0): [0], Run(DS, 0, 1.0): [0, 2], Run(DS, 1, 4.0): [16]}
    found = change(study_of(answers), objective(1), T1, T4, "test")
    assert found.reason == "no common seed"
    few = Objective(TPR, "side", min_examples=30)
    found = change(study_of(ANSWERS), few, T1, T4, "test")
    assert np.isnan([found.value, found.low, found.high]).all()


def test_who_decides_is_told_once_for_all_seeds():
    answers = {Run(DS, seed, 4.0): [0, 2] for seed in (0, 1)}
    lines = people_of(study_of(answers), objective(1), T4, "test")
    assert lines == [
        "equal opportunity difference by side is decided by b (16 examples, 8 of them "
        "positives) and a (16 examples, 8 of them positives), in 2 of 2 seeds"
    ]
    assert people_of(study_of(answers), Objective("ece"), T4, "test") == []
