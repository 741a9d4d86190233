"""The report's files against numbers worked by hand and against Fairlearn."""

import csv
import dataclasses
import io
import pathlib
import re
import subprocess
import sys

import fairlearn.metrics
import numpy as np
import pytest
from report_workdir import (
    FACES,
    PAIRS,
    SHAPES,
    pairs_predictions,
    write_pairs,
    write_predictions,
    write_workdir,
)

from kd_keras import files
from pipelines.analysis.results import read_study
from pipelines.report.page import page
from pipelines.report.write import write_report
from pipelines.studies.layout import DS, NDS, TEACHER, Run, run_dir


def rows(workdir, table: str) -> list[dict[str, str]]:
    path = pathlib.Path(workdir, "tables", f"{table}.csv")
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def select(table: list[dict[str, str]], **wanted: str) -> dict[str, str]:
    (row,) = (r for r in table if all(r[key] == wanted[key] for key in wanted))
    return row


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> str:
    workdir = write_workdir(tmp_path_factory.mktemp("shapes"), SHAPES)
    write_report(workdir, SHAPES)
    return workdir


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> str:
    workdir = write_pairs(tmp_path_factory.mktemp("pairs"))
    write_report(workdir, PAIRS)
    return workdir


def test_runs_hold_the_reference_case(pairs):
    table = rows(pairs, "runs")
    nds = {"model": "nds", "seed": "0"}
    assert select(table, metric="accuracy", **nds)["value"] == "0.750000"
    assert select(table, metric="dpd", **nds)["value"] == "0.500000"
    assert select(table, metric="eod", **nds)["value"] == "0.500000"
    assert select(table, metric="base_rate_gap", **nds)["value"] == "0.000000"


def test_summary_is_mean_and_sample_sd_over_seeds(pairs):
    row = select(rows(pairs, "summary"), model="nds")
    # DPD 1/2, 0: mean 1/4, sd sqrt(1/8). Accuracy 3/4, 1: mean 7/8, sd sqrt(1/32).
    assert (row["dpd_mean"], row["dpd_sd"]) == ("0.250000", "0.353553")
    assert (row["accuracy_mean"], row["accuracy_sd"]) == ("0.875000", "0.176777")
    assert row["seeds"] == "2"


def test_disagreement_counts_pairs_of_predictions(pairs):
    # Seed 0 differs in one no->yes and one yes->no, seed 1 in nothing.
    table = [row for row in rows(pairs, "disagreement") if row["model"] == "nds"]
    assert [tuple(row.values())[2:] for row in table] == [
        ("no", "yes", "0.500000"),
        ("yes", "no", "0.500000"),
    ]
    total = select(rows(pairs, "disagreement_total"), model="ds", temperature="4")
    assert (total["examples"], total["share"]) == ("1.000000", "0.125000")


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("dpd", fairlearn.metrics.demographic_parity_difference),
        ("eod", fairlearn.metrics.equalized_odds_difference),
    ],
)
@pytest.mark.parametrize("attribute", ["color", "texture"])
def test_several_classes_are_the_mean_of_fairlearns_one_vs_rest(
    shapes, metric, oracle, attribute
):
    with np.load(f"{shapes}/student-t04/seed1/predictions/test.npz") as arrays:
        groups, labels = arrays[f"group_{attribute}"], arrays["label"]
        predicted = arrays["logits"].argmax(axis=1)
    known = groups >= 0
    expected = np.mean(
        [
            oracle(
                (labels == label)[known],
                (predicted == label)[known],
                sensitive_features=groups[known],
            )
            for label in range(10)
        ]
    )
    row = select(
        rows(shapes, "runs"),
        model="ds", temperature="4", seed="1", attribute=attribute, metric=metric,
    )  # fmt: skip
    assert float(row["value"]) == pytest.approx(expected, abs=5e-7)


def test_same_predictions_give_the_same_bytes(shapes, tmp_path):
    again = write_workdir(tmp_path, SHAPES)
    paths = write_report(again, SHAPES)
    for path in paths:
        relative = pathlib.Path(path).relative_to(again)
        assert (
            pathlib.Path(path).read_bytes()
            == pathlib.Path(shapes, relative).read_bytes()
        ), relative


def test_terminal_table_is_narrow_and_agrees_with_the_csv(shapes):
    text = page(shapes, SHAPES).summary
    lines = text.splitlines()
    assert max(map(len, lines)) <= 78
    begins = [
        line.split(":")[0] for line in lines if re.match(r"[a-z ]+: +[A-Z]", line)
    ]
    assert begins == ["whom", "how sure", "lowest", "what to do"]
    for row in rows(shapes, "summary"):
        for column in ("accuracy_mean", "dpd_mean", "eod_mean", "base_rate_gap"):
            assert f"{100 * float(row[column]):.2f}" in text


def test_a_group_s_name_orders_the_terminal_nothing(tmp_path):
    evil = "a\n::error::x\x1b[31m"
    spec = dataclasses.replace(PAIRS, groups={evil: ("u\n::stop-commands::v", "w")})
    workdir = write_workdir(tmp_path, spec)
    lines = page(workdir, spec).summary.split("\n")
    assert all(line.isprintable() for line in lines)
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert any(line.startswith("a\\n::error::x\\x1b[31m (base rate") for line in lines)


def test_report_of_a_binary_task(tmp_path):
    workdir = write_workdir(tmp_path, FACES)
    paths = write_report(workdir, FACES)
    assert paths[-1] == f"{workdir}/report.html"
    assert f"{workdir}/figures/eod_young.svg" in paths
    assert all(files.exists(path) for path in paths)


def test_a_study_without_attributes_says_what_choosing_t_gains(tmp_path):
    spec = dataclasses.replace(SHAPES, groups={})
    workdir = write_workdir(tmp_path, spec)
    write_report(workdir, spec)
    (gain,) = rows(workdir, "choice_gain")
    assert (gain["measure"], gain["verdict"]) == ("accuracy", "not sure")
    html = files.read_text(f"{workdir}/report.html")
    assert "What choosing a temperature by validation gains" in html


def test_report_of_an_interrupted_study_says_what_is_missing(tmp_path):
    workdir = write_workdir(tmp_path, FACES)
    for run in (Run(NDS, 0), Run(NDS, 1), Run(DS, 1, 10.0)):
        files.gfile.remove(files.join(run_dir(workdir, run), "run.json"))
    write_report(workdir, FACES)
    html = files.read_text(f"{workdir}/report.html")
    assert "Only 7 of 10 runs are complete." in html
    assert {row["model"] for row in rows(workdir, "summary")} == {"teacher", "ds"}


@pytest.mark.parametrize(
    ("seeds", "temperatures"),
    [([3], [2.5]), ([0, 1], [])],
    ids=["one seed, one T", "no distilled student"],
)
def test_report_of_a_small_study(tmp_path, seeds, temperatures):
    workdir = write_workdir(tmp_path, PAIRS, seeds=seeds, temperatures=temperatures)
    write_report(workdir, PAIRS)
    table = rows(workdir, "summary")
    assert [row["temperature"] for row in table] == ["", "", *map(str, temperatures)]
    assert {row["dpd_sd"] == "" for row in table} == {len(seeds) == 1}


def test_gap_of_a_single_group_is_empty_and_says_why(tmp_path):
    workdir = write_workdir(tmp_path, PAIRS, seeds=[0], temperatures=[])
    for run in (Run(TEACHER, 0), Run(NDS, 0)):
        for split in ("validation", "test"):
            alone = pairs_predictions("11001100") | {"group_side": np.zeros(8, int)}
            write_predictions(workdir, run, split, alone)
    write_report(workdir, PAIRS)
    row = select(rows(workdir, "runs"), model="nds", metric="dpd")
    assert row["value"] == ""
    assert "needs at least two groups" in row["undefined"]


def test_report_without_a_complete_run_is_refused(tmp_path):
    workdir = write_workdir(tmp_path, FACES, seeds=[0], temperatures=[])
    for run in (Run(TEACHER, 0), Run(NDS, 0)):
        files.gfile.remove(files.join(run_dir(workdir, run), "run.json"))
    with pytest.raises(ValueError, match="No complete run in"):
        write_report(workdir, FACES)


def test_runs_of_different_examples_are_refused(tmp_path):
    workdir = write_pairs(tmp_path)
    changed = pairs_predictions("11101000")
    changed["id"] = changed["id"][::-1]
    write_predictions(workdir, Run(NDS, 1), "test", changed)
    with pytest.raises(ValueError, match="not about the same examples"):
        write_report(workdir, PAIRS)


def test_run_that_diverged_is_named(tmp_path):
    workdir = write_pairs(tmp_path)
    diverged = pairs_predictions("11101000")
    diverged["logits"][3] = np.nan
    write_predictions(workdir, Run(DS, 1, 4.0), "test", diverged)
    with pytest.raises(ValueError, match=r"student-t04/seed1/.*NaN"):
        write_report(workdir, PAIRS)


def test_temperatures_are_in_rising_order(tmp_path):
    workdir = write_workdir(tmp_path, PAIRS, temperatures=[10, 4, 40], seeds=[0])
    assert [m.temperature for m in read_study(workdir, PAIRS).distilled] == [4, 10, 40]


def test_main_refuses_a_foreign_directory_and_imports_no_beam(tmp_path):
    command = [sys.executable, "-X", "importtime", "-m", "pipelines.report"]
    done = subprocess.run(
        [*command, f"--workdir={tmp_path}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "config.json" in done.stderr.splitlines()[-1]
    assert "pipelines.report.figures" in done.stderr
    assert "apache_beam" not in done.stderr
    assert "tensorflow_model_analysis" not in done.stderr
