"""The commands of the documentation, and whether they could be given."""

import functools
import os
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

# Of the source tree, also where this file is a link to it.
ROOT = pathlib.Path(__file__).resolve().parents[1]

# Prints what the flags of a main leave over, and runs nothing else of it.
_PARSE = """
import runpy, sys
from pipelines.cli import start
def parse(main, needs=(), known_only=False, unless=str):
    print("\\n".join(start._parse(sys.argv, needs, known_only)[1:]))
start.run = parse
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def commands(markdown: str) -> Iterator[str]:
    """Commands of shell blocks, and those in the text."""
    for language, block in re.findall(
        r"^ *```(\w*)\n(.*?)^ *```", markdown, re.M | re.S
    ):
        lines = block.replace("\\\n", " ").splitlines()
        if language in ("bash", "sh", "shell"):
            yield from (line.strip() for line in lines)
    prose = re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.M | re.S)
    for inline in re.findall(r"`([^`]+)`", prose):
        yield " ".join(inline.split())


def saved(markdown: str) -> dict[str, str]:
    """Path -> content of the Python files that a page tells its reader to save."""
    found = re.findall(
        r"[Ss]ave it as `([^`]+)`:\n+```python\n(.*?)^```", markdown, re.M | re.S
    )
    return dict(found)


def problem(command: str) -> str:
    """Why a command cannot be given, or ""; other programs than ours are not known."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return ""
    # What stands before the program: variables, and who starts it.
    while words and re.fullmatch(r"[A-Z_]+=\S*|export|srun|exec", words[0]):
        del words[0]
    if not words:
        return ""
    program, *arguments = words
    if program == "make":
        return _make(arguments)
    if os.path.basename(program) in ("python", "python3") and arguments:
        if arguments[0] == "-m" and len(arguments) > 1:
            return _module(arguments[1], tuple(arguments[2:]))
        if arguments[0].endswith(".py"):
            return _script(arguments[0], arguments[1:])
    if os.path.basename(program) == "pytest":
        paths = [a.split("::")[0] for a in arguments if not a.startswith("-")]
        return "".join(f"no {path}" for path in paths if not (ROOT / path).exists())
    return ""


def _make(arguments: list[str]) -> str:
    rules = (ROOT / "Makefile").read_text()
    targets = [word for word in arguments if "=" not in word]
    unknown = [t for t in targets if not re.search(rf"^{t}:", rules, re.M)]
    return f"no target {unknown}" if unknown else ""


def _script(path: str, arguments: list[str]) -> str:
    if not (ROOT / path).exists():
        return f"no file {path}"
    source = (ROOT / path).read_text()
    flags = [a.split("=")[0] for a in arguments if a.startswith("--")]
    unknown = [flag for flag in flags if f'"{flag}"' not in source]
    return f"no flags {unknown}" if unknown else ""


@functools.cache
def _module(module: str, arguments: tuple[str, ...]) -> str:
    package, path = module.split(".")[0], ROOT / module.replace(".", "/")
    if (ROOT / package).is_dir() and not (
        path.with_suffix(".py").exists() or path.is_dir()
    ):
        return f"no module {module}"
    # A module without flags is only named.
    if package != "pipelines" or not arguments:
        return ""
    run = subprocess.run(
        [sys.executable, "-c", _PARSE, module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    if run.returncode:
        return run.stderr.strip().splitlines()[-1]
    return _beam(tuple(run.stdout.split()))


def _beam(arguments: tuple[str, ...]) -> str:
    """What is left of a main's arguments are Beam's."""
    names = [a.split("=")[0].lstrip("-") for a in arguments if a.startswith("--")]
    if not names:
        return ""
    from apache_beam.options.pipeline_options import PipelineOptions

    known = PipelineOptions(["--runner=DirectRunner"]).get_all_options()
    unknown = [name for name in names if name not in known]
    return f"no options {unknown} in Beam" if unknown else ""
