"""Imports one module from a mutant's source, also in the processes of a test."""

import importlib.abc
import importlib.util
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[2]
# Names the file of a mutant and the file that holds its source, one a line.
VARIABLE = "KD_KERAS_MUTANT"


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds the module of `path`, and gives it another source."""

    def __init__(self, path: pathlib.Path, source_file: pathlib.Path):
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.name, self.path = ".".join(parts), str(path)
        self.source_file = source_file

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def get_filename(self, name):
        return self.path

    def get_data(self, path):
        return self.source_file.read_bytes()

    def source_to_code(self, data, path):
        # AutoGraph reads the lines of a function in the file of its code: in the
        # module's own one it would find another function, and fail for any mutant.
        return compile(data, str(self.source_file), "exec", dont_inherit=True)

    def path_stats(self, path):
        raise OSError  # No cached bytecode.


def install(path: pathlib.Path, source_file: pathlib.Path) -> None:
    """Puts the mutant into this process."""
    sys.meta_path.insert(0, Mutated(path, source_file))


def bequeath(path: pathlib.Path, source_file: pathlib.Path) -> None:
    """Has every Python that this process starts put the mutant into itself."""
    os.environ[VARIABLE] = f"{path}\n{source_file}"
    here = str(pathlib.Path(__file__).parent)
    inherited = [p for p in [os.environ.get("PYTHONPATH")] if p]
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *inherited])


def install_inherited() -> None:
    """Puts the mutant into this process that one before it has bequeathed."""
    if VARIABLE in os.environ:
        path, source_file = map(pathlib.Path, os.environ[VARIABLE].splitlines())
        install(path, source_file)
