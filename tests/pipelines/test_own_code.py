"""Which code a config may name, and whose word lets it be run."""

import importlib.util
import pathlib
import sys

import pytest

from configs import demo
from kd_keras import files
from pipelines.cli import given
from pipelines.studies import config as configs
from pipelines.studies import own_code, sealed

TRAP = "import pathlib\npathlib.Path({!r}).touch()\ndef load(**options): ...\n"


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A workdir with a module inside, whose import leaves a mark."""
    monkeypatch.delenv(own_code.ENVIRONMENT, raising=False)
    monkeypatch.setattr(own_code, "_admitted", set())
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "trap_module", raising=False)
    workdir = tmp_path / "study"
    workdir.mkdir()
    mark = str(tmp_path / "run")
    for folder in (workdir, tmp_path):
        (folder / "trap_module.py").write_text(TRAP.format(mark))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # As `python -m` does.
    return workdir


def config_json(workdir, **dataset):
    config = configs.to_dict(demo.get_config())
    config["dataset"] = {"data_dir": "", **dataset}
    config["attributes"] = []
    document = {"config": config, "module_path": [str(workdir)]}
    sealed.write(f"{workdir}/config.json", document)
    return configs.read_config(str(workdir))


@pytest.mark.parametrize(
    "name",
    ["trap_module:load", "subprocess:run", "os:system", "kd_keras.files:remove_tree"],
)
def test_a_config_json_alone_gets_nothing_imported(hostile, name):
    config = config_json(hostile, name=name, path=str(hostile))
    with pytest.raises(ValueError, match=rf"dataset\.name is '{name}'.*--module_path"):
        configs.load_dataset(config)
    assert not files.exists(str(hostile.parent / "run"))
    assert hostile.exists()


@pytest.mark.parametrize("field", ["soft_loss", "teacher.model", "student.optimizer"])
def test_every_field_that_names_code_is_guarded(hostile, field):
    config = demo.get_config()
    head, _, tail = field.rpartition(".")
    (config[head] if head else config)[tail] = "trap_module:load"
    with pytest.raises(ValueError, match=rf"study's {field} is 'trap_module:load'"):
        own_code.require(config)


def test_a_folder_that_is_given_is_enough(hostile, monkeypatch):
    config = config_json(hostile, name="trap_module:load")
    monkeypatch.setenv(own_code.ENVIRONMENT, str(hostile.parent))
    with pytest.raises(ValueError, match=r"must give a kd_keras\.datasets\.Dataset"):
        configs.load_dataset(config)
    assert files.exists(str(hostile.parent / "run"))


def test_another_module_of_that_name_is_not_taken_for_it(
    hostile, tmp_path, monkeypatch
):
    config = config_json(hostile, name="trap_module:load")
    other = tmp_path / "own"
    other.mkdir()
    (other / "trap_module.py").write_text("def load(): ...")
    monkeypatch.setenv(own_code.ENVIRONMENT, str(other))
    with pytest.raises(ValueError, match="another module 'trap_module' before"):
        own_code.require(config)


def test_the_caller_s_own_config_is_trusted(hostile):
    config = demo.get_config()
    config.soft_loss = "trap_module:load"
    own_code.admit(config)
    own_code.require(config)
    assert own_code.folders(config) == [str(hostile.parent.resolve())]


def test_the_command_line_gives_folders(tmp_path, monkeypatch):
    monkeypatch.setenv(own_code.ENVIRONMENT, "/before")
    assert given.ENVIRONMENT == own_code.ENVIRONMENT
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    config, policy = tmp_path / "a" / "x.py", tmp_path / "b" / "y.py"
    for path in (config, policy):
        path.write_text("")
    argv = ["study", f"--config={config}:large", "--policy", str(policy)]
    given.check_files(argv)
    given.set_module_path([*argv, f"-module_path={tmp_path / 'c'}"])
    folders = [str(tmp_path / name) for name in "abc"]
    assert given.module_path().split(":") == [*folders, "/before"]


@pytest.mark.parametrize(
    ("flag", "example"),
    [("config", "configs/demo.py"), ("policy", "configs/policies/demo.py")],
)
def test_a_config_is_a_python_file(tmp_path, flag, example):
    path = tmp_path / "config.json"
    path.write_text("{}")
    message = rf"--{flag}={path} is no Python file\. .* such as {example}\.$"
    with pytest.raises(ValueError, match=message):
        given.check_files(["study", f"--{flag}={path}"])


def test_a_config_that_is_not_there_is_one_line_with_the_nearest():
    with pytest.raises(ValueError, match=r"^--config=configs/dmeo\.py is not there\. "):
        given.check_files(["study", "--config=configs/dmeo.py"])
    root = pathlib.Path(importlib.util.find_spec("configs").origin).parent
    with pytest.raises(ValueError, match=r"Did you mean .*configs/demo\.py\?"):
        given.check_files(["study", f"--config={root / 'dmeo.py'}"])
    with pytest.raises(ValueError, match="--module_path=nowhere is no folder"):
        given.set_module_path(["study", "--module_path=nowhere"])
