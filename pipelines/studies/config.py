"""The config of a study: what a working directory was made from."""

import dataclasses
import difflib
import json
import sys
from collections.abc import Mapping
from typing import Any

import ml_collections
import tensorflow_datasets as tfds

from kd_keras import datasets, files
from pipelines.studies import (
    attributes,
    config_checks,
    corruption_options,
    extension,
    layout,
    made_by,
    named_files,
    own_code,
    parts,
    pickled_config,
    sealed,
)

CONFIG_FILE = "config.json"
# More seeds, temperatures or methods add runs, and an evaluation can be made again:
# these may change in a working directory. So may the crossings among the attributes. A
# run says itself which options its method had.
MAY_CHANGE = (
    "seeds",
    "temperatures",
    "methods",
    "method_options",
    "evaluation",
    layout.ADDED,
)
_NEVER = object()


def prepare_workdir(workdir: str, config: ml_collections.ConfigDict) -> None:
    """Creates the working directory, or checks that `config` is the one that made it.

    config.json keeps the versions of its creation. Only the fields of MAY_CHANGE are
    ever written again. Runs that were added to the study stay added, and so do the
    options of their methods.

    Raises:
      ValueError: if the directory holds other things, another config made it, a file
        that the config names has changed since, or it cannot be written to.
    """
    _require_plain(workdir)
    path = files.join(workdir, CONFIG_FILE)
    given = to_dict(config)
    try:
        if not files.exists(path):
            _require_own(workdir, given)
        # For people: nobody imports anything for it.
        about: dict[str, Any] = {"module_path": own_code.folders(config)}
        if not files.exists(path):
            about["files"] = named_files.of_config(_flat(_fixed(given)))
        if _create(path, {"config": given, **made_by.current(), **about}):
            return
        made = read_document(workdir)
        _require_same(workdir, made["config"], given)
        named_files.require_same(
            workdir, made.get("files", {}), _flat(_fixed(made["config"]))
        )
        given = extension.with_added(
            given,
            made["config"].get(layout.ADDED, {}),
            made["config"].get("method_options", {}),
        )
        if made["config"] != given:
            sealed.write(path, {**made, "config": given})
    except files.ERRORS as error:
        raise ValueError(
            f"--workdir={workdir} cannot be written to ({error}). Name a directory "
            "that you may write to."
        ) from error


def _require_plain(workdir: str) -> None:
    if set(workdir) & set("*?[]\\"):
        raise ValueError(
            "--workdir must have none of * ? [ ] \\ in its path, which stand for other "
            f"characters where files are looked for. Received: {workdir!r}."
        )


def _create(path: str, document: dict[str, Any]) -> bool:
    """Whether config.json was not there, and is this one now."""
    content = sealed.document(path, document)
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    return files.create(path, text.encode("utf-8"))


def _require_own(workdir: str, given: dict[str, Any]) -> None:
    """Refuses a directory without config.json that has not only this config's runs."""
    names = files.gfile.listdir(workdir) if files.exists(workdir) else []
    runs = files.gfile.glob(files.join(workdir, "*", "seed*", layout.RUN_FILE))
    # The config may have been half-written when a process was killed.
    own = (CONFIG_FILE, layout.COORDINATOR)
    others = [name for name in names if not name.startswith(own)]
    # Another process of the same study may have written it just now.
    if files.exists(files.join(workdir, CONFIG_FILE)):
        return
    if others and not runs:
        raise ValueError(
            f"--workdir={workdir} is not empty and has no {CONFIG_FILE}, so it is no "
            "study's. Name a new or empty directory."
        )
    for path in sorted(runs):
        advice = f"Delete {path.rpartition('/')[0]} and run the study again."
        if sealed.read(path, advice).get("config") != digest(given):
            raise ValueError(
                f"--workdir={workdir} has no {CONFIG_FILE}, and another config made "
                f"{path}. Run the study with that config, or name a new --workdir."
            )


def read_document(workdir: str) -> dict[str, Any]:
    """What config.json holds: "config", and the "versions" and "git_revision" then.

    Raises:
      ValueError: if it is not what was written.
    """
    return sealed.read(
        files.join(workdir, CONFIG_FILE),
        "Delete it and run the study again with the config that made it.",
    )


def digest(config: Mapping[str, Any]) -> str:
    """Identifies what made a run: all fields of a config but those of MAY_CHANGE."""
    # 1 and 1.0 are the same value of a field.
    return sealed.of_json(_in_floats(_fixed(to_dict(config))))


def _fixed(config: dict[str, Any]) -> dict[str, Any]:
    """Without what may change, and what says no more than a config without it.

    A crossing makes no run another one: its parts stand for it.
    """
    fixed = {
        key: value
        for key, value in config.items()
        if key not in MAY_CHANGE and value != parts.DEFAULTS.get(key, _NEVER)
    }
    if "attributes" in fixed:
        fixed["attributes"] = list(attributes.single(config))
    return fixed


def _in_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_floats(item) for item in value]
    return float(value) if type(value) is int else value


def read_config(workdir: str) -> ml_collections.ConfigDict:
    """The locked config of a working directory.

    Raises:
      ValueError: if it is no study's, or holds what must not be read.
    """
    _require_plain(workdir)
    path = files.join(workdir, CONFIG_FILE)
    if not files.exists(path):
        raise ValueError(
            f"--workdir={workdir} has no {CONFIG_FILE}.{_did_you_mean(workdir)} Make a "
            "study there first: python -m pipelines.study --config=CONFIG "
            f"--workdir={workdir}"
        )
    pickled_config.check(workdir)
    document = read_document(workdir)
    try:
        config = ml_collections.ConfigDict(document["config"]).lock()
        config_checks.validate(config)  # Its seeds and temperatures name directories.
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} holds no config of a study: {error} Delete it and run the study "
            "again with the config that made it."
        ) from error
    return config


def load_dataset(config: ml_collections.ConfigDict) -> datasets.Dataset:
    """The data set that `config.dataset` names, with its other fields as options.

    Its sensitive attributes are those of `config.attributes`, parts of crossings
    included.

    Raises:
      ValueError: if the data set has no such attribute, the corruptions are for data of
        another kind, or the config names code that may not be imported, see `own_code`.
    """
    own_code.require(config)
    config_checks.require_usable(config)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    options = config_checks.dataset_options(config)
    loaded = datasets.load(config.dataset.name, **options)
    corruption_options.require(config, loaded.spec)
    named = attributes.single(config)
    groups = {name: loaded.spec.require_attribute(name) for name in named}
    return datasets.Dataset(
        dataclasses.replace(loaded.spec, groups=groups), loaded.splits
    )


def to_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as JSON holds it: plain dicts, tuples as lists."""
    return {key: _plain(value) for key, value in config.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, ml_collections.ConfigDict | dict):
        return to_dict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _require_same(workdir: str, made: dict[str, Any], given: dict[str, Any]) -> None:
    made, given = _flat(_fixed(made)), _flat(_fixed(given))
    for field in sorted(made.keys() | given.keys()):
        if made.get(field) == given.get(field):
            continue
        path = files.join(workdir, CONFIG_FILE)
        started = files.gfile.glob(files.join(workdir, "*", "seed*"))
        again = (
            "" if started else f" Nothing is trained there: delete {path} and go on."
        )
        raise ValueError(
            f"--workdir={workdir} was made with {field}={made.get(field)!r}, the "
            f"config now has {given.get(field)!r}. Use that value or a new --workdir."
            f"{again}"
        )


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _did_you_mean(workdir: str) -> str:
    """A folder beside it of a like name that has a study."""
    parent, _, name = workdir.rstrip("/").rpartition("/")
    parent = parent or "."
    if not files.exists(parent):
        return ""
    folders = [folder.strip("/") for folder in files.gfile.listdir(parent)]
    for like in difflib.get_close_matches(name, folders):
        if files.exists(files.join(parent, like, CONFIG_FILE)):
            return f" Did you mean --workdir={files.join(parent, like)}?"
    return ""
