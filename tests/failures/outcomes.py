"""Damages every file of a finished study, and says what comes of it.

`python tests/failures/outcomes.py` does all to a small study; with beginnings of paths,
such as `student-nds tables`, to these files.
"""

import collections
import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

import ml_collections

TESTS = pathlib.Path(__file__).parents[1]
RUN = "student-t04/seed0"
# What is read of it by the stages ends in one of these.
GOOD = ("named", "healed", "without effect")
UNREAD = ("figures/", "tensorboard/", "run: tensorboard/", "run: cache/", "coordinator")
BAD = ("silently wrong", "traceback", "unnamed")


class Outcome(NamedTuple):
    """What came of one attack.

    Attributes:
      path: the file, below the working directory.
      attack: key of ATTACKS.
      word: one of GOOD or BAD.
      said: the error; empty without one.
    """

    path: str
    attack: str
    word: str
    said: str = ""


def flip(path: pathlib.Path, other: pathlib.Path | None) -> bool:
    """Turns one bit in the middle."""
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    return bool(content)


def truncate(path: pathlib.Path, other: pathlib.Path | None) -> bool:
    """Leaves the first half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return bool(content)


def delete(path: pathlib.Path, other: pathlib.Path | None) -> bool:
    path.unlink()
    return True


def swap(path: pathlib.Path, other: pathlib.Path | None) -> bool:
    """Exchanges the contents of two files."""
    if other is None or path.read_bytes() == other.read_bytes():
        return False
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return True


# Each says whether there was something to do.
ATTACKS = {f.__name__: f for f in (flip, truncate, delete, swap)}


class Victim:
    """A finished study, whole after every attack.

    Args:
      directory: where it may write.
    """

    def __init__(self, directory: pathlib.Path):
        self.workdir = directory / "study"
        self.whole = directory / "whole"
        self.config = _config()
        self._run_stages()
        from pipelines import stages

        stages.litert(str(self.workdir), RUN)
        self._run_stages()
        shutil.copytree(self.workdir, self.whole)
        self.expected = self._results()

    @property
    def files(self) -> list[str]:
        """Every file, below the working directory."""
        found = (path for path in sorted(self.whole.rglob("*")) if path.is_file())
        return [path.relative_to(self.whole).as_posix() for path in found]

    def attack(self, name: str, attack: str) -> Outcome | None:
        """Does one attack and runs all stages; None where there is nothing to do."""
        path, other = self.workdir / name, self._partner(name)
        touched = [str(p) for p in (path, other) if p]
        try:
            if not ATTACKS[attack](path, other):
                return None
            damaged = _content(path)
            return Outcome(name, attack, *self._outcome(path, damaged, touched))
        finally:
            shutil.rmtree(self.workdir)
            shutil.copytree(self.whole, self.workdir)

    def _outcome(
        self, path: pathlib.Path, damaged: bytes | None, touched: list[str]
    ) -> tuple[str, str]:
        from kd_keras import files

        try:
            self._run_stages()
        except (ValueError, TypeError, OSError, *files.ERRORS) as error:
            named = any(f"{each} " in f"{error} " for each in touched)
            return ("named" if named else "unnamed"), str(error)
        except Exception as error:
            return "traceback", repr(error)
        if self._results() != self.expected:
            return "silently wrong", ""
        return ("without effect" if _content(path) == damaged else "healed"), ""

    def _run_stages(self) -> None:
        """Study, which evaluates, embeds and reports; then select and gate."""
        from pipelines import stages
        from pipelines.release import gate, select

        workdir = str(self.workdir)
        with contextlib.redirect_stdout(io.StringIO()):
            stages.study(self.config, workdir)
            select.select(workdir, _policy())
            self.verdict = gate.gate(workdir, _policy(), RUN)

    def _results(self) -> dict:
        """What a person takes from a study: tables, recommendation and verdict."""
        tables = sorted((self.workdir / "tables").glob("*.csv"))
        paths = [*tables, self.workdir / "selection.json"]
        verdict = {k: v for k, v in self.verdict.items() if k != "export_digest"}
        return {path.name: path.read_bytes() for path in paths} | {"verdict": verdict}

    def _partner(self, name: str) -> pathlib.Path | None:
        """The same file of another run, else another one of the same kind."""
        path = pathlib.PurePosixPath(name)
        inside = pathlib.PurePosixPath(*path.parts[2:])
        same = [p for p in self.files if p != name and p.endswith(f"/{inside}")]
        if len(path.parts) < 3:
            same = []
        alike = [
            p for p in self.files if p != name and p.endswith(path.suffix or path.name)
        ]
        # Those beside it come first.
        alike.sort(key=lambda p: pathlib.PurePosixPath(p).parent != path.parent)
        return next((self.workdir / p for p in (*same, *alike)), None)


def outcomes(
    victim: Victim, every: bool, beginnings: tuple[str, ...] = ("",)
) -> Iterator[Outcome]:
    """All attacks on all files; without `every`, in rotation, one on two of each kind.

    Of what no stage reads, one of a kind is enough then.
    """
    names, kinds = list(ATTACKS), collections.Counter()
    paths = [path for path in victim.files if path.startswith(beginnings)]
    for i, path in enumerate(paths):
        of = kind(path)
        kinds[of] += 1
        enough = 1 if of.startswith(UNREAD) else 2
        if not every and kinds[of] > enough:
            continue
        for attack in names if every else (names[i % len(names)],):
            found = victim.attack(path, attack)
            if found:
                yield found


def table(found: list[Outcome]) -> str:
    """Counts by kind of file and outcome, for people."""
    counts: dict[str, collections.Counter] = {}
    for outcome in found:
        of_kind = counts.setdefault(kind(outcome.path), collections.Counter())
        of_kind[outcome.word] += 1
    words = (*GOOD, *BAD)
    lines = ["| file | " + " | ".join(words) + " |", "|---" * (len(words) + 1) + "|"]
    for name, of_kind in [*sorted(counts.items()), ("all", _sum(counts))]:
        lines.append(f"| {name} | " + " | ".join(str(of_kind[w]) for w in words) + " |")
    return "\n".join(lines)


def _sum(counts: dict[str, collections.Counter]) -> collections.Counter:
    return sum(counts.values(), collections.Counter())


def kind(path: str) -> str:
    """A file's place without the run's name, or its directory in the workdir."""
    parts = pathlib.PurePosixPath(path).parts
    if len(parts) > 2 and parts[1].startswith("seed"):
        inside = [part for part in parts[2:-1] if part != "1"]
        if inside:
            return f"run: {'/'.join(inside[:2])}/"
        return f"run: {parts[-1]}"
    return f"{parts[0]}/" if len(parts) > 1 else parts[0]


def _content(path: pathlib.Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _config() -> ml_collections.ConfigDict:
    from configs import demo

    config = demo.get_config()
    config.seeds, config.temperatures = (0,), (4.0,)
    config.attributes = ("side",)
    for recipe in (config.teacher, config.student):
        recipe.model, recipe.model_options = "resnet20", {"depth": 8}
        recipe.epochs, recipe.batch_size = 2, 16
    return config


def _policy() -> ml_collections.ConfigDict:
    """Decided by TFMA, and against the student without a teacher."""
    eod = "equalized_odds_difference"
    return ml_collections.ConfigDict(
        {
            "name": "outcomes",
            "min_examples": 1,
            "level": 0.95,
            "replicates": 100,
            "refuse": ("failed",),
            "selection": {"metric": eod, "attribute": "side", "tolerance": 1.0},
            "conditions": {
                "accuracy": {"metric": "accuracy", "at_least": 0.01}
                | {"decide_by": "value"},
                "eod": {"metric": eod, "attribute": "side", "against": "nds"}
                | {"at_most": 0.99},
            },
        }
    )


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Inside, every data set is the one of the tests, and figures are empty.

    No stage reads a figure, and drawing them takes longer than all else.
    """
    from unittest import mock

    from matplotlib.figure import Figure
    from tiny_dataset import make_tiny_dataset

    from kd_keras import datasets
    from pipelines.studies import config as configs

    def draw(figure, file, **options):
        file.write(b'<svg viewBox="0 0 1 1"></svg>')

    dataset = make_tiny_dataset()
    with (
        mock.patch.object(configs, "load_dataset", return_value=dataset),
        mock.patch.dict(datasets.ATTRIBUTES, trifeature=lambda options: ("side",)),
        mock.patch.object(Figure, "savefig", draw),
    ):
        yield


def main() -> None:
    began = time.monotonic()
    found = []
    with tempfile.TemporaryDirectory() as directory, quick():
        victim = Victim(pathlib.Path(directory))
        print(f"{len(victim.files)} files", flush=True)
        beginnings = tuple(sys.argv[1:]) or ("",)
        for outcome in outcomes(victim, every=True, beginnings=beginnings):
            found.append(outcome)
            seconds = time.monotonic() - began
            print(f"{seconds:6.0f} s  {' '.join(outcome[:3])}", flush=True)
            if outcome.word in BAD:
                print(f"          {outcome.said}", flush=True)
    print(table(found))
    sys.exit(any(outcome.word in BAD for outcome in found))


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    main()
