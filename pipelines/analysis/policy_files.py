"""Which file holds the policy of a study, for the commands that come next."""

from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

from kd_keras import files

FOLDER = "configs/policies"
EXAMPLE = f"{FOLDER}/demo.py"


class PolicyFile(NamedTuple):
    """A policy's place.

    Attributes:
      path: as `--policy` takes it in the project's folder.
      advice: what to do where the file is not there; empty where it is.
    """

    path: str
    advice: str = ""


def of_study(config: Mapping[str, Any]) -> PolicyFile:
    """The policy that has a study's name, or where one has to be written.

    Args:
      config: the study's.
    """
    name = config.get("name", "")
    if _is_there(name):
        return PolicyFile(f"{FOLDER}/{name}.py")
    dataset = config.get("dataset", {})
    if dataset.get("name") == "table":
        # It lies beside the table.
        folder, slash, _ = dataset.get("path", "").rpartition("/")
        path = f"{folder}{slash}{name}_policy.py"
        return PolicyFile(path, f"pipelines.new wrote {path} beside the config.")
    path = f"{FOLDER}/{name or 'mine'}.py"
    return PolicyFile(path, f"Write {path} first: copy {EXAMPLE} and change it.")


def of_verdict(name: str, path: str, config: Mapping[str, Any]) -> PolicyFile:
    """The policy that a verdict is of.

    Args:
      name: of the policy.
      path: of its file, as the gate was given it; empty where it was not.
      config: the study's.
    """
    beside = of_study(config)
    if path and path == beside.path.rpartition("/")[2]:
        return beside  # A verdict names a file of another folder without its folder.
    folder = config.get("dataset", {}).get("path", "").rpartition("/")[0]
    if path and folder and "/" not in path and files.exists(f"{folder}/{path}"):
        return PolicyFile(f"{folder}/{path}")
    if path or _is_there(name):
        return PolicyFile(path or f"{FOLDER}/{name}.py")
    return beside


def _is_there(name: str) -> bool:
    there = resources.files("configs.policies").joinpath(f"{name}.py")
    return name.isidentifier() and there.is_file()
