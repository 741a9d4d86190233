"""Imports between packages go in the directions of the architecture, in any form."""

import ast
import pathlib

import pytest

from bazel import directions

# Of the source tree, also where this file is a link to it.
ROOT = pathlib.Path(__file__).resolve().parents[1]
MAINS = [*(ROOT / "pipelines").glob("*.py"), ROOT / "pipelines/report/__main__.py"]


def offences(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(directions.offences(root))


def test_no_import_goes_against_the_directions():
    assert list(directions.offences(ROOT)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pipelines.analysis.x",
        "from pipelines.analysis.x import f",
        "from pipelines.analysis import x as y",
        "def f():\n    from pipelines.analysis import x",
        "if TYPE_CHECKING:\n    from pipelines.analysis import x",
        "importlib.import_module('pipelines.analysis.x')",
    ],
)
def test_every_form_of_import_is_seen(tmp_path, source):
    files = {"pipelines/analysis/x.py": "", "pipelines/studies/card.py": source}
    (found,) = offences(tmp_path, files)
    line = source.count("\n") + 1
    assert found == (
        f"pipelines/studies/card.py:{line}: pipelines/studies -> pipelines/analysis "
        "(pipelines/analysis/x.py); allowed are pipelines, pipelines/language_models, "
        "pipelines/release, pipelines/report, pipelines/tfx"
    )


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("kd_keras/a.py", "pipelines/studies", False),
        ("kd_keras/fairness/a.py", "kd_keras/models", True),
        ("configs/a.py", "kd_keras", False),
        ("pipelines/study.py", "pipelines/cli", True),
        ("pipelines/stages.py", "pipelines/report", True),
        ("pipelines/report/__main__.py", "pipelines/cli", True),
        ("pipelines/cli/a.py", "kd_keras", False),
        ("pipelines/studies/a.py", "kd_keras/models", True),
        ("pipelines/studies/a.py", "pipelines", False),
        ("pipelines/studies/a.py", "pipelines/cli", False),
        ("pipelines/studies/a.py", "pipelines/evaluation", False),
        ("pipelines/studies/a.py", "pipelines/report", False),
        ("pipelines/studies/a.py", "pipelines/release", False),
        ("pipelines/evaluation/metrics/a.py", "pipelines/evaluation", True),
        ("pipelines/evaluation/a.py", "pipelines/studies", True),
        ("pipelines/evaluation/a.py", "pipelines/analysis", False),
        ("pipelines/evaluation/a.py", "pipelines/report", False),
        ("pipelines/analysis/a.py", "pipelines/studies", True),
        ("pipelines/analysis/a.py", "pipelines/evaluation", True),
        ("pipelines/analysis/a.py", "pipelines/report", False),
        ("pipelines/report/a.py", "pipelines/analysis", True),
        ("pipelines/report/a.py", "pipelines/evaluation", False),
        ("pipelines/report/a.py", "pipelines/release", False),
        ("pipelines/release/a.py", "pipelines/evaluation", True),
        ("pipelines/release/a.py", "pipelines/report", False),
        ("pipelines/language_models/a.py", "pipelines/report", True),
        ("pipelines/language_models/a.py", "pipelines/release", False),
        ("pipelines/language_models/a.py", "pipelines/evaluation", False),
        ("pipelines/report/a.py", "pipelines/language_models", False),
        ("pipelines/tfx/a.py", "kd_keras", True),
        ("pipelines/tfx/a.py", "pipelines/cli", False),
        ("pipelines/tfx/a.py", "pipelines/studies", True),
        ("pipelines/tfx/a.py", "pipelines/release", True),
        ("pipelines/tfx/a.py", "pipelines/report", False),
    ],
)
def test_directions(tmp_path, importer, imported, allowed):
    module = imported.replace("/", ".") + ".b"
    files = {f"{imported}/b.py": "", importer: f"import {module}"}
    assert (offences(tmp_path, files) == []) == allowed


def test_only_mains_use_what_starts_them():
    for path in (ROOT / "pipelines").rglob("*.py"):
        if "cli" in path.parent.parts or path in MAINS:
            continue
        assert "pipelines.cli" not in path.read_text(), path


@pytest.mark.parametrize("path", MAINS, ids=lambda path: path.stem)
def test_a_main_is_short_and_imports_in_main_at_most_once(path):
    # stages is no main, but what several of them share.
    most = {"stages": 110}.get(path.stem, 45)
    assert len(path.read_text().splitlines()) <= most
    assert len(inner_imports(path)) <= 1


def test_nothing_else_imports_inside_a_function():
    others = set((ROOT / "pipelines").rglob("*.py")) - set(MAINS)
    others.remove(ROOT / "pipelines/cli/quiet.py")  # Whose subject is an import.
    assert [p for p in sorted(others) if inner_imports(p)] == []


@pytest.mark.parametrize(
    ("room", "libraries"),
    [
        ("analysis", ("matplotlib", "jinja2", "html", "tensorflow_model_analysis")),
        ("report", ("scipy", "kd_keras.fairness.bootstrap", "kd_keras.fairness.gaps")),
    ],
)
def test_analysis_draws_nothing_and_the_report_measures_nothing(room, libraries):
    for path in (ROOT / "pipelines" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            for name in names:
                assert not name.startswith(libraries), f"{path}:{node.lineno}: {name}"


def inner_imports(path):
    return [
        node
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
