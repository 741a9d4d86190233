"""Code of one's own that a config names, and whose word lets it be imported.

To import a module is to run it, and a config.json may come from anybody. So a name in
it counts only for modules in folders that the caller has given.
"""

import importlib.machinery
import importlib.util
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kd_keras import named
from kd_keras.datasets import PREFIXES

# Folders, apart by os.pathsep; mains add --module_path and those of --config, --policy.
ENVIRONMENT = "KD_KERAS_MODULE_PATH"
_admitted: set[str] = set()


def names(config: Mapping[str, Any]) -> dict[str, str]:
    """Field -> "module:function", of the fields that name one."""
    return {
        field: name
        for field, name in _fields(config)
        if named.is_own(name) and name.partition(":")[0] not in PREFIXES
    }


def admit(config: Mapping[str, Any], folders: Sequence[str] = ()) -> None:
    """Lets this process import what a config names that the caller has made.

    Args:
      config: the study's config, of the caller's own file or process.
      folders: where its modules are, besides `sys.path` and the given folders.
    """
    _put_on_path([*_given(), *folders])
    _admitted.update(names(config).values())


def require(config: Mapping[str, Any]) -> None:
    """Raises a ValueError unless all modules that a config names may be imported.

    They may be where the caller made the config, or gave their folder. Nothing is
    imported.
    """
    for field, name in names(config).items():
        if name in _admitted:
            continue
        module = name.partition(":")[0].partition(".")[0]
        found = importlib.machinery.PathFinder.find_spec(module, _given())
        if found is None:
            raise ValueError(
                f"The study's {field} is {name!r}, which is code that its maker had. "
                f"It is run only from a folder that you name: --module_path=FOLDER, "
                f"with {module}.py in it, or {ENVIRONMENT}. config.json says under "
                "module_path where it was; look at it first."
            )
        _put_on_path(_given())
        first = importlib.util.find_spec(module)
        if first is None or _place(first) != _place(found):
            raise ValueError(
                f"The study's {field} is {name!r}, and Python finds another module "
                f"{module!r} before {_place(found)}: {first and _place(first)}. Rename "
                "yours."
            )


def folders(config: Mapping[str, Any]) -> list[str]:
    """The folders in which this process finds the modules that a config names."""
    found = []
    for name in names(config).values():
        spec = importlib.util.find_spec(name.partition(":")[0].partition(".")[0])
        if spec is not None and spec.origin:
            path = pathlib.Path(spec.origin).resolve()
            package = spec.submodule_search_locations is not None
            found.append(str(path.parents[1 if package else 0]))
    return list(dict.fromkeys(found))


def _fields(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "dataset.name", config.get("dataset", {}).get("name")
    for role in ("teacher", "student"):
        for field in ("model", "augmentation", "optimizer"):
            yield f"{role}.{field}", config.get(role, {}).get(field)
    yield "soft_loss", config.get("soft_loss")
    for hint, fields in config.get("hints", {}).items():
        yield f"hints.{hint}.hint", fields.get("hint")
    for method, fields in config.get("method_options", {}).items():
        yield f"method_options.{method}.method", fields.get("method")
    for index, name in enumerate(config.get("metrics", ())):
        yield f"metrics[{index}]", name


def _given() -> list[str]:
    return [
        os.path.abspath(p)
        for p in os.environ.get(ENVIRONMENT, "").split(os.pathsep)
        if p
    ]


def _put_on_path(folders: Sequence[str]) -> None:
    # At the end: a file there cannot take the place of an installed package.
    sys.path.extend(
        folder for folder in dict.fromkeys(folders) if folder not in sys.path
    )


def _place(spec: importlib.machinery.ModuleSpec) -> str:
    where = spec.origin or next(iter(spec.submodule_search_locations or [""]))
    return str(pathlib.Path(where).resolve())
