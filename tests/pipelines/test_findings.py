"""The published findings are confirmed and refuted where they were built to be."""

import numpy as np
import pytest
from report_workdir import PAIRS, SHAPES, write_predictions, write_workdir

from kd_keras import files
from kd_keras.fairness import class_bias
from pipelines.analysis.bands import replicate
from pipelines.analysis.findings import findings_table
from pipelines.analysis.results import read_study
from pipelines.studies.layout import DS, NDS, TEACHER, Run

CELL = 2000  # Examples of each label and side.
SEEDS = (0, 1)


def _predictions(gap):
    """True positive rates .9 and .9 - gap, false positive rates .1 and .1."""
    label = np.repeat([0, 0, 1, 1], CELL)
    side = np.tile(np.repeat([0, 1], CELL), 2)
    rates = [0.1, 0.1, 0.9, 0.9 - gap]
    predicted = np.concatenate([np.arange(CELL) < round(r * CELL) for r in rates])
    return {
        "id": np.array([f"e{i}" for i in range(4 * CELL)]),
        "label": label,
        "group_side": side,
        "logits": np.eye(2, dtype=np.float32)[predicted.astype(int)],
    }


def _findings(workdir, gaps):
    write_workdir(workdir, PAIRS, temperatures=(1, 10, 40), seeds=SEEDS)
    for (model, temperature), gap in gaps.items():
        for seed in SEEDS:
            run = Run(model, seed, temperature)
            write_predictions(str(workdir), run, "test", _predictions(gap))
    study = read_study(str(workdir), PAIRS)
    rows = findings_table(study, replicate(study), individual=None).rows
    return {row["claim"]: row for row in rows if row["finding"] > 1}


def test_claims_by_hand(tmp_path):
    gaps = {(TEACHER, None): 0.1, (NDS, None): 0.4}
    gaps |= {(DS, 1.0): 0.4, (DS, 10.0): 0.0, (DS, 40.0): 0.2}
    found = _findings(tmp_path, gaps)
    # Half of the examples are positive: the DPD is half the EOD.
    assert {claim: row["value"] for claim, row in found.items()} == {
        "DPD by side falls from T=1 to T=10": pytest.approx(-20),
        "EOD by side falls from T=1 to T=10": pytest.approx(-40),
        "DPD by side rises from T=10 to T=40": pytest.approx(10),
        "EOD by side rises from T=10 to T=40": pytest.approx(20),
        "DPD by side of T=10 is below the teacher's": pytest.approx(-5),
        "EOD by side of T=10 is below the teacher's": pytest.approx(-10),
    }
    assert {row["verdict"] for row in found.values()} == {"confirmed"}


def test_the_opposite_is_refuted_and_no_difference_not_decided(tmp_path):
    gaps = {(TEACHER, None): 0.1, (NDS, None): 0.4}
    gaps |= {(DS, 1.0): 0.1, (DS, 10.0): 0.4, (DS, 40.0): 0.4}
    found = _findings(tmp_path, gaps)
    assert [row["verdict"] for row in found.values()] == [
        *("refuted", "refuted", "not decided", "not decided", "refuted", "refuted")
    ]


def test_class_counts_are_those_of_welchs_test_on_each_class(tmp_path):
    workdir = write_workdir(tmp_path, SHAPES, seeds=(0, 1, 2))
    study = read_study(workdir, SHAPES)
    low, high = study.distilled[0], study.distilled[-1]
    labels = study.truth["test"].labels

    def accuracies(model):
        right = [r.predicted("test") == labels for r in study.models[model].values()]
        by_class = [[hit[labels == k].mean() for k in range(10)] for hit in right]
        return by_class, [hit.mean() for hit in right]

    rows = findings_table(study, replicate(study), individual=None).rows
    claims = [row for row in rows if row["finding"] == 1]
    assert [row["claim"] for row in claims] == [
        "#SC rises from T=1 to T=10",
        "#TC falls from T=1 to T=10",
    ]
    for row, base in zip(claims, (study.nds, study.teacher), strict=True):
        counts = []
        for model in (low, high):
            (a, overall_a), (b, overall_b) = accuracies(base), accuracies(model)
            bias = class_bias(a, b, overall_a=overall_a, overall_b=overall_b)
            counts.append(len(bias.significant))
        assert row["value"] == counts[1] - counts[0]
        assert row["lower"] < row["upper"]


def test_runs_without_a_common_seed_are_not_compared(tmp_path):
    workdir = write_workdir(tmp_path, PAIRS, temperatures=(1, 10, 40), seeds=SEEDS)
    for run in (Run(DS, 1, 1.0), Run(DS, 0, 10.0)):
        files.gfile.remove(f"{workdir}/{run.directory}/run.json")
    study = read_study(workdir, PAIRS)
    rows = findings_table(study, replicate(study), individual=None).rows
    assert {row["claim"] for row in rows} == {
        *(f"{gap} by side rises from T=10 to T=40" for gap in ("DPD", "EOD")),
        *(f"{gap} by side of T=10 is below the teacher's" for gap in ("DPD", "EOD")),
    }
