"""The text of BUILD files, from what the modules need."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterable, Iterator

from bazel import directions, facts
from bazel.imports import Module

Path = pathlib.PurePath
TOP = Path(".")
HEADER = "# Written by bazel/build_files.py; what imports do not say is in facts.py.\n"
MACROS = ("module_binary", "pytest_test")


@dataclasses.dataclass(frozen=True)
class Workspace:
    """All modules of the repository; paths are relative to its root."""

    modules: list[Module]

    @functools.cached_property
    def packages(self) -> set[Path]:
        return {module.path.parent for module in self.modules}

    def build_files(self) -> dict[Path, str]:
        """Path and text of every BUILD file."""
        parts = {package: self._package(package) for package in self.packages}
        parts[TOP] = self._top()
        return {
            package / "BUILD": _text([text for text in part if text])
            for package, part in parts.items()
        }

    def _top(self) -> Iterator[str]:
        yield self._exports(TOP, {"pyproject.toml", "requirements.lock"})
        library = [m.path for m in self.modules if m.path.parts[0] == "kd_keras"]
        yield "# What other workspaces depend on.\n" + _rule(
            "py_library",
            name="kd_keras",
            visibility=["//visibility:public"],
            deps=self._labels(library, TOP),
        )

    def _package(self, package: Path) -> Iterator[str]:
        names = sorted({*facts.VISIBLE_TO[directions.room(package)], "tests"})
        visible = [
            f"//{name}:{'__pkg__' if directions.has_rooms(name) else '__subpackages__'}"
            for name in names
        ]
        # The library of all of kd_keras.
        visible += ["//:__pkg__"] * (package.parts[0] == "kd_keras")
        yield _rule("package", default_visibility=visible)
        yield self._exports(package, facts.EXPORTS.get(str(package), set()))
        for module in self.modules:
            if module.path.parent != package:
                continue
            yield self._test(module) if module.is_test else self._library(module)
            if module.is_main and package.parts[0] not in facts.NO_MAINS:
                yield self._binary(module)

    def _exports(self, package: Path, names: Iterable[str]) -> str:
        """Files that other packages name."""
        needed = {
            str(file.relative_to(package))
            for module in self.modules
            for file in module.needs
            if file.suffix != ".py"
            and package == self._home(file) != module.path.parent
        }
        files = sorted({*names, *needed})
        items = "".join(f'    "{file}",\n' for file in files)
        return f"exports_files([\n{items}])\n" if files else ""

    def _library(self, module: Module) -> str:
        return _rule(
            "py_library",
            name=module.path.stem,
            testonly=module.path.parts[0] == "tests",
            srcs=[module.path.name],
            **self._needs(module.needs, module.path.parent),
        )

    def _test(self, module: Module) -> str:
        conftests = {
            other.path
            for other in self.modules
            if other.path.name == "conftest.py"
            and other.path.parent in module.path.parents
        }
        places = [str(place) for place in (module.path, *module.path.parents)]
        size = facts.SLOW_SIZE if "slow" in module.marks else facts.SIZE
        return _rule(
            "pytest_test",
            name=module.path.stem,
            size=next((facts.SIZES[p] for p in places if p in facts.SIZES), size),
            srcs=[module.path.name],
            tags=sorted({*module.marks, *facts.TAGS.get(str(module.path), ())}),
            **self._needs(module.needs | conftests, module.path.parent),
        )

    def _binary(self, module: Module) -> str:
        path = module.path
        name, runs, needs = f"{path.stem}_main", path.with_suffix(""), {path}
        if path.stem == "__main__":
            name, runs = "main", path.parent
            needs.add(path.parent / "__init__.py")
        return _rule(
            "module_binary",
            name=name,
            module=".".join(runs.parts),
            **self._needs(needs, path.parent),
        )

    def _needs(self, files: Iterable[Path], package: Path) -> dict[str, list[str]]:
        python = {file for file in files if file.suffix == ".py"}
        return {
            "data": self._labels(set(files) - python, package),
            "deps": self._labels(python, package),
        }

    def _labels(self, files: Iterable[Path], package: Path) -> list[str]:
        """Labels as the package writes them, its own first."""
        labels = []
        for file in files:
            home = self._home(file)
            name = file.stem if file.suffix == ".py" else file.relative_to(home)
            place = "" if home == package else f"//{'' if home == TOP else home}"
            labels.append(f"{place}:{name}")
        return sorted(labels, key=lambda label: (label.startswith("//"), label))

    def _home(self, file: Path) -> Path:
        """The package that a file belongs to."""
        return next((p for p in file.parents if p in self.packages), TOP)


def _text(calls: list[str]) -> str:
    """A BUILD file of these calls."""
    macros = [m for m in MACROS if any(call.startswith(m) for call in calls)]
    names = ", ".join(f'"{name}"' for name in macros)
    load = [f'load("//bazel:python.bzl", {names})\n'] if macros else []
    return "\n".join([HEADER, *load, *calls])


def _rule(kind: str, **attributes: str | bool | list[str]) -> str:
    """A call of a rule; attributes that are empty or False are left out."""
    lines = [f"    {name} = {_value(v)},\n" for name, v in attributes.items() if v]
    return f"{kind}(\n{''.join(lines)})\n"


def _value(value: str | bool | list[str]) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if len(value) == 1:
        return f'["{value[0]}"]'
    return "[\n" + "".join(f'        "{item}",\n' for item in value) + "    ]"
