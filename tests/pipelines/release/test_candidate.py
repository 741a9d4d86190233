"""Which export may be released, and whether its evaluation is of it."""

import shutil

import pytest
import release_study as study

from pipelines.evaluation import plan
from pipelines.release import candidate
from pipelines.studies import config as configs
from pipelines.studies import run_record, sealed
from pipelines.studies.layout import run_dir

TEACHER, _, STUDENT = study.RUNS


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("release") / "w")
    study.write_study(workdir)
    return workdir


@pytest.fixture
def workdir(written, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(written, tmp_path / "w").as_posix()


def test_a_candidate_is_a_run_with_the_export_that_it_wrote(written):
    found = candidate.find(written, STUDENT)
    directory = run_dir(written, STUDENT)
    assert (found.run, found.directory) == (STUDENT, directory)
    assert (found.export, found.version) == (f"{directory}/export/1", 1)
    assert found.evaluation == f"{directory}/evaluation"
    record = run_record.read(written, STUDENT, configs.read_config(written))
    assert found.digest == record["export_digest"]
    assert "saved_model.pb" in found.files
    assert found.digest != candidate.find(written, TEACHER).digest


def test_a_run_that_is_not_finished_is_no_candidate(workdir):
    shutil.rmtree(run_dir(workdir, TEACHER))
    with pytest.raises(ValueError, match="the teacher seed 0 is needed"):
        candidate.find(workdir, TEACHER)


def test_an_export_without_signatures_is_no_candidate(workdir):
    path = f"{run_dir(workdir, STUDENT)}/export/1/saved_model.pb"
    with open(path, "wb") as file:
        file.write(b"")
    about = {"val_accuracy": 0.8, "seconds": 1.0, "epochs": 1, "parameters": 6}
    config = configs.read_config(workdir)
    run_record.write(run_dir(workdir, STUDENT), STUDENT, config, about)
    with pytest.raises(ValueError, match=r"export of .* cannot be used"):
        candidate.find(workdir, STUDENT)


def check(workdir, **changed):
    """As if the student had an evaluation of these exports, but for some fields."""
    found, teacher = (candidate.find(workdir, run) for run in (STUDENT, TEACHER))
    record = {
        "export": found.digest,
        "split": "test",
        "compared_with": {TEACHER.directory: teacher.digest},
        "files": {},
        **changed,
    }
    sealed.write(plan.record_path(found.directory), record)
    candidate.check_evaluation(workdir, found, teacher)


def test_an_evaluation_of_these_exports_is_enough(workdir):
    check(workdir)


def test_no_evaluation_is_refused(written):
    found, teacher = (candidate.find(written, run) for run in (STUDENT, TEACHER))
    with pytest.raises(ValueError, match=r"t04/seed0 has no evaluation\. Evaluate it"):
        candidate.check_evaluation(written, found, teacher)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"export": "0"}, r"of .*student-t04/seed0 is of another model version"),
        ({"split": "validation"}, "validation split, and the study's is test"),
        ({"compared_with": {TEACHER.directory: "0"}},
         r"is compared with another model version than .*teacher/seed0/export/1"),
        ({"compared_with": {}}, "is compared with another model version"),
    ],
    ids=["export", "split", "teacher", "no teacher"],
)  # fmt: skip
def test_an_evaluation_of_anything_else_is_refused(workdir, changed, message):
    with pytest.raises(ValueError, match=message):
        check(workdir, **changed)


def test_an_evaluation_without_the_crossings_of_the_study_is_refused(
    workdir, monkeypatch
):
    crossed = {"crossings": [["side", "age"]]}
    monkeypatch.setattr(plan, "crossings_record", lambda config: crossed)
    check(workdir, **crossed)
    for other in ({}, {"crossings": [["age", "side"]]}):
        with pytest.raises(ValueError, match=r"lacks crossings of config.attributes"):
            check(workdir, **other)
