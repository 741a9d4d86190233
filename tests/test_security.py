"""What the code never does: pickle, unsafe loading, local access to a remote path."""

import ast
import itertools
import pathlib

import keras
import numpy as np
import pytest

from kd_keras.models import weights

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path
    for package in ("kd_keras", "pipelines", "configs", "examples")
    for path in (ROOT / package).rglob("*.py")
)
# Modules that run what they read, or only know local files.
REFUSED_IMPORTS = {
    *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"),
    *("shutil", "glob", "tarfile"),
}
# Functions of os and os.path that touch the file system.
REFUSED_OS = {
    *("listdir", "makedirs", "mkdir", "remove", "rename", "replace", "rmdir"),
    *("scandir", "stat", "unlink", "walk", "link", "symlink", "open"),
    *("exists", "isdir", "isfile", "getsize", "getmtime"),
}
REFUSED_KEYWORDS = {"allow_pickle": True, "safe_mode": False, "enable_unsafe": True}
# TFMA's readers, which unpickle (`pipelines.evaluation.unpickling`), and all installed
# plugins of TensorBoard, some of which read any path.
REFUSED_CALLS = {
    *("load_eval_result", "load_eval_results", "load_eval_run", "run_model_analysis"),
    *("get_plugins", "get_dynamic_plugins"),
}
# In the place of `pipelines.evaluation.tensorboard_server`.
REFUSED_PROGRAMS = {"tensorboard", "tensorboard.main"}
REFUSED_BUILTINS = {"open", "eval", "exec", "compile", "__import__"}
# (file, what it may do): why.
ALLOWED = {
    ("kd_keras/files.py", "open"): "creates a local file exclusively",
    ("kd_keras/files.py", "os.link"): "makes a local file appear whole",
    ("kd_keras/files.py", "os.remove"): "the local file that was linked",
    # Before TensorFlow is there; a remote study is not remembered.
    ("pipelines/cli/finished.py", "os.walk"): "a local working directory",
    ("pipelines/cli/finished.py", "os.stat"): "a local file's size and time",
    ("pipelines/cli/finished.py", "os.path.isfile"): "whether it is one",
    ("pipelines/cli/finished.py", "os.path.isdir"): "a local working directory",
    ("pipelines/cli/finished.py", "os.replace"): "makes a local file appear whole",
}


def findings(source, name="x.py"):
    """(line, what) of everything that is refused in a source text."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for module in {n.split(".")[0] for n in names} & REFUSED_IMPORTS:
                found.append((node.lineno, module))
        elif isinstance(node, ast.Call):
            found += [(node.lineno, what) for what in _in_call(node)]
        elif isinstance(node, ast.List | ast.Tuple):
            found += [(node.lineno, what) for what in _in_command(node)]
    return [(line, what) for line, what in found if (name, what) not in ALLOWED]


def _in_call(node):
    function = ast.unparse(node.func)
    if function in REFUSED_BUILTINS:
        yield function
    if function.startswith("os.") and function.split(".")[-1] in REFUSED_OS:
        yield function
    for keyword in node.keywords:
        value = getattr(keyword.value, "value", None)
        if REFUSED_KEYWORDS.get(keyword.arg) is value and value is not None:
            yield f"{keyword.arg}={value}"
    if function == "np.load" and "allow_pickle" not in [k.arg for k in node.keywords]:
        yield "np.load without allow_pickle=False"
    # Members of an archive are read, never unpacked to where their names say.
    if function.split(".")[-1] in {
        *("enable_unsafe_deserialization", "extract", "extractall", "unpack_archive"),
    }:
        yield function
    if function.split(".")[-1] in REFUSED_CALLS:
        yield function
    if any(k.arg == "shell" for k in node.keywords):
        yield "shell"


def _in_command(sequence):
    """Programs that are started, as in [sys.executable, "-m", "tensorboard.main"]."""
    words = [getattr(item, "value", None) for item in sequence.elts]
    for before, word in itertools.pairwise([None, *words]):
        if word in REFUSED_PROGRAMS and before in (None, "-m"):
            yield word


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import shutil",
        "open('x')",
        "os.path.exists(p)",
        "os.rename(a, b)",
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "keras.models.load_model(p, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
        "archive.extractall(folder)",
        "eval(text)",
        "subprocess.run(c, shell=True)",
        "tfma.load_eval_result(p)",
        "default.get_plugins()",
        "command = [*(sys.executable, '-m', 'tensorboard.main'), x]",
        "subprocess.Popen(['tensorboard', '--logdir', x])",
    ],
)
def test_the_check_finds_what_it_looks_for(source):
    assert findings(source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources(path):
    assert findings(path.read_text(), str(path.relative_to(ROOT))) == []


def test_html_is_escaped():
    environments = [
        node
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Environment")
    ]
    assert environments
    for node in environments:
        assert any(keyword.arg == "autoescape" for keyword in node.keywords)


def test_a_pickle_in_an_array_file_is_not_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (pathlib.Path.touch, (tmp_path / "run",))

    path = tmp_path / "weights.npz"
    np.savez(path, **{"dense/kernel": np.array([Hostile()], dtype=object)})
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="allow_pickle=False"):
        weights.load(model, str(path), "mlp")
    assert not (tmp_path / "run").exists()
