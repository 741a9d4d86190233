"""A finished study is not looked at again, unless something has changed."""

import os
import pathlib
import subprocess
import sys

import ml_collections
import pytest

from pipelines.cli import finished

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path):
    """Working directory, and what was asked for, of a study that is finished."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/people.csv").write_text("a,b\n")
    (tmp_path / "work/teacher").mkdir(parents=True)
    (tmp_path / "work/teacher/run.json").write_text("{}")
    data = {"name": "table", "path": "people.csv", "data_dir": str(tmp_path / "data")}
    config = {"strategy": "one_device", "seeds": (0, 1), "dataset": data}
    asked = {"config": ml_collections.ConfigDict(config), "published": "", "log_to": []}
    workdir = str(tmp_path / "work")
    finished.end(workdir, asked, "all is well", own_code=False)
    return workdir, asked


def test_it_says_what_it_said(study, capsys):
    capsys.readouterr()
    workdir, asked = study
    finished.end(workdir, asked, "all is well", own_code=False)
    end = capsys.readouterr().out
    assert "all is well" in end
    assert "pipelines.select" in end
    said = finished.said(*study)
    assert said == f"nothing to do: {workdir} is finished\n{end[:-1]}"
    assert sorted(os.listdir(workdir)) == ["finished.json", "teacher"]


def change_config(workdir, asked):
    asked["config"].seeds = (0, 2)


def change_published(workdir, asked):
    asked["published"] = workdir


def change_a_file(workdir, asked):
    os.utime(f"{workdir}/teacher/run.json", ns=(1, 1))


def cut_a_file(workdir, asked):
    path = pathlib.Path(workdir, "teacher/run.json")
    before = path.stat()
    path.write_text("")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove_a_file(workdir, asked):
    os.remove(f"{workdir}/teacher/run.json")


def add_a_file(workdir, asked):
    pathlib.Path(workdir, "new").touch()


def change_the_data(workdir, asked):
    os.utime(pathlib.Path(workdir).parent / "data/people.csv", ns=(1, 1))


def change_the_text(workdir, asked):
    path = pathlib.Path(workdir, "finished.json")
    path.write_text(path.read_text().replace("well", "lost"))


def damage(workdir, asked):
    path = pathlib.Path(workdir, "finished.json")
    path.write_bytes(path.read_bytes()[:-9] + b"\xff")


def put_a_list(workdir, asked):
    pathlib.Path(workdir, "finished.json").write_text("[]")


@pytest.mark.parametrize(
    "change",
    [
        *(change_config, change_published, change_a_file, cut_a_file, remove_a_file),
        *(add_a_file, change_the_data, change_the_text, damage, put_a_list),
    ],
)
def test_it_says_nothing_after_a_change(study, change):
    assert finished.said(*study)
    change(*study)
    assert finished.said(*study) == ""


def test_other_code_looks_anew(study, tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    monkeypatch.setattr(finished, "_PACKAGES", (tmp_path / "code",))
    assert finished.said(*study) == ""
    finished.end(*study, "all is well", own_code=False)
    assert finished.said(*study)
    (tmp_path / "code/report.html.jinja").touch()
    assert finished.said(*study) == ""


@pytest.mark.parametrize(
    ("strategy", "own_code"), [("multi_worker_mirrored", False), ("one_device", True)]
)
def test_a_study_that_others_can_change_is_not_remembered(study, strategy, own_code):
    workdir, asked = study
    os.remove(f"{workdir}/finished.json")
    asked["config"].strategy = strategy
    finished.end(workdir, asked, "all is well", own_code)
    assert finished.said(workdir, asked) == ""
    assert os.listdir(workdir) == ["teacher"]


def test_tensorflow_is_not_imported():
    code = "import pipelines.cli.finished, sys; print('tensorflow' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout == "False\n"
