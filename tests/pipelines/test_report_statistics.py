"""Bands, changes, class bias, groups and the choice of T against other sources."""

import csv
import io
import pathlib

import numpy as np
import pytest
from report_workdir import (
    PAIRS,
    pairs_predictions,
    write_embeddings,
    write_pairs,
    write_predictions,
)

from kd_keras import files
from pipelines.analysis.measures import Measure
from pipelines.analysis.published import read_published
from pipelines.analysis.results import Model, read_study
from pipelines.report.write import write_report
from pipelines.studies import sealed
from pipelines.studies.layout import DS, NDS, TEACHER, Run


def rows(workdir, table: str, **wanted: str) -> list[dict[str, str]]:
    text = pathlib.Path(workdir, "tables", f"{table}.csv").read_text("utf-8")
    found = csv.DictReader(io.StringIO(text))
    return [r for r in found if all(r[key] == wanted[key] for key in wanted)]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> str:
    workdir = write_pairs(tmp_path_factory.mktemp("pairs"))
    for seed in (0, 1):
        for run, predicted in {
            Run(TEACHER, seed): "11001100",
            Run(NDS, seed): "11101000",
            Run(DS, seed, 4.0): "11001101",
        }.items():
            arrays = pairs_predictions(predicted)
            write_predictions(workdir, run, "validation", arrays)
    write_report(workdir, PAIRS)
    return workdir


def test_changes_hold_the_difference_of_means(pairs):
    # Accuracy: nds 3/4 and 1, ds 7/8 twice: +1/8 and -1/8.
    (row,) = rows(pairs, "changes", metric="accuracy", against="nds")
    assert (row["change"], row["seeds"]) == ("0.000000", "2")
    # DPD: teacher 0, ds 1/4 (2 of 4 against 3 of 4).
    (row,) = rows(pairs, "changes", metric="dpd", against="teacher")
    assert (row["change"], row["seeds_agreeing"]) == ("0.250000", "2")


def test_class_group_changes_by_hand(pairs):
    table = rows(pairs, "class_group_change")
    found = {(r["group"], r["class"]): r["change"] for r in table}
    # nds of seed 0 errs in (a, no) and (b, yes), ds of both seeds in (b, no).
    assert found == {
        ("a", "no"): "0.250000",
        ("a", "yes"): "0.000000",
        ("b", "no"): "-0.500000",
        ("b", "yes"): "0.250000",
    }
    assert {r["examples"] for r in table} == {"2"}


def test_confusion_by_hand_with_its_evidence(pairs):
    (row,) = rows(pairs, "confusion", model="nds", group="a")
    # Seed 0: one of the two "no" is called "yes"; seed 1: no error.
    counts = [float(row[name]) for name in ("tp", "fp", "fn", "tn")]
    assert counts == [2, 0.5, 0, 1.5]
    assert row["evidence"] == "insufficient evidence"


def test_calibration_by_hand(pairs):
    (row,) = rows(pairs, "groups", model="teacher", group="a")
    # Logits 0 and 1, always right: confidence 1 / (1 + 1 / e).
    doubt = 1 - 1 / (1 + np.exp(-1))
    assert float(row["ece"]) == pytest.approx(doubt, abs=1e-6)
    assert float(row["brier"]) == pytest.approx(doubt**2, abs=1e-6)
    assert float(row["nll"]) == pytest.approx(np.log(1 + np.exp(-1)), abs=1e-6)
    assert (row["accuracy"], row["examples"]) == ("1.000000", "4")


def test_errors_are_traced_to_teacher_or_student(pairs):
    (row,) = rows(pairs, "transfer", model="ds", group="b")
    assert (row["shared"], row["introduced"], row["repaired"]) == (
        "0.000000", "0.250000", "0.000000",
    )  # fmt: skip


def test_temperature_is_chosen_on_validation_data(pairs):
    table = {row["model"]: row for row in rows(pairs, "choice")}
    # Validation: nds errs twice and ds once; either way one rate differs by 1/2.
    assert table["nds"]["validation_accuracy"] == "0.750000"
    assert table["ds"]["validation_accuracy"] == "0.875000"
    assert table["ds"]["validation_eod"] == "0.500000"
    assert [table[m]["choice"] for m in ("teacher", "nds", "ds")] == ["", "", "chosen"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Numbers of the pairs' study beside those of others."""
    directory = tmp_path_factory.mktemp("published")
    (directory / "group_fairness.csv").write_text(
        "dataset,attribute,model,temperature,"
        "accuracy,accuracy_sd,eod,eod_sd,dpd,dpd_sd,source\n"
        "trifeature,Side,ds,4,90,0.5,4.30,0.10,,,table2\n"
        "trifeature,Side,ds,10,,,2.90,,,,figure\n"
        "trifeature,Side,nds,,80,,5.00,,13.90,,table2\n"
        "other,Side,ds,1,90,,1.00,,1.00,,table2\n"
    )
    (directory / "class_bias.csv").write_text(
        "dataset,teacher,student,model,temperature,top1_mean,top1_sd,sc,tc,source\n"
        "trifeature,ResNet-20,LeNet-5,ds,4,80,1,5,15,table1\n"
        "trifeature,ResNet-56,ResNet-20,ds,4,70,1,6,16,table1\n"
    )
    (directory / "individual_fairness.csv").write_text(
        "dataset,model,temperature,individual_fairness,source\n"
        "trifeature,ds,4,0.0906,table4\n"
    )
    return str(directory)


def test_published_numbers_are_those_of_the_row(pairs, published):
    found = read_published(published, read_study(pairs, PAIRS))
    eod = found.measures[Measure("eod", "side")]
    assert eod[Model.named("ds", 4.0)].mean == pytest.approx(0.043)
    assert found.curve(Measure("eod", "side")) == pytest.approx(
        {4.0: 0.043, 10.0: 0.029}
    )
    assert found.curve(Measure("dpd", "side")) == {}
    assert found.class_bias == {Model.named("ds", 4.0): (5, 15)}
    assert found.individual[Model.named("ds", 4.0)].mean == 0.0906


def test_published_numbers_stand_beside_the_own_ones(tmp_path, published):
    workdir = write_pairs(tmp_path)
    write_report(workdir, PAIRS, published)
    eod, dpd = (
        (tmp_path / f"figures/{name}_side.svg").read_text("utf-8")
        for name in ("eod", "dpd")
    )
    # Of the students no DPD is published, of nds it is.
    assert ">published<" in eod
    assert ">nds, published<" in eod
    assert ">published<" not in dpd
    assert ">nds, published<" in dpd
    # nds has an EOD of 1/2 and 0 here.
    (nds,) = rows(workdir, "published", metric="eod", model="nds")
    found = [nds[name] for name in ("own", "published", "difference", "source")]
    assert found == ["0.250000", "0.050000", "0.200000", "table2"]
    (ds,) = rows(workdir, "published", metric="accuracy", model="ds")
    assert (ds["own"], ds["published"], ds["published_sd"]) == (
        *("0.875000", "0.900000", "0.005000"),
    )
    for row in rows(workdir, "class_bias"):
        assert (row["sc_published"], row["tc_published"]) == ("5", "15")


def test_published_directory_without_its_files_is_refused(pairs, tmp_path):
    study = read_study(pairs, PAIRS)
    with pytest.raises(ValueError, match="it has none of them"):
        read_published(str(tmp_path), study)
    (tmp_path / "class_bias.csv").write_text("dataset,model\n")
    with pytest.raises(ValueError, match="lacks the columns"):
        read_published(str(tmp_path), study)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory) -> str:
    """The pairs' study; all examples of a side look alike, the sides are 3 apart."""
    workdir = write_pairs(tmp_path_factory.mktemp("embedded"))
    path = files.join(workdir, "config.json")
    document = sealed.read(path, "")
    document["config"]["evaluation"]["individual_fairness"] = {
        "input_distance": "euclidean",
        "pairs": "all",
    }
    sealed.write(path, document)
    write_embeddings(workdir, np.repeat([[0.0, 1.0], [3.0, 1.0]], 4, axis=0))
    write_report(workdir, PAIRS)
    return workdir


def test_individual_fairness_by_hand(embedded):
    (nds,) = rows(embedded, "individual_fairness", model="nds")
    (ds,) = rows(embedded, "individual_fairness", model="ds")
    # Different predictions are a total variation of tanh(1/2) apart. Of the 16 pairs
    # across the sides, nds treats 10 (seed 0) and 8 differently, ds 8 and 8.
    unit = np.tanh(0.5) / 3 / 16
    assert float(nds["mean"]) == pytest.approx(9 * unit, abs=1e-6)
    assert float(nds["sd"]) == pytest.approx(2**0.5 * unit, abs=1e-6)
    assert float(ds["mean"]) == pytest.approx(8 * unit, abs=1e-6)
    assert float(ds["change"]) == pytest.approx(-unit, abs=1e-6)
    # Student's t with one degree of freedom (printed tables: 12.706); sd / sqrt(2) = 1.
    assert float(ds["change_upper"]) == pytest.approx(11.706 * unit, abs=1e-5)
    # 12 pairs within the sides; nds treats 3 + 3 and 4 + 4 of them differently.
    assert (nds["identical"], nds["violations"]) == ("12", "7.000000")
    assert float(nds["largest"]) == pytest.approx(np.tanh(0.5) / 3, abs=1e-6)


def test_report_says_what_the_embeddings_are(embedded):
    html = files.read_text(files.join(embedded, "report.html"))
    assert "teacher/seed0 of this study, frozen" in html
    assert "euclidean distance of 2 features" in html


def test_embeddings_of_another_teacher_or_of_zeros_are_not_used(tmp_path):
    workdir = write_pairs(tmp_path)
    write_embeddings(workdir, np.ones((8, 2)), export="another")
    write_report(workdir, PAIRS)
    html = files.read_text(files.join(workdir, "report.html"))
    assert "python -m pipelines.embeddings" in html
    write_embeddings(workdir, np.zeros((8, 2)))
    write_report(workdir, PAIRS)
    html = files.read_text(files.join(workdir, "report.html"))
    assert "8 examples have zero as embedding" in html
    assert not files.exists(files.join(workdir, "tables", "individual_fairness.csv"))
