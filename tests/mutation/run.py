"""Puts mutants into the code one at a time, and tells which ones the tests notice.

    python tests/mutation/run.py [--only=kd_keras/losses] [--per_file=12] [--seed=0]

Every mutant is run in a forked process, after the imports that take longest, against
the tests of its file. Prints a table by part; survivors go to --survivors, and those
of a run before are run again with --again.
"""

import argparse
import collections
import csv
import functools
import hashlib
import importlib
import math
import os
import pathlib
import resource
import signal
import sys
import tempfile
import time

import hypothesis
import mutated
import pytest
import scipy.stats  # noqa: F401
from operators import Mutant, mutants
from targets import PRELOADED, TESTS, TESTS_OF_FILES

ROOT = mutated.ROOT
# Mutants that no input tells from the code, with the reason.
EQUIVALENT = ROOT / "tests" / "mutation" / "equivalent.csv"
OPTIONS = ["-x", "-q", "-m", "not slow", "--assert=plain", "--tb=no"]
OPTIONS += ["-p", "no:cacheprovider", "-k", "not coverage"]  # Simulations are slow.
KEY = ("function", "line", "mutant")


KILLED, OUT_OF_TIME, SURVIVED = "killed", "out of time", "survived"


def fate(
    path: pathlib.Path, source: str, tests: list[str], limit: float
) -> tuple[str, float]:
    """Whether the tests fail, pass, or take more than `limit` seconds of processor.

    Returns:
      What became of the mutant, and the seconds that it took.
    """
    with tempfile.TemporaryDirectory() as directory:
        source_file = pathlib.Path(directory, "mutant.py")
        source_file.write_text(source)
        pid = os.fork()
        if pid == 0:
            _become(path, source_file, tests, math.ceil(limit))
        return _wait_for(pid, 20 * limit)


def _become(path: pathlib.Path, source_file: pathlib.Path, tests, limit: int) -> None:
    """Puts the mutant into this process, runs the tests, and ends it."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    _hurry()
    mutated.install(path, source_file)
    mutated.bequeath(path, source_file)
    os._exit(pytest.main([*OPTIONS, *tests]))


def _wait_for(pid: int, patience: float) -> tuple[str, float]:
    """Ends the process where it waits itself for more than `patience` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            seconds = used.ru_utime + used.ru_stime
            if code == -signal.SIGXCPU:
                return OUT_OF_TIME, seconds
            return (KILLED if code else SURVIVED), seconds
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return OUT_OF_TIME, patience


def _hurry() -> None:
    """A property that fails is enough: its example is neither shrunk nor kept."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "mutants", phases=phases, database=None, derandomize=True
    )
    hypothesis.settings.load_profile("mutants")


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
    """How much processor time tests take that pass."""
    path = ROOT / "kd_keras" / "__init__.py"
    end, seconds = fate(path, path.read_text(), [tests], 1200)
    if end != SURVIVED:
        sys.exit(f"Without a mutant these tests fail: {tests}")
    return seconds


def listed(file: str | pathlib.Path, name: str) -> set[tuple[str, ...]]:
    """The mutants of one source file in a CSV."""
    with open(file, newline="") as rows:
        return {
            tuple(row[column] for column in KEY)
            for row in csv.DictReader(rows)
            if row["file"] == name
        }


def chosen(name: str, per_file: int, seed: int) -> list[Mutant]:
    """The mutants of a file that are run: all, or as many at random.

    One that is found to be equivalent leaves the others of the sample in it.
    """
    found = list(mutants((ROOT / name).read_text()))
    equivalent = listed(EQUIVALENT, name)
    if gone := equivalent - {mutant.key for mutant in found}:
        sys.exit(f"{EQUIVALENT.name} lists mutants that {name} has not: {gone}")

    def order(mutant):
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    found = sorted((m for m in found if m.key not in equivalent), key=order)
    return sorted(found[: per_file or None], key=lambda mutant: mutant.line)


def again(name: str, before: str) -> list[Mutant]:
    """The mutants of a file that survived a run before."""
    rows = listed(before, name)
    return [m for m in mutants((ROOT / name).read_text()) if m.key in rows]


def run_file(path: pathlib.Path, part: str, found: list[Mutant]) -> list[Mutant]:
    """Runs the mutants of a file, prints what became of them, returns survivors."""
    name = str(path.relative_to(ROOT))
    for module in PRELOADED.get(part, ()):
        importlib.import_module(module)
    tests = tests_of(path, part)
    limit = 10 + 3 * sum(seconds_without_a_mutant(test) for test in tests)
    fates = [fate(path, mutant.source(), tests, limit)[0] for mutant in found]
    lived = [m for m, end in zip(found, fates, strict=True) if end == SURVIVED]
    print(f"{name}: {len(found) - len(lived)} of {len(found)} killed", end="")
    print(f", {fates.count(OUT_OF_TIME)} of them out of time")
    print(*(f"  survived: {mutant.name}\n" for mutant in lived), sep="", flush=True)
    return lived


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="parts of the paths, with commas")
    parser.add_argument("--per_file", type=int, default=0, help="0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--survivors", default="", help="CSV of what the tests miss")
    parser.add_argument("--again", default="", help="CSV: only these mutants")
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
            found = (
                again(name, arguments.again)
                if arguments.again
                else chosen(name, arguments.per_file, arguments.seed)
            )
            if not found:
                continue
            lived = run_file(path, part, found)
            run[part] += len(found)
            killed[part] += len(found) - len(lived)
            missed += [(name, *mutant.key) for mutant in lived]
    print(f"{'part':<36}{'mutants':>8}{'killed':>8}{'%':>6}")
    for part, count in run.items():
        print(
            f"{part:<36}{count:>8}{killed[part]:>8}{100 * killed[part] / count:>6.0f}"
        )
    if arguments.survivors:
        with open(arguments.survivors, "w", newline="") as file:
            csv.writer(file).writerows([("file", *KEY), *missed])


if __name__ == "__main__":
    main()
