"""The table of LiteRT models, from files that are written by hand."""

import dataclasses
import io

import numpy as np
import pytest
from report_workdir import PAIRS, write_pairs

from kd_keras import digests, files
from kd_keras.litert import FORMATS
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.quantization import directory, is_made_from, litert_table
from pipelines.analysis.results import read_study
from pipelines.studies import sealed
from pipelines.studies.layout import DS, Run

RUN = Run(DS, 1, 4.0)
# Of labels 1100 1100: the run itself answers 11001101. One of eight is wrong.
ANSWERS = {
    "float32": "11001101",
    "float16": "11001100",
    "dynamic_int8": "11001111",
    "int8": "01001101",
}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    workdir = write_pairs(tmp_path_factory.mktemp("pairs"))
    path = directory(workdir, RUN)
    for name, answers in zip(FORMATS, ANSWERS.values(), strict=True):
        content = io.BytesIO()
        np.savez(content, probabilities=np.eye(2)[[int(digit) for digit in answers]])
        files.write_bytes(files.join(path, f"{name}.npz"), content.getvalue())
    record = {
        "export_digest": read_study(workdir, PAIRS)
        .models[_model(workdir)][1]
        .info["export_digest"],
        "split": "test",
        "formats": {
            name: {"bytes": 1000 + i, "milliseconds": 0.5 * i}
            for i, name in enumerate(FORMATS)
        },
        "files": digests.of_directory(path),
    }
    sealed.write(files.join(path, "litert.json"), record)
    return workdir


def _model(workdir):
    return read_study(workdir, PAIRS).distilled[0]


def test_one_row_per_format(workdir):
    table = litert_table(workdir, read_study(workdir, PAIRS))
    assert isinstance(table, DataTable)
    names = ("model", "temperature", "seed", "format", "bytes", "milliseconds")
    assert [tuple(row[name] for name in names) for row in table.rows] == [
        ("ds", 4.0, 1, name, 1000 + i, 0.5 * i) for i, name in enumerate(FORMATS)
    ]
    assert {row["attribute"] for row in table.rows} == {"side"}
    assert [row["accuracy"] for row in table.rows] == [7 / 8, 1, 6 / 8, 6 / 8]
    # In a two of four are selected, once one; in b three, two, four and three.
    assert [row["dpd"] for row in table.rows] == [1 / 4, 0, 1 / 2, 1 / 2]
    changes = {
        name: [row[f"{name}_change"] for row in table.rows]
        for name in ("accuracy", "dpd", "eod")
    }
    assert changes == {
        "accuracy": [0, 1 / 8, -1 / 8, -1 / 8],
        "dpd": [0, -1 / 4, 1 / 4, 1 / 4],
        # FPR of b: 1/2, 0, 1, 1/2; TPR of a with int8: 1/2.
        "eod": [0, -1 / 2, 1 / 2, 0],
    }
    for row in table.rows:
        for name in changes:
            value = row[f"{name}_change"]
            assert row[f"{name}_low"] <= value <= row[f"{name}_high"]
    assert [c.name for c in table.columns][:7] == [*names, "attribute"]
    assert [c.name for c in table.columns][7:11] == [
        *("accuracy", "accuracy_change", "accuracy_low", "accuracy_high")
    ]


def test_groups_of_four_have_no_gap_by_default(workdir):
    study = read_study(workdir, PAIRS)
    del study.config["evaluation"]["min_examples"]
    table = litert_table(workdir, study)
    for row in table.rows:
        assert np.isnan([row["dpd"], row["eod_change"]]).all()
        assert not np.isnan([row["accuracy"], row["accuracy_change"]]).any()


def test_models_of_another_export_or_split_are_left_out(workdir):
    path = directory(workdir, RUN)
    record = sealed.read(files.join(path, "litert.json"), "")
    assert is_made_from(path, record["export_digest"], "test")
    assert not is_made_from(path, "another", "test")
    assert not is_made_from(path, record["export_digest"], "validation")
    assert not is_made_from(f"{path}-not-there", record["export_digest"], "test")


def test_no_table_without_converted_runs(tmp_path):
    workdir = write_pairs(tmp_path)
    assert litert_table(workdir, read_study(workdir, PAIRS)) is None


def test_a_file_that_was_changed_is_named(workdir):
    path = files.join(directory(workdir, RUN), "float16.npz")
    content = files.gfile.GFile(path, "rb").read()
    files.write_bytes(path, content + b" ")
    try:
        with pytest.raises(ValueError, match=rf"{path} is not what was written"):
            litert_table(workdir, read_study(workdir, PAIRS))
    finally:
        files.write_bytes(path, content)


def test_without_attributes_there_is_one_row_a_format(workdir):
    found = read_study(workdir, PAIRS)
    spec = dataclasses.replace(PAIRS, groups={})
    table = litert_table(workdir, dataclasses.replace(found, spec=spec))
    assert [row["format"] for row in table.rows] == [*FORMATS]
    assert [row["accuracy"] for row in table.rows] == [7 / 8, 1, 6 / 8, 6 / 8]
    assert not any("attribute" in row or "dpd" in row for row in table.rows)


def test_the_interval_of_a_format_is_of_its_change(workdir):
    for row in litert_table(workdir, read_study(workdir, PAIRS)).rows:
        # Of eight examples not more than one answers otherwise.
        assert -1 <= row["accuracy_low"] <= row["accuracy_high"] <= 1
        # By hand, where no answer is another one: 1.96 sqrt((2 / 10) / 10).
        if row["accuracy_change"] == 0:
            assert row["accuracy_high"] == pytest.approx(0.27718, abs=1e-5)
            assert row["accuracy_low"] == -row["accuracy_high"]
