"""Robustness of studies whose predictions on damaged data are counted by hand."""

import re

import ml_collections
import numpy as np
import pytest
from report_workdir import PAIRS, PAIRS_TRUTH, write_pairs, write_predictions

from kd_keras import files
from kd_keras.datasets import Dataset
from pipelines.analysis import robustness, robustness_tables
from pipelines.analysis.costs import Objective, cost, costs
from pipelines.analysis.damaged import with_damaged
from pipelines.analysis.results import Model, read_study
from pipelines.analysis.robustness import CLEAN, Quantity, Robustness
from pipelines.analysis.seed_interval import seed_interval
from pipelines.release import policy as policies
from pipelines.release import select
from pipelines.report import robustness_section
from pipelines.studies import config as configs
from pipelines.studies import corrupted, run_record, sealed
from pipelines.studies.layout import DS, NDS, TEACHER, Run

NAMES = ("feature_noise", "missing_values")
MODELS = [Model.named(TEACHER), Model.named(NDS), Model.named(DS, 4.0)]
ACCURACY = Quantity("accuracy")
# Labels 11001100, groups aaaabbbb. Errors at severities 1 to 5, each in a's first
# examples: of noise, and of missing values; per model and seed.
ERRORS = {
    Run(TEACHER, 0): ((0, 0, 1, 1, 2), (1, 1, 1, 1, 1)),
    Run(TEACHER, 1): ((0, 0, 1, 1, 2), (1, 1, 1, 1, 1)),
    Run(NDS, 0): ((2, 2, 2, 3, 3), (2, 2, 2, 2, 2)),
    Run(NDS, 1): ((1, 1, 2, 2, 2), (4, 4, 4, 4, 4)),
    Run(DS, 0, 4.0): ((1, 1, 1, 1, 2), (1, 1, 1, 1, 1)),
    Run(DS, 1, 4.0): ((1, 1, 1, 1, 2), (2, 2, 2, 2, 2)),
}


def logits(errors):
    """Of the first `errors` examples the other class is said."""
    labels = PAIRS_TRUTH["label"]
    predicted = np.where(np.arange(8) < errors, 1 - labels, labels)
    return np.eye(2, dtype=np.float32)[predicted]


def write_damaged(workdir, errors=ERRORS):
    document = configs.read_document(workdir)
    document["config"]["evaluation"]["corruptions"] = list(NAMES)
    sealed.write(files.join(workdir, "config.json"), document)
    ids = PAIRS_TRUTH["id"].astype("S")
    for run, by_name in errors.items():
        record = run_record.read(workdir, run, configs.read_config(workdir))
        for name, of_name in zip(NAMES, by_name, strict=True):
            said = np.stack([logits(number) for number in of_name])
            both = dict.fromkeys(("validation", "test"), (ids, said))
            corrupted.write(workdir, run, record, name, both)


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.setattr(configs, "load_dataset", lambda config: Dataset(PAIRS, {}))
    path = write_pairs(tmp_path)
    for run in ERRORS:
        with np.load(f"{path}/{run.directory}/predictions/test.npz") as arrays:
            write_predictions(path, run, "validation", dict(arrays))
    return path


@pytest.fixture
def found(workdir):
    write_damaged(workdir)
    study = read_study(workdir, PAIRS)
    return study, robustness.measure(workdir, study)


def test_means_over_severities_and_corruptions(found):
    _, measured = found
    teacher, nds, student = MODELS
    # Teacher: 4 of 40 wrong under noise, 5 of 40 of missing values.
    assert measured.of(teacher, ACCURACY, NAMES[0]) == {0: 36 / 40, 1: 36 / 40}
    assert measured.of(teacher, ACCURACY) == {0: 71 / 80, 1: 71 / 80}
    # Undamaged, nds is wrong about two of eight with seed 0.
    assert measured.of(nds, ACCURACY, CLEAN) == {0: 6 / 8, 1: 1.0}
    assert measured.of(student, ACCURACY) == pytest.approx({0: 69 / 80, 1: 64 / 80})
    # All errors are in group a of four: the worst group.
    worst = Quantity("worst_group_accuracy", "side")
    assert measured.of(teacher, worst, NAMES[0])[0] == pytest.approx(1 - 4 / 20)
    assert measured.worst(teacher, NAMES[0]) == measured.of(teacher, worst, NAMES[0])
    # One error is a positive of a that is missed: a selects 1 of 4 and b 2 of 4, and
    # its TPR is 1/2. Two: a selects none.
    dpd = measured.of(
        teacher, Quantity("demographic_parity_difference", "side"), NAMES[0]
    )
    assert dpd[0] == pytest.approx((0 + 0 + 1 / 4 + 1 / 4 + 2 / 4) / 5)
    eod = measured.of(teacher, Quantity("equalized_odds_difference", "side"), NAMES[0])
    assert eod[0] == pytest.approx((0 + 0 + 1 / 2 + 1 / 2 + 1) / 5)
    # Logits 0 and 1: a confidence of e / (1 + e), which is 0.731; one bin.
    confidence = np.e / (1 + np.e)
    ece = measured.of(teacher, Quantity("ece"), NAMES[1])
    assert ece[0] == pytest.approx(abs(confidence - 7 / 8), abs=1e-6)


def test_corruption_errors_are_against_nds_of_the_same_seed(found):
    study, measured = found
    _, nds, student = MODELS
    # Sums of errors of nds: 12 and 10; 8 and 20. Of the student: 6 and 5; 6 and 10.
    ratios = {0: (6 / 12 + 5 / 10) / 2, 1: (6 / 8 + 10 / 20) / 2}
    assert measured.corruption_error(student, nds) == pytest.approx(ratios)
    assert measured.corruption_error(nds, nds) == {0: 1.0, 1: 1.0}
    assert measured.corruption_error(student, nds, NAMES[1]) == {0: 0.5, 1: 0.5}
    assert measured.corruption_error(student, None) == {}
    table = robustness_tables.robustness_table(study, measured)
    rows = {row["model"]: row for row in table.rows}
    ends = tuple(rows["ds"][f"mce{end}"] for end in ("", "_lower", "_upper"))
    mean, low, high = seed_interval([0.5, 0.625])
    assert low < 0  # Which no ratio of errors is.
    assert ends == pytest.approx((mean, 0, high))
    assert rows["teacher"]["lost"] == pytest.approx(71 / 80 - 1)
    by_corruption = robustness_tables.corruption_table(study, measured).rows
    assert [row["corruption"] for row in by_corruption] == [
        name for name in ("none", *NAMES) for _ in MODELS
    ]
    assert by_corruption[-1]["ce"] == pytest.approx(0.5)


def test_what_the_section_says(found):
    study, measured = found
    (section,) = robustness_section.sections(study, measured)
    assert section.title == "How much worse on damaged data?"
    # Undamaged all right, damaged 71 of 80: 11.25. nds: 14 of 16; 58 and 52 of 80:
    # 18.75.
    # T=4: 14 of 16; 69 and 64 of 80: 4.375.
    said = r"in points: teacher 11\.[23], nds 18\.[78], the students 4\.4 \(T=4\)\."
    assert re.search(said, section.text[0])
    assert "Of no temperature are the seeds enough" in section.text[0]
    assert [t.name for t in section.tables] == ["robustness", "robustness_groups"]
    assert section.drawings[0].name == "robustness"
    assert robustness_section.sections(study, None) == []


def test_a_student_that_always_errs_less_is_surely_better(workdir):
    always = {
        run: ((2,) * 5, (2,) * 5) if run.model == DS else ((4,) * 5, (4,) * 5)
        for run in ERRORS
    }
    # Not exactly alike, or there would be no spread.
    always[Run(DS, 1, 4.0)] = ((2, 2, 2, 2, 4), (2,) * 5)
    write_damaged(workdir, always)
    study = read_study(workdir, PAIRS)
    text = robustness_tables.words(study, robustness.measure(workdir, study))
    assert "Surely, T=4 (mCE 52.5 %) makes fewer errors on damaged data than nds." in (
        " ".join(text)
    )


def test_what_is_missing_is_said(workdir):
    study = read_study(workdir, PAIRS)
    assert robustness.measure(workdir, study) is None
    write_damaged(workdir)
    study = read_study(workdir, PAIRS)
    files.gfile.remove(f"{workdir}/student-nds/seed1/corrupted/{NAMES[1]}.npz")
    told = robustness.measure(workdir, study)
    (section,) = robustness_section.sections(study, told)
    assert section.text[0].startswith("It is not measured: ")
    assert f"seed1/corrupted/{NAMES[1]}.npz is missing" in section.text[0]


def test_a_cost_may_be_that_of_damaged_data(found, workdir):
    study, _ = found
    student = MODELS[2]
    metric = "worst_group_accuracy"
    for corruption, wrong in ((NAMES[1], (5, 10)), ("mean", (11 / 2, 16 / 2))):
        objective = Objective(
            metric, replicates=50, min_examples=1, corruption=corruption
        )
        seen = with_damaged(workdir, study, corruption)
        # Of five severities with four examples of a each; mean of two seeds.
        expected = np.mean(wrong) / 20
        for split in ("validation", "test"):
            assert costs(seen, objective, [student], split)[student] == pytest.approx(
                [expected]
            )
        interval = cost(seen, objective, student, "test")
        assert interval.low <= interval.value == pytest.approx(expected)
    # The ECE's draws are averaged: the interval is about the mean.
    objective = Objective("ece", replicates=20, corruption="mean")
    drawn = costs(seen, objective, [student], "test", 20)[student]
    assert drawn.shape == (21,)


def policy(**selection):
    fields = {"metric": "accuracy_gap", "tolerance": 0.5, **selection}
    return ml_collections.ConfigDict(
        {
            "name": "p",
            "level": 0.95,
            "replicates": 50,
            "min_examples": 1,
            "refuse": ("failed",),
            "selection": fields,
            "conditions": {},
        }
    )


def test_a_policy_chooses_by_damaged_data(workdir):
    message = r"must be one of \['mean'\].*Received: 'mean'.*it trains nothing"
    with pytest.raises(ValueError, match=message):
        select.select(workdir, policy(corruption="mean"))
    write_damaged(workdir)
    found = select.select(workdir, policy(corruption="mean"))
    assert found["corruption"] == "mean"
    assert found["recommended_temperature"] == 4
    assert "accuracy gap under corruption" in found["reason"]
    assert any("under missing_values, severity 5" in line for line in found["groups"])
    with pytest.raises(ValueError, match=r"one of .*'missing_values'.*contrast"):
        select.select(workdir, policy(corruption="contrast"))
    with pytest.raises(ValueError, match=r"'contrasts'\. Did you mean 'contrast'"):
        policies.objective(policy(corruption="contrasts"), PAIRS)


def test_a_gate_judges_undamaged_data_alone():
    asked = policy()
    asked.conditions.robust = {
        "metric": "accuracy",
        "corruption": "mean",
        "at_least": 0,
    }
    with pytest.raises(
        ValueError, match="must have no corruption: a release is judged"
    ):
        policies.conditions(asked, PAIRS)


def of_models(clean, damaged, quantity=ACCURACY):
    """Made-up values: model -> seed -> value, and model -> seed -> severities."""
    return Robustness(
        ["fog"],
        {m: {s: {quantity: v} for s, v in of.items()} for m, of in clean.items()},
        {
            m: {s: {"fog": [{quantity: v} for v in vs]} for s, vs in of.items()}
            for m, of in damaged.items()
        },
        [quantity],
    )


def test_a_base_without_errors_has_no_corruption_error():
    _, nds, student = MODELS
    damaged = {nds: {0: [1.0, 1.0], 1: [0.5, 0.7]}, student: {1: [0.9, 0.7], 0: [0.5]}}
    found = of_models({}, damaged | {MODELS[0]: {5: [0.5]}})
    ratios = found.corruption_error(student, nds)
    # Of seed 1: .2 / .4.
    assert list(ratios) == [0, 1]
    assert np.isnan(ratios[0])
    assert ratios[1] == pytest.approx(0.5)
    assert found.corruption_error(MODELS[0], nds) == {}


def test_the_worst_group_is_that_of_any_attribute():
    student = MODELS[2]
    side, age = (Quantity(robustness.WORST, name) for name in ("side", "age"))
    values = {0: {side: 0.6, age: 0.5}, 1: {side: 0.4, age: np.nan}}
    found = Robustness(["fog"], {student: values}, {}, [ACCURACY, side, age])
    assert found.worst(student, CLEAN) == {0: 0.5, 1: 0.4}
    assert Robustness(["fog"], {}, {}, [ACCURACY]).worst(student, CLEAN) == {}


def test_quantities_have_titles():
    assert Quantity("accuracy").title == "accuracy"
    assert Quantity(robustness.WORST, "side").title == "worst group accuracy by side"
    crossed = Quantity("equalized_odds_difference", ("side", "age"))
    assert crossed.title == "EOD by side x age"
    assert Quantity("demographic_parity_difference", "age").title == "DPD by age"


def test_predictions_of_other_examples_are_told(workdir):
    write_damaged(workdir)
    run = Run(NDS, 1)
    record = run_record.read(workdir, run, configs.read_config(workdir))
    ids = PAIRS_TRUTH["id"][::-1].astype("S")
    said = np.stack([logits(0)] * 5)
    both = dict.fromkeys(("validation", "test"), (ids, said))
    corrupted.write(workdir, run, record, NAMES[0], both)
    told = robustness.measure(workdir, read_study(workdir, PAIRS))
    assert told == (
        f"what student-nds/seed1 predicts under {NAMES[0]} is of other examples"
    )


def test_groups_of_too_few_are_in_no_gap_of_damaged_data(workdir):
    write_damaged(workdir)
    found = read_study(workdir, PAIRS)
    dpd = Quantity("demographic_parity_difference", "side")
    for least, defined in ((4, True), (5, False)):
        found.config["evaluation"]["min_examples"] = least
        measured = robustness.measure(workdir, found)
        for corruption in (CLEAN, ""):
            values = measured.of(MODELS[0], dpd, corruption).values()
            assert np.isfinite([*values]).all() == defined


def test_a_study_on_damaged_data_is_read_when_it_is_asked_for(found, workdir):
    study, _ = found
    assert with_damaged(workdir, study, "") is study
    seen = with_damaged(workdir, study, NAMES[1])
    assert list(seen.damaged) == [NAMES[1]]
    assert list(with_damaged(workdir, study, "mean").damaged) == [*NAMES]
    views = seen.damaged[NAMES[1]]
    assert len(views) == 5
    labels = PAIRS_TRUTH["label"]
    # Of nds with seed 1, four are wrong at each severity.
    result = views[4].models[MODELS[1]][1]
    assert (result.predicted("test") != labels).sum() == 4
    assert [*result.logits] == ["validation", "test"]
    assert len(result.logits) == 2
    with pytest.raises(KeyError, match="train"):
        result.logits["train"]
    noise = with_damaged(workdir, study, NAMES[0]).damaged[NAMES[0]]
    wrong = [
        (view.models[MODELS[1]][0].predicted("test") != labels).sum() for view in noise
    ]
    assert wrong == [2, 2, 2, 3, 3]


@pytest.mark.parametrize("corruption", ["fog", "mean"])
def test_a_corruption_that_was_not_predicted_is_named(workdir, corruption):
    study = read_study(workdir, PAIRS)
    message = rf"must be one of \['mean'\].*Received: '{corruption}', and .* has none\."
    with pytest.raises(ValueError, match=message) as told:
        with_damaged(workdir, study, corruption)
    wanted = "fog" if corruption == "fog" else "gaussian_noise"
    assert f"corruptions='(\"{wanted}\",)'" in str(told.value)
    write_damaged(workdir)
    study = read_study(workdir, PAIRS)
    if corruption == "fog":
        both = '("feature_noise", "missing_values", "fog",)'
        with pytest.raises(ValueError, match="has feature_noise, missing_val") as told:
            with_damaged(workdir, study, corruption)
        assert both in str(told.value)


def test_what_is_weighed_has_a_title_and_views(found, workdir):
    study, _ = found
    assert Objective().title == "equalized odds difference"
    assert Objective("ece", corruption="mean").title == "ece under corruption"
    noise = Objective("accuracy_gap", corruption="feature_noise")
    assert noise.title == "accuracy gap under feature noise"
    seen = with_damaged(workdir, study, "mean")
    assert Objective().views(seen) == [seen]
    assert noise.views(seen) == [*seen.damaged["feature_noise"]]
    every = Objective(corruption="mean")
    assert len(every.views(seen)) == 10
    assert every.hardest(seen) == {n: views[4] for n, views in seen.damaged.items()}
    assert Objective().hardest(seen) == {"": seen}
