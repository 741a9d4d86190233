"""What a module needs of this repository, read from its source."""

import ast
import dataclasses
import pathlib
import re
from collections.abc import Iterator

from bazel import facts


@dataclasses.dataclass(frozen=True)
class Module:
    """A Python file; paths are relative to the root of the repository."""

    path: pathlib.PurePath
    needs: frozenset[pathlib.PurePath]
    marks: frozenset[str]
    is_main: bool

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] == "tests" and self.path.name.startswith("test_")


def read(root: pathlib.Path, path: pathlib.PurePath) -> Module:
    """Reads one file.

    Args:
      root: of the repository.
      path: of the file, relative to `root`.

    Returns:
      The module. It needs what it imports at run time, also inside a function and by
      `importlib.import_module`, and the files beside it that a string names. A test
      also needs what it starts or reads by name: modules, files, imports of scripts.

    Raises:
      ValueError: at a relative import.
    """
    file = root / path
    nodes = list(_runtime_nodes(ast.parse(file.read_text("utf-8"))))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    # As pytest does, which puts the directory of a test on the path.
    tests = [place for place in file.parents if place.is_relative_to(root / "tests")]
    places = [*tests, root]
    needs = {
        needed.relative_to(root)
        for node in nodes
        for needed in _needs(node, file, places)
        if needed.is_relative_to(root)  # Not /proc/cpuinfo.
    }
    if loaded := facts.LOADS.get(str(path)):
        needs |= {m.relative_to(root) for m in (root / loaded).rglob("*.py")}
    return Module(
        path=path,
        needs=frozenset(needs - {path}),
        marks=frozenset(facts.MARKS & attributes),
        is_main=any(isinstance(node, ast.If) and _is_main(node.test) for node in nodes),
    )


def imported(
    root: pathlib.Path, path: pathlib.PurePath
) -> Iterator[tuple[int, pathlib.PurePath]]:
    """Line and file of all that a file imports, what is for type checkers included."""
    file = root / path
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            for needed in _needs(node, file, [root]):
                yield node.lineno, needed.relative_to(root)


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`, which may close a circle."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield from _runtime_nodes(child)


def _is_main(test: ast.expr) -> bool:
    return ast.unparse(test) == "__name__ == '__main__'"


def _needs(
    node: ast.AST, file: pathlib.Path, places: list[pathlib.Path]
) -> Iterator[pathlib.Path]:
    match node:
        case ast.ImportFrom(level=level) if level:
            raise ValueError(
                f"{file}:{node.lineno}: relative import. Name the whole module."
            )
        case ast.Import() | ast.ImportFrom():
            yield from _imported(node, places)
        case ast.Call(
            func=ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name))],
        ):
            yield from _module_files(name, places)
        case ast.Constant(value=str(text)) if file.parent in places:  # A test.
            yield from _named(text, places)
        case ast.Constant(value=str(text)):
            if not text.endswith(".py") and _is_file(file.parent / text):
                yield file.parent / text


def _imported(
    node: ast.Import | ast.ImportFrom, places: list[pathlib.Path]
) -> Iterator[pathlib.Path]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield from _module_files(alias.name, places)
            continue
        package = list(_module_files(str(node.module), places))
        module = list(_module_files(f"{node.module}.{alias.name}", places))
        # An attribute of the package hides a module with the same name.
        hidden = any(_defines(init, str(node.module), alias.name) for init in package)
        yield from package if hidden or not module else module


def _defines(init: pathlib.Path, package: str, name: str) -> bool:
    """Whether a package imports the name from one of its modules."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module != package
        and name in (alias.asname or alias.name for alias in node.names)
        for node in ast.parse(init.read_text("utf-8")).body
    )


def _named(text: str, places: list[pathlib.Path]) -> Iterator[pathlib.Path]:
    """What a test's string names: files, a module, or the imports of a script."""
    # As in --config=configs/demo.py.
    files = [place / text.rpartition("=")[2] for place in places]
    yield from filter(_is_file, files)
    if re.fullmatch(r"\w+(\.\w+)+", text):
        yield from _module_files(text, places)
        yield from _module_files(f"{text}.__main__", places)
    for line in re.findall(r"^\s*((?:from|import) .*)", text, re.MULTILINE):
        try:
            statements = ast.parse(line).body
        except SyntaxError:  # Prose.
            continue
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield from _imported(statement, places)


def _module_files(name: str, places: list[pathlib.Path]) -> Iterator[pathlib.Path]:
    """The module's file, at the first place that has it."""
    for place in places:
        base = place.joinpath(*name.split("."))
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if _is_file(file):
                yield file
                return


def _is_file(path: pathlib.Path) -> bool:
    # Some texts are too long for the file system, or have null bytes.
    try:
        return path.name != "BUILD" and path.is_file()
    except (OSError, ValueError):
        return False
