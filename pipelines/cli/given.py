"""Folders and files that the command line names, before its flags are parsed."""

import difflib
import os
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

# As in pipelines/studies/own_code.py, which reads it.
ENVIRONMENT = "KD_KERAS_MODULE_PATH"
# Flag of a file -> one that is there.
FILES = {"config": "configs/demo.py", "policy": "configs/policies/demo.py"}


def check_files(argv: Sequence[str]) -> None:
    """Raises a ValueError unless --config and --policy are Python files."""
    for flag, path in _values(argv, FILES):
        if not path.is_file():
            names = [p.name for p in path.parent.glob("*.py") if p.name[0] != "_"]
            close = difflib.get_close_matches(path.name, names, n=1)
            advice = f" Did you mean {path.parent / close[0]}?" if close else ""
            raise ValueError(f"--{flag}={path} is not there.{advice}")
        if path.suffix != ".py":
            raise ValueError(
                f"--{flag}={path} is no Python file. Give the .py file that makes the "
                f"{flag}, such as {FILES[flag]}."
            )


def set_module_path(argv: Sequence[str]) -> None:
    """Adds the folders of --config, --policy and --module_path to the environment.

    In the environment they also reach the processes that a main starts. These folders
    are those whose code may be run, whatever a working directory names.
    """
    given = [str(path.resolve().parent) for _, path in _values(argv, FILES)]
    for _, folders in _values(argv, ("module_path",)):
        for folder in str(folders).split(os.pathsep):
            if not pathlib.Path(folder).is_dir():
                raise ValueError(f"--module_path={folder} is no folder that is there.")
            given.append(str(pathlib.Path(folder).resolve()))
    before = os.environ.get(ENVIRONMENT, "")
    found = dict.fromkeys([*given, *filter(None, before.split(os.pathsep))])
    if found:
        os.environ[ENVIRONMENT] = os.pathsep.join(found)


def policy() -> str:
    """The policy that goes with --config by its name, or the demo's."""
    for _, path in _values(sys.argv, ("config",)):
        beside = path.with_name(f"{path.stem}_policy.py")
        for of_config in (beside, pathlib.Path("configs/policies", path.name)):
            if of_config.is_file():
                return str(of_config)
    return "configs/policies/demo.py"


def module_path() -> str:
    """The folders whose code may be run, as --module_path takes them."""
    return os.environ.get(ENVIRONMENT, "")


def _values(
    argv: Sequence[str], names: Iterable[str]
) -> Iterator[tuple[str, pathlib.Path]]:
    flag = re.compile(rf"--?({'|'.join(names)})(?:=(.*))?", re.DOTALL)
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if match := flag.fullmatch(word):
            name, value = match.groups()
            value = following if value is None else value
            # What follows a colon is the config's own argument.
            path = value.split(":", 1)[0] if name in FILES else value
            if path:
                yield name, pathlib.Path(path)
