"""pipelines.litert on a real export, and its table in the report."""

import pathlib
import shutil

import numpy as np
import pytest
import release_study as study

from kd_keras import digests, files
from kd_keras.litert import FORMATS
from pipelines.analysis.quantization import litert_table
from pipelines.analysis.results import read_study
from pipelines.release.conversion import convert
from pipelines.report.write import write_report
from pipelines.studies import config as configs
from pipelines.studies import sealed
from pipelines.studies.layout import run_dir


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(configs, "load_dataset", lambda config: study.dataset())
    workdir = str(tmp_path_factory.mktemp("litert") / "w")
    study.write_study(workdir)
    assert convert(workdir, "student-t04/seed0") == study.CANDIDATE
    yield workdir
    patch.undo()


def test_every_format_is_audited(workdir):
    rows = litert_table(workdir, read_study(workdir, study.SPEC)).rows
    assert [row["format"] for row in rows] == list(FORMATS)
    directory = pathlib.Path(run_dir(workdir, study.CANDIDATE)) / "litert"
    # Only a model of categories has one.
    assert not (directory / "vocabulary.json").exists()
    for row in rows:
        assert row["bytes"] == (directory / f"{row['format']}.tflite").stat().st_size
        assert row["milliseconds"] > 0
        # Logits 0 and 1 are far apart: no format changes an answer.
        assert row["accuracy"] == pytest.approx(66 / 80)
        assert row["dpd"] == pytest.approx(0.15)
        assert row["eod"] == pytest.approx(0.3)
        # By hand: 1.96 sqrt((2 / 82) / 82).
        ends = [row[f"accuracy_{end}"] for end in ("low", "high")]
        assert ends == pytest.approx([-0.033803, 0.033803], abs=1e-6)
        for name in ("accuracy", "dpd", "eod"):
            assert row[f"{name}_change"] == 0
            # That no answer of 80 changed does not show that none ever will.
            assert row[f"{name}_low"] <= 0 <= row[f"{name}_high"]


def test_a_change_of_answers_is_a_change_of_the_gap(workdir, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "w").as_posix()
    directory = f"{run_dir(copy, study.CANDIDATE)}/litert"
    path = f"{directory}/int8.npz"
    # As the nds answers: 62 of 80 right, DPD .05, EOD .1.
    answer = study.columns()["x"][:, 1]
    np.savez(path, probabilities=np.stack([np.zeros(80), answer], axis=1))
    record = sealed.read(f"{directory}/litert.json", "")
    record["files"]["int8.npz"] = digests.of_file(path)
    sealed.write(f"{directory}/litert.json", record)
    *_, row = litert_table(copy, read_study(copy, study.SPEC)).rows
    assert row["accuracy_change"] == pytest.approx(-4 / 80)
    assert row["dpd_change"] == pytest.approx(0.05 - 0.15)
    assert row["eod_change"] == pytest.approx(0.1 - 0.3)
    assert row["eod_low"] < row["eod_change"] < row["eod_high"]


def test_the_table_is_in_the_report(workdir):
    page = write_report(workdir)[-1]
    content = files.read_text(page)
    assert "What ships on a device" in content
    assert "dynamic_int8" in content


def test_a_converted_export_is_not_converted_again(workdir):
    path = pathlib.Path(run_dir(workdir, study.CANDIDATE)) / "litert" / "litert.json"
    before = path.stat().st_mtime_ns
    convert(workdir, "student-t04/seed0")
    assert path.stat().st_mtime_ns == before


def test_models_of_another_export_are_not_shown(workdir, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "w").as_posix()
    path = f"{run_dir(copy, study.CANDIDATE)}/litert/litert.json"
    sealed.write(path, {**sealed.read(path, ""), "export_digest": "0"})
    assert litert_table(copy, read_study(copy, study.SPEC)) is None
