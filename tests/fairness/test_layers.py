"""The files of kd_keras.fairness build on each other without a circle."""

import ast
import pathlib

import kd_keras.fairness

PACKAGE = pathlib.Path(kd_keras.fairness.__file__).parent


def imports(path):
    """The package's modules that a file imports, for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("kd_keras.fairness."):
                yield name.split(".")[2]


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


def test_no_file_builds_on_one_that_builds_on_it():
    files = {p.stem: p for p in PACKAGE.glob("*.py") if p.stem != "__init__"}
    graph = {name: set(imports(p)) & files.keys() for name, p in files.items()}
    layers, circle = order(graph)
    assert circle == {}
    assert sum(map(len, layers)) == len(files)
    # The way of the data.
    place = {name: i for i, layer in enumerate(layers) for name in layer}
    way = ["encoding", "cell_counts", "prediction_counts", "confusion", "rates"]
    way += ["gap_table", "gap_blocks", "gaps", "gap_intervals", "group_counts"]
    assert [place[name] for name in way] == sorted(place[name] for name in way)
