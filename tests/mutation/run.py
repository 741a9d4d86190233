"""Puts mutants into the code one at a time, and tells which ones the tests notice.

    python tests/mutation/run.py [--only=kd_keras/losses] [--per_file=12] [--seed=0]

Every mutant is run in a forked process, after the imports that take longest, against
the tests of its file. Prints a table by part; survivors go to --survivors.
"""

import argparse
import collections
import csv
import functools
import importlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import hypothesis  # noqa: F401
import keras  # noqa: F401
import mutated
import pytest
import scipy.stats  # noqa: F401
from operators import Mutant, mutants
from targets import EQUIVALENT, PRELOADED, TESTS, TESTS_OF_FILES

ROOT = mutated.ROOT


def is_killed(path: pathlib.Path, source: str, tests: list[str], limit: float) -> bool:
    """Whether the tests fail, or take longer than `limit` seconds."""
    with tempfile.TemporaryDirectory() as directory:
        source_file = pathlib.Path(directory, "mutant.py")
        source_file.write_text(source)
        return _fails(path, source_file, tests, limit)


def _fails(
    path: pathlib.Path, source_file: pathlib.Path, tests: list[str], limit: float
) -> bool:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        mutated.install(path, source_file.read_text())
        mutated.bequeath(path, source_file)
        options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
        os._exit(pytest.main([*options, "-p", "no:xdist", *tests]))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def tests_of(path: pathlib.Path, part: str) -> list[str]:
    """The tests that a file's mutants are run against, its own ones first."""
    name = str(path.relative_to(ROOT))
    own = pathlib.Path("tests", name.removeprefix("kd_keras/"))
    own = own.with_name(f"test_{own.name.removeprefix('_')}")
    tests = TESTS_OF_FILES.get(name, TESTS[part])
    if (ROOT / own).exists():
        return [str(own), *tests]
    if not tests:  # pytest would run all that there are.
        sys.exit(f"No tests of {name}. Write {own}, or name others in targets.py.")
    return tests


@functools.cache
def seconds_without_a_mutant(tests: str) -> float:
    """How long tests take that pass."""
    began = time.monotonic()
    path = ROOT / "kd_keras" / "__init__.py"
    if is_killed(path, path.read_text(), [tests], 1200):
        sys.exit(f"Without a mutant these tests fail: {tests}")
    return time.monotonic() - began


def chosen(path: pathlib.Path, per_file: int, seed: int) -> list[Mutant]:
    """The mutants of a file that are run: all, or as many at random."""
    name = str(path.relative_to(ROOT))
    known = {mutant for file, mutant in EQUIVALENT if file == name}
    found = [m for m in mutants(path.read_text()) if m.name not in known]
    if per_file and len(found) > per_file:
        found = random.Random(f"{seed} {name}").sample(found, per_file)
    return sorted(found, key=lambda mutant: mutant.line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="parts of the paths, with commas")
    parser.add_argument("--per_file", type=int, default=0, help="0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--survivors", default="", help="CSV of what the tests miss")
    arguments = parser.parse_args()
    killed, run = collections.Counter(), collections.Counter()
    missed = []
    os.chdir(ROOT)
    for part in TESTS:
        place = ROOT / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = str(path.relative_to(ROOT))
            wanted = any(only in name for only in arguments.only.split(","))
            if not wanted or path.name == "__init__.py":
                continue
            for module in PRELOADED.get(part, ()):
                importlib.import_module(module)
            tests = tests_of(path, part)
            limit = 10 + 3 * sum(seconds_without_a_mutant(test) for test in tests)
            found = chosen(path, arguments.per_file, arguments.seed)
            lived = [
                m.name for m in found if not is_killed(path, m.source, tests, limit)
            ]
            print(f"{name}: {len(found) - len(lived)} of {len(found)} killed")
            print(*(f"  survived: {mutant}" for mutant in lived), sep="\n", flush=True)
            run[part] += len(found)
            killed[part] += len(found) - len(lived)
            missed += [(name, mutant) for mutant in lived]
    print(f"{'part':<36}{'mutants':>8}{'killed':>8}{'%':>6}")
    for part, count in run.items():
        print(
            f"{part:<36}{count:>8}{killed[part]:>8}{100 * killed[part] / count:>6.0f}"
        )
    if arguments.survivors:
        with open(arguments.survivors, "w", newline="") as file:
            csv.writer(file).writerows([("file", "mutant"), *missed])


if __name__ == "__main__":
    main()
