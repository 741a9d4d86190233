"""BUILD files agree with the imports, and Bazel refuses a forbidden import."""

import pathlib
import re
import shutil
import subprocess

import pytest

from bazel import build_files, facts, imports

# Of the source tree, also where this file is a link to it.
ROOT = pathlib.Path(__file__).resolve().parents[1]
LIBRARY = {
    "kd_keras/__init__.py": "from kd_keras.two import two\ng = 1",
    "kd_keras/one.py": "",
    "kd_keras/two.py": "",
    "kd_keras/style.css": "",
    "tests/a/helper.py": "",
}


def write_files(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def needs_of(root, path):
    needs = imports.read(root, pathlib.PurePath(path)).needs
    return {str(file) for file in needs}


def test_build_files_agree_with_the_imports():
    assert build_files.check(ROOT) == []


def test_facts_are_about_files_that_exist():
    names = {*facts.VISIBLE_TO, *facts.LOADS, *facts.SIZES, *facts.TAGS}
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        pytest.param("import kd_keras.one", "kd_keras/one.py", id="import"),
        pytest.param("from kd_keras import one", "kd_keras/one.py", id="module"),
        pytest.param("from kd_keras.one import f", "kd_keras/one.py", id="name"),
        pytest.param("from kd_keras import g", "kd_keras/__init__.py", id="package"),
        # The package imports a function of the same name as its module.
        pytest.param("from kd_keras import two", "kd_keras/__init__.py", id="hidden"),
        pytest.param("def f():\n  import kd_keras.one", "kd_keras/one.py", id="lazy"),
        pytest.param("i.import_module('kd_keras.one')", "kd_keras/one.py", id="call"),
        pytest.param("if TYPE_CHECKING:\n  import kd_keras.one", None, id="type"),
        pytest.param("import numpy, os.path", None, id="other packages"),
        pytest.param("read('style.css')", "kd_keras/style.css", id="data"),
        pytest.param("'kd_keras.one'", None, id="text"),
    ],
)
def test_needs_of_a_library(tmp_path, source, needs):
    write_files(tmp_path, {**LIBRARY, "kd_keras/x.py": source})
    assert needs_of(tmp_path, "kd_keras/x.py") == ({needs} if needs else set())


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        pytest.param("import helper", "tests/a/helper.py", id="helper"),
        pytest.param("run('-m', 'kd_keras.one')", "kd_keras/one.py", id="main"),
        pytest.param("run('--config=kd_keras/one.py')", "kd_keras/one.py", id="flag"),
        pytest.param(
            "run('-c', 'import os\\nimport kd_keras.one')",
            "kd_keras/one.py",
            id="script",
        ),
        pytest.param("'from one to the other'", None, id="prose"),
    ],
)
def test_needs_of_a_test(tmp_path, source, needs):
    write_files(tmp_path, {**LIBRARY, "tests/a/test_x.py": source})
    assert needs_of(tmp_path, "tests/a/test_x.py") == ({needs} if needs else set())


def test_relative_import(tmp_path):
    write_files(tmp_path, {"kd_keras/x.py": "import os\nfrom . import files"})
    with pytest.raises(ValueError, match=r"kd_keras/x.py:2: relative import"):
        imports.read(tmp_path, pathlib.PurePath("kd_keras/x.py"))


def test_check_names_the_line(tmp_path):
    write_files(tmp_path, {"kd_keras/x.py": "", "kd_keras/y.py": ""})
    build_files.write(tmp_path)
    assert build_files.check(tmp_path) == []
    lines = (tmp_path / "kd_keras/BUILD").read_text().splitlines()
    line = lines.index('    srcs = ["x.py"],') + 2
    write_files(tmp_path, {"kd_keras/x.py": "from kd_keras import y"})
    assert build_files.check(tmp_path) == [
        f"kd_keras/BUILD:{line}: has ')', needs '    deps = [\":y\"],'"
    ]


def test_what_a_build_file_needs_is_visible_to_it():
    texts = {
        str(path.parent.relative_to(ROOT)): path.read_text()
        for top in ("configs", "kd_keras", "pipelines")
        for path in (ROOT / top).rglob("BUILD")
    }
    seen = 0
    for package, text in texts.items():
        for needed in re.findall(r'"//([\w/]+):\w+"', text.partition("\n)\n")[2]):
            head = texts.get(needed, "").partition("\n)\n")[0]
            places = re.findall(r'"//([\w/]+):(__pkg__|__subpackages__)"', head)
            assert any(
                package == place
                or (kind == "__subpackages__" and package.startswith(f"{place}/"))
                for place, kind in [*places, (needed, "__pkg__")]
            ), f"{package} -> {needed}"
            seen += 1
    assert seen > 100


@pytest.mark.skipif(not shutil.which("bazel"), reason="Bazel is not installed")
def test_forbidden_imports_fail_the_build(tmp_path):
    root = tmp_path / "workspace"
    for directory in ("bazel", "configs", "kd_keras", "pipelines"):
        shutil.copytree(ROOT / directory, root / directory)
    for name in ("WORKSPACE", ".bazelrc", ".bazelignore"):
        shutil.copy(ROOT / name, root)
    write_files(
        root,
        {
            "kd_keras/forbidden.py": "from pipelines.studies import layout",
            "configs/forbidden.py": "from kd_keras import files",
            "pipelines/report/forbidden.py": "from pipelines.release import policy",
            "pipelines/studies/forbidden.py": "from pipelines.cli import start",
            "pipelines/allowed.py": "from pipelines.release import policy",
        },
    )
    build_files.write(root)

    def build(*targets):
        python = f"--repo_env=KD_KERAS_PYTHON={shutil.which('python3')}"
        # Without a server, which would stay.
        bazel = ["bazel", "--batch", f"--output_user_root={tmp_path}/output"]
        return subprocess.run(
            [*bazel, "build", "--nobuild", "--keep_going", python, *targets],
            cwd=root,
            capture_output=True,
            text=True,
        )

    allowed = build("//pipelines:allowed")
    assert allowed.returncode == 0, allowed.stderr
    rooms = ("kd_keras", "configs", "pipelines/report", "pipelines/studies")
    forbidden = build(*(f"//{room}:forbidden" for room in rooms))
    assert forbidden.returncode != 0
    for needed, target in (
        ("//pipelines/studies:layout", "//kd_keras:forbidden"),
        ("//pipelines/release:policy", "//pipelines/report:forbidden"),
        ("//pipelines/cli:start", "//pipelines/studies:forbidden"),
        ("//kd_keras:files", "//configs:forbidden"),
    ):
        assert (
            f"target '{needed}' is not visible from target '{target}'"
            in forbidden.stderr
        )
