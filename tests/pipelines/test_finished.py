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
    (tmp_path / "net.keras").write_text("a net")
    evaluation = {"extractor": str(tmp_path / "net.keras")}
    config = {"strategy": "one_device", "seeds": (0, 1), "dataset": data}
    config["evaluation"] = evaluation
    asked = {"config": ml_collections.ConfigDict(config), "published": "", "log_to": []}
    workdir = str(tmp_path / "work")
    end(workdir, asked)
    return workdir, asked


def end(workdir, asked, summary="all is well", own_code=False):
    finished.end(workdir, finished.made_from(asked), summary, own_code)


def said(workdir, asked):
    return finished.said(workdir, finished.made_from(asked))


def test_it_says_what_it_said(study, capsys):
    capsys.readouterr()
    workdir, asked = study
    end(workdir, asked)
    printed = capsys.readouterr().out
    assert "all is well" in printed
    assert "pipelines.select" in printed
    assert said(*study) == f"nothing to do: {workdir} is finished\n{printed[:-1]}"
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


def change_the_extractor(workdir, asked):
    os.utime(pathlib.Path(workdir).parent / "net.keras", ns=(1, 1))


def nest(workdir, asked):
    pathlib.Path(workdir, "finished.json").write_text("[" * 200_000)


def leave_the_disk(workdir, asked):
    asked["config"].dataset.data_dir = "gs://bucket/data"


def link_a_folder(workdir, asked):
    # What is behind a link is not seen, so that nothing can be said of it.
    os.rename(f"{workdir}/teacher", f"{workdir}-teacher")
    os.symlink(f"{workdir}-teacher", f"{workdir}/teacher")
    end(workdir, asked)


def escape(workdir, asked):
    end(workdir, asked, "all is \x1b[31mwell")


def put_a_list(workdir, asked):
    pathlib.Path(workdir, "finished.json").write_text("[]")


@pytest.mark.parametrize(
    "change",
    [
        *(change_config, change_published, change_a_file, cut_a_file, remove_a_file),
        *(add_a_file, change_the_data, change_the_text, damage, put_a_list),
        *(change_the_extractor, nest, leave_the_disk, link_a_folder, escape),
    ],
)
def test_it_says_nothing_after_a_change(study, change):
    assert said(*study)
    change(*study)
    assert said(*study) == ""


def test_other_code_looks_anew(study, tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    monkeypatch.setattr(finished, "_FOLDERS", (tmp_path / "code",))
    assert said(*study) == ""
    end(*study)
    assert said(*study)
    (tmp_path / "code/report.html.jinja").touch()
    assert said(*study) == ""
    end(*study)
    monkeypatch.setattr(finished, "_PACKAGES", ("keras",))
    assert said(*study) == ""


def test_what_changes_while_a_study_is_made_counts(study):
    workdir, asked = study
    before = finished.made_from(asked)
    change_the_data(workdir, asked)
    finished.end(workdir, before, "all is well", own_code=False)
    assert said(*study) == ""


def test_no_file_of_others_is_written(study, tmp_path):
    workdir, asked = study
    (tmp_path / "mine").write_text("mine")
    for name in ("finished.json", "finished.json.partial"):
        pathlib.Path(workdir, name).unlink(missing_ok=True)
        os.symlink(tmp_path / "mine", f"{workdir}/{name}")
    end(workdir, asked)
    assert (tmp_path / "mine").read_text() == "mine"
    assert said(*study)


@pytest.mark.parametrize(
    ("strategy", "own_code"), [("multi_worker_mirrored", False), ("one_device", True)]
)
def test_a_study_that_others_can_change_is_not_remembered(study, strategy, own_code):
    workdir, asked = study
    os.remove(f"{workdir}/finished.json")
    asked["config"].strategy = strategy
    end(workdir, asked, own_code=own_code)
    assert said(workdir, asked) == ""
    assert os.listdir(workdir) == ["teacher"]


def test_tensorflow_is_not_imported():
    code = "import pipelines.cli.finished, sys; print('tensorflow' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout == "False\n"
