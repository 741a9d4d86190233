"""The files of kd_keras.fairness build on each other without a circle."""

import ast
import pathlib
import sys

import pytest

import kd_keras.fairness

PACKAGE = "kd_keras.fairness"
FILES = {
    path.stem: path.read_text()
    for path in pathlib.Path(kd_keras.fairness.__file__).parent.glob("*.py")
}


def imported(source):
    """Names of all that a file imports, in functions and for type checkers too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = [PACKAGE] * bool(node.level) + [node.module] * bool(node.module)
            yield from (".".join([*module, alias.name]) for alias in node.names)


def import_graph(files):
    """File -> the files it imports; what none of them holds, the package does."""
    graph = {}
    for file, source in files.items():
        graph[file] = set()
        for name in imported(source):
            if f"{name}.".startswith(f"{PACKAGE}."):
                module = name.removeprefix(PACKAGE).removeprefix(".").split(".")[0]
                graph[file].add(module if module in files else "__init__")
    return graph


def order(graph):
    """Modules in layers; those of a circle, and what is above it, are in none."""
    left, layers = dict(graph), []
    while layer := [m for m, needs in left.items() if not needs & left.keys()]:
        layers.append(layer)
        for module in layer:
            del left[module]
    return layers, left


def test_the_check_finds_a_circle():
    layers, circle = order({"a": {"b"}, "b": {"a"}, "c": set(), "d": {"a"}})
    assert layers == [["c"]]
    assert circle.keys() == {"a", "b", "d"}


@pytest.mark.parametrize(
    "line",
    [
        f"from {PACKAGE}.b import x",
        f"from {PACKAGE} import b",
        f"import {PACKAGE}.b as b",
        "from . import b",
        "from .b import x",
        f"if TYPE_CHECKING:\n    from {PACKAGE}.b import X",
        f"def f():\n    from {PACKAGE}.b import x",
    ],
)
def test_any_import_can_close_a_circle(line):
    files = {"a": line, "b": f"import {PACKAGE}.a"}
    assert import_graph(files) == {"a": {"b"}, "b": {"a"}}


def test_importing_the_package_closes_a_circle():
    files = {"__init__": f"from {PACKAGE}.a import x", "a": f"from {PACKAGE} import x"}
    assert import_graph(files) == {"__init__": {"a"}, "a": {"__init__"}}
    assert import_graph({"a": f"import {PACKAGE}"}) == {"a": {"__init__"}}


def test_no_file_builds_on_one_that_builds_on_it():
    layers, circle = order(import_graph(FILES))
    assert circle == {}
    assert layers[-1] == ["__init__"]
    # The way of the data.
    place = {name: i for i, layer in enumerate(layers) for name in layer}
    way = ["encoding", "cell_counts", "prediction_counts", "confusion", "rates"]
    way += ["gap_table", "gap_blocks", "gaps", "gap_intervals", "group_counts"]
    assert [place[name] for name in way] == sorted(place[name] for name in way)
    assert place["named_gaps"] < place["group_counts"] < place["paired_counts"]


def test_numpy_and_scipy_are_enough():
    known = {*sys.stdlib_module_names, "numpy", "scipy"}
    needed = {
        name.rpartition(".")[0]
        for source in FILES.values()
        for name in imported(source)
        if name.split(".")[0] not in known and not name.startswith(PACKAGE)
    }
    assert needed == {"kd_keras.table"}
