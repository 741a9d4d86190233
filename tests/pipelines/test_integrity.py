"""Files that do not belong together are named, whatever is right about each."""

import numpy as np
import pytest
from report_workdir import (
    PAIRS,
    pairs_predictions,
    record_run,
    write_pairs,
    write_predictions,
)

from kd_keras.datasets import DatasetSpec
from pipelines.analysis import agreement, provenance
from pipelines.analysis.data_table import COUNT, POINTS, Column, DataTable
from pipelines.analysis.results import read_study
from pipelines.evaluation import hparams
from pipelines.report.write import write_report
from pipelines.studies import config as configs
from pipelines.studies import made_by, sealed, table_digests
from pipelines.studies.layout import DS, NDS, TEACHER, Run, run_dir

STUDENT = Run(DS, 1, 4.0)


@pytest.mark.parametrize("array", ["label", "group_side"])
def test_labels_and_groups_are_those_of_the_other_runs(tmp_path, array):
    workdir = write_pairs(tmp_path)
    arrays = pairs_predictions("11001101")
    arrays[array] = arrays[array].copy()
    arrays[array][3] = 1 - arrays[array][3]
    write_predictions(workdir, STUDENT, "test", arrays)
    what = {"label": "labels", "group_side": "groups of side"}[array]
    message = rf"{STUDENT.directory}/predictions/test\.npz .* the same {what} as"
    with pytest.raises(ValueError, match=message):
        read_study(workdir, PAIRS)


def test_swapped_directories_are_named(tmp_path):
    workdir = write_pairs(tmp_path)
    one, other = (tmp_path / Run(NDS, seed).directory for seed in (0, 1))
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    with pytest.raises(ValueError, match=rf"{one}/run\.json is that of .*nds/seed1"):
        read_study(workdir, PAIRS)


def test_a_student_of_a_teacher_that_was_trained_again_is_named(tmp_path):
    workdir = write_pairs(tmp_path)

    def add(run, **fields):
        path = f"{run_dir(workdir, run)}/run.json"
        sealed.write(path, {**sealed.read(path, ""), **fields})

    add(Run(TEACHER, 1), weights="a")
    add(STUDENT, weights="c", teacher="a")
    read_study(workdir, PAIRS)
    add(Run(TEACHER, 1), weights="b")
    message = r"student-t04/seed1 was distilled from other weights.*Delete .*seed1 and"
    with pytest.raises(ValueError, match=message):
        read_study(workdir, PAIRS)


def test_runs_of_several_versions_are_named_in_the_report(tmp_path, monkeypatch):
    workdir = write_pairs(tmp_path)
    mine = made_by.current()
    assert "made by" not in provenance.facts(read_study(workdir, PAIRS))
    other = {"versions": {**mine["versions"], "keras": "4"}, "git_revision": "later"}
    monkeypatch.setattr(made_by, "current", lambda: other)
    record_run(workdir, STUDENT)
    facts = provenance.facts(read_study(workdir, PAIRS))
    keras = mine["versions"]["keras"]
    assert facts["keras version"] == f"{keras}, 4"
    assert facts["made by"].endswith(
        "student-nds/seed0, student-nds/seed1, student-t04/seed0); "
        "revision later, keras 4 (runs student-t04/seed1)"
    )


def test_examples_that_rounding_decides_are_no_difference():
    logits = np.array([[2.0, 1.0], [5.0, 5.0001], [5.0, 5.1], [0.0, 0.0]])
    assert agreement._undecided(logits) == 2


def test_formulas_are_no_formulas_in_a_csv_file():
    columns = [Column("group", "g"), Column("n", "n", COUNT), Column("d", "d", POINTS)]
    texts = ['=HYPERLINK("x")', "+1", "-1", "@a", "\tb", "plain - text"]
    rows = [{"group": text, "n": -3, "d": -0.25} for text in texts]
    written = DataTable("t", "", columns, rows).csv().splitlines()
    assert written[1:] == [
        '"\'=HYPERLINK(""x"")",-3,-0.250000',
        "'+1,-3,-0.250000",
        "'-1,-3,-0.250000",
        "'@a,-3,-0.250000",
        "'\tb,-3,-0.250000",
        "plain - text,-3,-0.250000",
    ]


def test_a_class_name_has_no_line_break():
    with pytest.raises(ValueError, match=r"without line breaks.*'b\\nc'"):
        DatasetSpec("x", {"f": None}, "y", ("a", "b\nc"), {})


def test_hparams_are_not_made_from_a_table_that_was_changed(tmp_path):
    workdir = write_pairs(tmp_path)
    write_report(workdir, PAIRS)
    config = configs.read_config(workdir)
    path = tmp_path / "tables" / "runs.csv"
    table_digests.require(str(path))
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(ValueError, match=rf"{path} is not what .*SHA256SUMS.*report"):
        hparams.write(workdir, config)


def test_a_run_without_digests_is_to_be_trained_again(tmp_path):
    workdir = write_pairs(tmp_path)
    path = tmp_path / STUDENT.directory / "run.json"
    path.write_text('{"model": "ds", "seed": 1}')
    directory = run_dir(workdir, STUDENT)
    with pytest.raises(ValueError, match=rf"older version.*Delete {directory} and run"):
        read_study(workdir, PAIRS)
