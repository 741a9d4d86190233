"""Puts mutants into the code one at a time, and tells which ones the tests notice.

    python tests/mutation/run.py [--only=kd_keras/losses] [--per_file=12] [--seed=0]

Every mutant is run in a forked process, after the imports that take longest, against
the tests of its file. Prints a table by part; survivors go to --survivors.
"""

import argparse
import collections
import csv
import importlib.abc
import importlib.util
import os
import pathlib
import random
import signal
import sys
import time

import hypothesis  # noqa: F401
import keras  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
from operators import Mutant, mutants
from targets import EQUIVALENT, EVALUATED, FILES, TESTS

ROOT = pathlib.Path(__file__).parents[2]


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a mutant's source."""

    def __init__(self, path: pathlib.Path, source: str):
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.name, self.path = ".".join(parts), str(path)
        self.source = source.encode()

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def get_filename(self, name):
        return self.path

    def get_data(self, path):
        return self.source

    def path_stats(self, path):
        raise OSError  # No cached bytecode.


def is_killed(path: pathlib.Path, source: str, tests: list[str], limit: float) -> bool:
    """Whether the tests fail, or take longer than `limit` seconds."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        sys.meta_path.insert(0, Mutated(path, source))
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        os._exit(pytest.main([*options, *tests]))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


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
    parser.add_argument("--only", default="", help="part of the paths of the files")
    parser.add_argument("--per_file", type=int, default=0, help="0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--survivors", default="", help="CSV of what the tests miss")
    arguments = parser.parse_args()
    killed, run = collections.Counter(), collections.Counter()
    missed = []
    os.chdir(ROOT)
    for part, tests_of_part in TESTS.items():
        place = ROOT / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = str(path.relative_to(ROOT))
            if arguments.only not in name or path.name == "__init__.py":
                continue
            if name.startswith(EVALUATED):
                importlib.import_module("tensorflow_model_analysis")
            tests = FILES.get(name, tests_of_part)
            began = time.monotonic()
            if is_killed(path, path.read_text(), tests, 1200):
                sys.exit(f"The tests of {name} fail without a mutant: {tests}")
            limit = 10 + 3 * (time.monotonic() - began)
            for mutant in chosen(path, arguments.per_file, arguments.seed):
                dead = is_killed(path, mutant.source, tests, limit)
                run[part] += 1
                killed[part] += dead
                if not dead:
                    missed.append((name, mutant.name))
                    print(f"survived: {name}:{mutant.name}", flush=True)
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
