"""Configs, and the working directories that they make."""

import pytest

from configs import demo, trifeature_resnet20_lenet5
from kd_keras import files
from pipelines.studies import config as configs
from pipelines.studies.layout import Run, parse_directory


def test_the_published_protocol():
    config = trifeature_resnet20_lenet5.get_config()
    assert config.seeds == (0, 1, 2, 3, 4)
    assert config.temperatures == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40)
    assert config.alpha == 0.8
    assert config.dataset.image_size == 224
    configs.validate(config)


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
        ("teacher_cache_views", -1, "teacher_cache_views must be 0 or a number"),
        ("teacher_cache_views", 2, "just where .* augmented.*augmentation=''"),
    ],
)
def test_values_that_are_not_allowed(field, value, message):
    config = demo.get_config()
    config[field] = value
    with pytest.raises(ValueError, match=message):
        configs.validate(config)


@pytest.mark.parametrize(
    ("part", "field", "value", "message"),
    [
        ("student", "epochs", 0, r"student\.epochs must be .* above 0, or 0 to take"),
        ("teacher", "warmup_epochs", 20.0, r"warmup_epochs must be .* to teacher\.ep"),
        ("student", "model", "resnet21", r"student\.model must be one of .*'resnet20'"),
        ("teacher", "augmentation", "flop", r"teacher\.augmentation must .*'flip'"),
        ("student", "optimizer", "adams", r"'adams'.*adam, adamw, sgd"),
        ("student", "schedule", "cos", r"'cos'.*constant, cosine, linear, step"),
        ("evaluation", "split", "train", r"one of \('validation', 'test'\)"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_recipes_are_checked_before_anything_is_trained(part, field, value, message):
    config = demo.get_config()
    config[part][field] = value
    with pytest.raises(ValueError, match=message):
        configs.validate(config)


def test_other_temperatures_have_other_directories():
    found = {1e6: "t1000000", 4.0: "t04", 0.5: "t00.5", 1e-5: "t00.00001"}
    found[1.0000001] = "t01.0000001"
    for temperature, name in found.items():
        run = Run("ds", 3, temperature)
        assert run.directory == f"student-{name}/seed3"
        assert parse_directory(run.directory) == run


def test_workdir_remembers_its_config(tmp_path):
    workdir = str(tmp_path / "study")
    config = demo.get_config()
    configs.prepare_workdir(workdir, config)
    read = configs.read_config(workdir)
    assert read.is_locked
    assert read.dataset.to_dict() == config.dataset.to_dict()
    assert list(read.temperatures) == [1.0, 4.0, 10.0]
    assert files.read_json(f"{workdir}/config.json")["versions"]["keras"]


def test_a_workdir_with_runs_refuses_another_config(tmp_path):
    workdir = str(tmp_path)
    config = demo.get_config()
    configs.prepare_workdir(workdir, config)
    config.alpha = 0.5  # No run yet: may still change.
    configs.prepare_workdir(workdir, config)
    (tmp_path / "teacher" / "seed0.partial").mkdir(parents=True)
    config.temperatures = (1.0, 2.0)  # More runs are no contradiction.
    configs.prepare_workdir(workdir, config)
    config.student.epochs = 3
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(ValueError, match=r"made with student\.epochs=.*now has 3"):
        configs.prepare_workdir(workdir, config)
    assert (tmp_path / "config.json").read_text() == before


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
    with pytest.raises(ValueError, match=r"'race'.*\['color', 'texture'\]"):
        configs.load_dataset(config)


def test_a_directory_without_config_says_how_to_make_one(tmp_path):
    with pytest.raises(ValueError, match=r"no config.json.*pipelines\.study"):
        configs.read_config(str(tmp_path))
