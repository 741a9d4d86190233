"""Configs, and the working directories that they make."""

import subprocess
import sys

import ml_collections
import pytest

from configs import demo, trifeature_resnet20_lenet5
from kd_keras import files
from pipelines.studies import attributes, config_checks, made_by, run_record, sealed
from pipelines.studies import config as configs
from pipelines.studies.layout import Run, parse_directory


def test_the_published_protocol():
    config = trifeature_resnet20_lenet5.get_config()
    assert config.seeds == (0, 1, 2, 3, 4)
    assert config.temperatures == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40)
    assert config.alpha == 0.8
    assert config.dataset.image_size == 224
    config_checks.validate(config)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("alpha", 1.5, r"--config.alpha must be a number in \[0, 1\]. Received: .*1.5"),
        ("alpha", float("nan"), "alpha=nan"),
        ("temperatures", (4.0, 0.0), "temperatures must be numbers above 0.*=0.0"),
        ("temperatures", (-1.0,), "temperatures=-1.0"),
        ("temperatures", (float("nan"),), "temperatures=nan"),
        ("temperatures", (2.0, 2.0), "distinct"),
        ("seeds", (), "seeds must be at least one"),
        ("seeds", (-1,), "seeds=-1"),
        ("seeds", (2**32,), r"integers from 0 to 2\*\*32 - 1.*seeds=4294967296"),
        ("seeds", (True,), "seeds=True"),
        ("teacher_cache_views", -1, "teacher_cache_views must be 0 or a number"),
        ("teacher_cache_views", 2, "just where .* augmented.*augmentation=''"),
    ],
)
def test_values_that_are_not_allowed(field, value, message):
    config = demo.get_config()
    config[field] = value
    with pytest.raises(ValueError, match=message):
        config_checks.validate(config)


@pytest.mark.parametrize(
    ("part", "field", "value", "message"),
    [
        ("student", "epochs", 0, r"student\.epochs must be .* above 0, or 0 to take"),
        ("teacher", "warmup_epochs", 20.0, r"warmup_epochs must be .* to teacher\.ep"),
        ("student", "model", "resnet21", r"student\.model must be one of .*'resnet20'"),
        ("teacher", "augmentation", "flop", r"teacher\.augmentation must .*'flip'"),
        ("student", "optimizer", "adams", r"optimizer must be.*'adamw'.*'adams'"),
        ("student", "schedule", "cos", r"'cos'.*constant, cosine, linear, step"),
        ("teacher", "learning_rate", float("inf"), r"teacher\.learning_rate.*=inf"),
        ("dataset", "image_size", -1, r"dataset\.image_size must be .* above 0.*=-1"),
        ("evaluation", "split", "train", r"one of \('validation', 'test'\)"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_recipes_are_checked_before_anything_is_trained(part, field, value, message):
    config = demo.get_config()
    config[part][field] = value
    with pytest.raises(ValueError, match=message):
        config_checks.validate(config)


def test_a_single_number_is_no_tuple():
    for field in ("temperatures", "seeds"):
        config = demo.get_config().to_dict()
        config = ml_collections.ConfigDict({**config, field: 4})
        with pytest.raises(ValueError, match=rf"{field} must be a tuple.*{field}=4"):
            config_checks.validate(config)


def test_other_temperatures_have_other_directories():
    found = {1e6: "t1000000", 4.0: "t04", 0.5: "t00.5", 1e-5: "t00.00001"}
    found[1.0000001] = "t01.0000001"
    for temperature, name in found.items():
        run = Run("ds", 3, temperature)
        assert run.directory == f"student-{name}/seed3"
        assert parse_directory(run.directory) == run
    for other in ("student-t1.2.3/seed0", "student-t./seed0", "student-t.5/seed0"):
        assert parse_directory(other) is None


def test_workdir_remembers_its_config(tmp_path):
    workdir = str(tmp_path / "study")
    config = demo.get_config()
    configs.prepare_workdir(workdir, config)
    read = configs.read_config(workdir)
    assert read.is_locked
    assert configs.to_dict(read) == configs.to_dict(config)
    assert list(read.temperatures) == [1.0, 4.0, 10.0]
    assert files.read_json(f"{workdir}/config.json")["versions"]["keras"]


def test_a_workdir_refuses_another_config(tmp_path):
    workdir = str(tmp_path)
    config = demo.get_config()
    configs.prepare_workdir(workdir, config)
    before = (tmp_path / "config.json").read_text()
    config.student.epochs = 3
    with pytest.raises(ValueError, match=r"made with student\.epochs=.*now has 3"):
        configs.prepare_workdir(workdir, config)
    assert (tmp_path / "config.json").read_text() == before


@pytest.mark.parametrize("data_dir", [False, True])
def test_a_workdir_refuses_another_content_of_its_files(tmp_path, data_dir):
    """Runs of both would be in one mean."""
    table, workdir = tmp_path / "people.csv", str(tmp_path / "w")
    table.write_text("x,y\n1,0\n")
    config = demo.get_config()
    with config.dataset.unlocked():
        config.dataset.path = "people.csv" if data_dir else str(table)
        config.dataset.data_dir = str(tmp_path) if data_dir else ""
    configs.prepare_workdir(workdir, config)
    assert [*configs.read_document(workdir)["files"]] == [config.dataset.path]
    configs.prepare_workdir(workdir, config)
    table.write_text("x,y\n-1,0\n")
    message = r"another content of the file .*people\.csv, which the config names"
    with pytest.raises(ValueError, match=message):
        configs.prepare_workdir(workdir, config)
    table.unlink()  # Reading the data will say so.
    configs.prepare_workdir(workdir, config)


def test_runs_and_evaluation_may_change_and_the_versions_stay(tmp_path, monkeypatch):
    workdir, config = str(tmp_path), demo.get_config()
    configs.prepare_workdir(workdir, config)
    before = configs.read_document(workdir)
    made = {"versions": {"keras": "4"}, "git_revision": "later"}
    monkeypatch.setattr(made_by, "current", lambda: made)
    written = (tmp_path / "config.json").stat().st_mtime_ns
    configs.prepare_workdir(workdir, config)
    assert (tmp_path / "config.json").stat().st_mtime_ns == written
    config.temperatures = (1.0, 2.0)  # More runs are no contradiction.
    config.seeds = (0, 1, 2)
    config.evaluation.split = "validation"
    configs.prepare_workdir(workdir, config)
    found = configs.read_document(workdir)
    assert found["config"] == configs.to_dict(config)
    assert found | {"config": before["config"]} == before


RACE = """
import sys
from configs import demo
from pipelines.studies import config as configs
config = demo.get_config()
config.alpha = float(sys.argv[1])
for workdir in sys.argv[2:]:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        configs.prepare_workdir(workdir, config)
    except ValueError as error:
        print(error, flush=True)
    else:
        print("made", flush=True)
"""


def test_of_two_configs_at_a_time_one_is_refused(tmp_path):
    # One of the two directories is there before.
    workdirs = [tmp_path / "new", tmp_path / "there"]
    workdirs[1].mkdir()
    racers = {
        alpha: subprocess.Popen(
            [sys.executable, "-c", RACE, alpha, *workdirs],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for alpha in ("0.25", "0.75")
    }
    for workdir in workdirs:
        for racer in racers.values():
            assert racer.stdout.readline() == "ready\n"
        for racer in racers.values():
            racer.stdin.write("\n")
            racer.stdin.flush()
        said = {alpha: racer.stdout.readline() for alpha, racer in racers.items()}
        (winner,) = (alpha for alpha, words in said.items() if words == "made\n")
        (loser,) = racers.keys() - {winner}
        assert (
            f"was made with alpha={winner}, the config now has {loser}" in said[loser]
        )
        assert configs.read_config(str(workdir)).alpha == float(winner)
        assert [path.name for path in workdir.iterdir()] == ["config.json"]
    for racer in racers.values():
        racer.communicate(timeout=60)
        assert racer.returncode == 0


def test_a_config_that_was_changed_is_named(tmp_path):
    configs.prepare_workdir(str(tmp_path), demo.get_config())
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"alpha": 0.8', '"alpha": 0.9'))
    with pytest.raises(ValueError, match=r"config\.json is not what was written.*Del"):
        configs.read_config(str(tmp_path))
    path.write_text("{}")
    with pytest.raises(
        ValueError, match=r"config\.json has no 'sha256'.*older version"
    ):
        configs.prepare_workdir(str(tmp_path), demo.get_config())


def test_runs_without_a_config_are_those_of_the_one_that_made_them(tmp_path):
    config, run = demo.get_config(), Run("nds", 0)
    directory = tmp_path / run.directory
    run_record.write(str(directory), run, config, {})
    config.seeds = (0, 1, 2)
    configs.prepare_workdir(str(tmp_path), config)
    (tmp_path / "config.json").unlink()
    config.alpha = 0.5
    with pytest.raises(ValueError, match=r"another config made .*nds/seed0/run\.json"):
        configs.prepare_workdir(str(tmp_path), config)
    assert not (tmp_path / "config.json").exists()


@pytest.mark.parametrize("damage", ["a number", "another run", "another config"])
def test_a_run_that_is_not_the_one_recorded_is_named(tmp_path, damage):
    config, run, other = demo.get_config(), Run("ds", 0, 4.0), Run("ds", 1, 4.0)
    workdir = str(tmp_path)
    for each in (run, other):
        run_record.write(f"{workdir}/{each.directory}", each, config, {"epochs": 15})
    path = tmp_path / run.directory / "run.json"
    assert run_record.read(workdir, run, config)["epochs"] == 15
    if damage == "a number":
        path.write_text(path.read_text().replace('"epochs": 15', '"epochs": 16'))
    elif damage == "another run":
        path.write_bytes((tmp_path / other.directory / "run.json").read_bytes())
    else:
        config.alpha = 0.5
    with pytest.raises(ValueError, match=rf"{path} is .* Delete .*seed0 and run"):
        run_record.read(workdir, run, config)


def test_what_made_runs_is_named_where_it_differs():
    def record(keras, revision):
        return {"versions": {"keras": keras, "numpy": "2"}, "git_revision": revision}

    records = {
        "teacher/seed0": record("3.1", "a"),
        "student-nds/seed0": record("3.1", "a"),
    }
    assert made_by.describe(records) == ""
    records["student-t04/seed0"] = record("3.2", None)
    assert made_by.describe(records) == (
        "revision a, keras 3.1 (runs teacher/seed0, student-nds/seed0); "
        "revision unknown, keras 3.2 (runs student-t04/seed0)"
    )
    for seed in range(11):
        records[f"student-t10/seed{seed}"] = record("3.3", "b")
    assert made_by.describe(records).endswith(
        "revision b, keras 3.3 (11 runs, student-t10/seed0 to student-t10/seed10)"
    )


def test_a_foreign_directory_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("words")
    with pytest.raises(ValueError, match=r"not empty and has no config\.json"):
        configs.prepare_workdir(str(tmp_path), demo.get_config())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_directory_that_cannot_be_written_to():
    with pytest.raises(ValueError, match=r"--workdir=/proc/study cannot be written"):
        configs.prepare_workdir("/proc/study", demo.get_config())


def test_attributes_are_those_of_the_config(tmp_path):
    config = demo.get_config()
    config.dataset.versions = 1
    config.dataset.image_size = 8
    config.dataset.data_dir = str(tmp_path)
    config.attributes = ("color",)
    assert list(configs.load_dataset(config).spec.groups) == ["color"]
    config.attributes = ("race",)
    with pytest.raises(ValueError, match=r"'race'.*has: texture, color"):
        configs.load_dataset(config)


def test_a_directory_without_config_says_how_to_make_one(tmp_path):
    with pytest.raises(ValueError, match=r"no config.json.*pipelines\.study"):
        configs.read_config(str(tmp_path))


@pytest.mark.parametrize("name", ["study[1]", "a*b", "c?d"])
def test_a_workdir_with_wildcards_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="--workdir must have none of"):
        configs.prepare_workdir(str(tmp_path / name), demo.get_config())
    assert not (tmp_path / name).exists()
    with pytest.raises(ValueError, match="--workdir must have none of"):
        configs.read_config(str(tmp_path / name))


@pytest.mark.parametrize(
    ("field", "value"),
    [("seeds", ["0/../../x"]), ("temperatures", ["1/../x"]), ("student", None)],
)
def test_a_config_that_no_study_wrote_is_refused(tmp_path, field, value):
    content = {**configs.to_dict(demo.get_config()), field: value}
    sealed.write(str(tmp_path / "config.json"), {"config": content})
    with pytest.raises(ValueError, match=r"config\.json holds no config of a study"):
        configs.read_config(str(tmp_path))
    sealed.write(str(tmp_path / "config.json"), {})
    with pytest.raises(ValueError, match=r"config\.json holds no config of a study"):
        configs.read_config(str(tmp_path))


CROSSED = ("color", "texture", ("color", "texture"))


def test_parts_of_crossings_are_loaded(tmp_path):
    config = demo.get_config()
    config.attributes = (("texture", "color"),)
    assert attributes.single(config) == ("texture", "color")
    assert attributes.crossings(config) == (("texture", "color"),)
    # As JSON has it, and with what is no crossing.
    config.attributes = ("color", ["texture", "color"], ["texture"])
    assert attributes.single(config) == ("color", "texture")
    assert attributes.crossings(config) == (("texture", "color"),)


def test_a_crossing_may_be_added_later(tmp_path):
    config = demo.get_config()
    config.attributes = CROSSED[:2]
    configs.prepare_workdir(str(tmp_path), config)
    before = configs.digest(configs.read_config(str(tmp_path)))
    config.attributes = CROSSED
    configs.prepare_workdir(str(tmp_path), config)
    found = configs.read_config(str(tmp_path))
    assert attributes.crossings(found) == (CROSSED[2],)
    # Runs that are there stay.
    assert configs.digest(found) == before
    config.attributes = CROSSED[:1]
    with pytest.raises(ValueError, match="was made with attributes="):
        configs.prepare_workdir(str(tmp_path), config)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("color", r"attributes must be a tuple of names.*'color'"),
        ((("color", "color"),), r"different ones to cross.*'color'"),
        (((),), r"different ones to cross"),
        ((1,), r"a name, or a tuple of names to cross. Received: 1"),
        (("color", "color"), r"must be different ones"),
        (("color x texture", ("color", "texture")), r"must be different ones"),
    ],
)
def test_attributes_that_are_none(wrong, message):
    config = demo.get_config().to_dict()
    config["attributes"] = wrong
    with pytest.raises(ValueError, match=message):
        attributes.validate(config)


@pytest.mark.parametrize("least", [-1, 2.5, True])
def test_min_examples_is_a_number(least):
    config = demo.get_config().to_dict()
    config["evaluation"]["min_examples"] = least
    with pytest.raises(ValueError, match=r"evaluation.min_examples must be an integer"):
        config_checks.validate(ml_collections.ConfigDict(config))
