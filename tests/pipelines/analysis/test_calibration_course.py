"""Calibration against T: scikit-learn, printed quantiles, sentences by hand."""

import itertools

import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from memory_study import PEOPLE, people, study, truth

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import calibration_temperature
from pipelines.analysis import calibration_course as course
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, Run

# 97.5 % of Student's t with two degrees of freedom, as printed.
T_TWO = 4.3027


@pytest.fixture(scope="module")
def found():
    return people(examples=120)


def _probabilities(found, model, seed, scaled):
    result = found.models[model][seed]
    logits = result.logits["test"].astype(float)
    if scaled:
        labels = found.truth["validation"].labels
        logits /= calibration_temperature(labels, result.logits["validation"])
    return scipy.special.softmax(logits, axis=1)


@pytest.mark.parametrize("state", ["raw", "scaled"])
def test_rows_are_means_over_seeds_with_intervals(found, state):
    measured = course.measure(found)
    table, by_group = course.course_table(measured), course.group_table(measured)
    labels, old = found.truth["test"].labels, found.truth["test"].groups["age"] == 2
    for model in found.models:
        values = []
        for seed in (0, 1, 2):
            p = _probabilities(found, model, seed, state == "scaled")
            values.append(
                [
                    sklearn.metrics.log_loss(labels, p),
                    sklearn.metrics.brier_score_loss(labels, p[:, 1]),
                    _ece(labels[old], p[old]),
                ]
            )
        mean, sd = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
        width = T_TWO * sd / np.sqrt(3)
        (everyone,) = (row for row in table.rows if _is_of(row, model))
        assert everyone["seeds"] == 3
        for i, metric in enumerate(("nll", "brier")):
            name = f"{metric}_{state}"
            assert everyone[name] == pytest.approx(mean[i])
            assert everyone[f"{name}_lower"] == pytest.approx(
                mean[i] - width[i], rel=1e-4
            )
            assert everyone[f"{name}_upper"] == pytest.approx(
                mean[i] + width[i], rel=1e-4
            )
        (of_group,) = (
            row for row in by_group.rows if _is_of(row, model) and row["group"] == "old"
        )
        assert of_group["attribute"] == "age"
        assert of_group["examples"] == old.sum()
        assert of_group[f"ece_{state}"] == pytest.approx(mean[2])


def _ece(labels, p):
    """Mean over 15 bins (from, to] of |right - confidence|, by their examples."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    edges = np.arange(16) / 15
    bins = [
        (low < confidence) & (confidence <= high)
        for low, high in itertools.pairwise(edges)
    ]
    return sum(abs((right - confidence)[b].sum()) for b in bins) / len(labels)


def _is_of(row, model):
    return (row["model"], row["temperature"]) == (model.name, model.temperature)


def _row(table, model):
    (row,) = [row for row in table.rows if _is_of(row, model)]
    return row


def test_the_curve_has_students_and_what_to_compare_with(found):
    measured = course.measure(found)
    curve = course.curve(found, measured, "ece", "scaled")
    rows = course.course_table(measured)
    assert list(curve.temperatures) == [1.0, 4.0, 10.0]
    for i, t in enumerate(curve.temperatures):
        row = _row(rows, Model.named(DS, t))
        assert curve.band.mean[i] == row["ece_scaled"]
        assert curve.band.lower[i] == row["ece_scaled_lower"]
        assert curve.band.upper[i] == row["ece_scaled_upper"]
    assert set(curve.references) == {"teacher", "nds"}
    nds = _row(rows, Model.named(NDS))
    assert curve.references["nds"] == nds["ece_scaled"]


# Nine of ten right, at the confidence that the margin says: log 9 is 90 % sure.
LABELS = np.array([1] * 9 + [0])
SURE, DOUBTFUL = np.log(9), np.log(1.5)


def _margins(margin):
    return {split: np.tile([0.0, margin], (10, 1)) for split in ("validation", "test")}


def _small(margins):
    truths = {
        split: truth(LABELS, {"side": [0] * 10, "age": [0] * 10})
        for split in ("validation", "test")
    }
    answers = {run: _margins(margin) for run, margin in margins.items()}
    return study(PEOPLE, truths, answers)


def test_sentences_by_hand():
    # 60 % sure of what is right in 90 %: 30 points off, and none when scaled.
    found = _small(
        {
            Run(NDS, 0): SURE,
            Run(NDS, 1): SURE,
            Run(DS, 0, 1.0): SURE,
            Run(DS, 0, 10.0): DOUBTFUL,
            Run(DS, 1, 10.0): DOUBTFUL + 1e-3,
        }
    )
    first, second = course.sentences(found, course.measure(found))
    assert first == (
        "The calibration error of T=1 is 0.0 %, that of T=10 30.0 %. Scaled by one "
        "number that validation chooses, they are 0.0 and 0.0 %."
    )
    assert second.startswith(
        "Against nds, T=10 is off by 30.0 points more (sure: 29.8 to 30.1) as trained, "
        "and by 0.0 points "
    )


def test_one_seed_is_not_sure():
    found = _small({Run(NDS, 0): SURE, Run(DS, 0, 10.0): DOUBTFUL})
    (line,) = course.sentences(found, course.measure(found))
    assert "30.0 points more (one seed: not sure) as trained" in line


def _off_by(*points, of_nds):
    """Sentences, with T=10 and nds off by so many points in each seed."""
    margins = {}
    for t, of_seeds in ((None, of_nds), (10.0, points)):
        for seed, off in enumerate(of_seeds):
            p = 0.9 - off / 100
            run = Run(DS, seed, t) if t else Run(NDS, seed)
            margins[run] = np.log(p / (1 - p))
    found = _small(margins)
    (line,) = course.sentences(found, course.measure(found))
    return line


def test_a_change_is_told_with_its_direction_and_how_sure_it_is():
    # Student's t of one degree of freedom is 12.706 standard errors.
    assert "off by 0.6 points more (one seed" in _off_by(1.1, of_nds=[0.5])
    assert "off by 0.6 points less (one seed" in _off_by(0.5, of_nds=[1.1])
    line = _off_by(1.1, 1.1, of_nds=[0.5, 0.5])
    assert "points more (2 seeds that are all equal: not sure)" in line
    # -5 and 10: 2.5 and 7.5 times 12.706.
    line = _off_by(5, 20, of_nds=[10, 10])
    assert "off by 2.5 points more (not sure: -92.8 to +97.8) as trained" in line
    # -5 and -5.2: -5.1 and .1 times 12.706.
    line = _off_by(5, 4.8, of_nds=[10, 10])
    assert "off by 5.1 points less (sure: 3.8 to 6.4) as trained" in line


def test_the_first_and_the_last_temperature_are_told():
    found = _small(
        {
            Run(DS, 0, 1.0): SURE,
            Run(DS, 0, 4.0): np.log(4),
            Run(DS, 0, 10.0): DOUBTFUL,
        }
    )
    (line,) = course.sentences(found, course.measure(found))
    assert line.startswith("The calibration error of T=1 is 0.0 %, that of T=10 30.0 %")
    nobody = _small({Run(NDS, 0): SURE})
    assert course.sentences(nobody, course.measure(nobody)) == []


def test_no_change_is_not_more():
    assert "off by 0.0 points less (one seed" in _off_by(1, of_nds=[1])


def test_without_a_common_seed_a_change_is_not_known():
    found = _small({Run(NDS, 0): SURE, Run(DS, 1, 10.0): DOUBTFUL})
    (line,) = course.sentences(found, course.measure(found))
    assert "is off by an unknown number of points, for they share no seed," in line


def test_columns_of_both_tables(found):
    measured = course.measure(found)
    ends = [
        f"{metric}_{state}{end}"
        for metric in ("ece", "brier", "nll")
        for state in ("raw", "scaled")
        for end in ("", "_lower", "_upper")
    ]
    table = course.course_table(measured)
    assert [c.name for c in table.columns] == [
        *("model", "temperature", "seeds", "temperature_scaling", *ends)
    ]
    titles = {c.name: c.title for c in table.columns}
    assert titles["ece_raw"] == "calibration error (ECE), %"
    assert titles["ece_scaled"] == "calibration error (ECE) scaled, %"
    assert titles["brier_raw"] == "Brier score"
    assert titles["nll_scaled"] == "negative log-likelihood scaled"
    assert [c.name for c in course.group_table(measured).columns] == [
        *("attribute", "group", "model", "temperature", "examples", *ends[:6])
    ]
    (row,) = (r for r in table.rows if r["model"] == "teacher")
    scales = [
        calibration_temperature(
            found.truth["validation"].labels, r.logits["validation"]
        )
        for r in found.models[found.teacher].values()
    ]
    assert row["temperature_scaling"] == pytest.approx(np.mean(scales))


def test_without_attributes_there_is_everyone_alone():
    spec = DatasetSpec("plain", PEOPLE.features, "y", ("no", "yes"), {})
    measured = course.measure(people((0,), (4.0,), spec=spec))
    assert course.group_table(measured).rows == []
    (calibrated,) = measured[Model.named(NDS)].values()
    assert list(calibrated.raw) == [course.EVERYONE]


def test_an_end_below_0_is_0():
    # ECEs of 1 and 5 points: 3, and 12.706 times 2 to either side.
    found = _small(
        {Run(DS, s, 4.0): np.log(p / (1 - p)) for s, p in enumerate((0.89, 0.85))}
    )
    row = _row(course.course_table(course.measure(found)), Model.named(DS, 4.0))
    assert row["ece_raw"] == pytest.approx(0.03, abs=1e-6)
    assert row["ece_raw_lower"] == 0
    assert row["ece_raw_upper"] == pytest.approx(0.03 + 12.706 * 0.02, rel=1e-3)
