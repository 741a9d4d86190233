"""The names of things in a study's working directory."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras import files

TEACHER = "teacher"
NDS = "nds"
DS = "ds"
# The method of a distilled student that nothing mends.
PLAIN = "plain"
# What the name of a method looks like, which is a part of a directory's.
METHOD = r"[a-z]\w*"
# The field of a config that names runs beyond its seeds, temperatures and methods:
# who added them -> their directories.
ADDED = "added_runs"
# Below the directory of the run that was mended.
MENDED = "mended"
RUN_FILE = "run.json"
# The directory that says which process makes the study.
COORDINATOR = "coordinator"


@dataclasses.dataclass(frozen=True)
class Run:
    """One trained model of a study.

    Attributes:
      model: "teacher", "nds" (non-distilled student) or "ds" (distilled student).
      seed: seed of the initialisation and of the data order.
      temperature: distillation temperature; None unless the model is "ds".
      method: what mends the distilled student while it is trained, a name in the
        config's methods; "plain" for nothing.
      mended: whether it is the student of that run with what mends it behind it.
    """

    model: str
    seed: int
    temperature: float | None = None
    method: str = PLAIN
    mended: bool = False

    @property
    def base(self) -> "Run":
        """The run as it was trained."""
        return dataclasses.replace(self, mended=False)

    @property
    def name(self) -> str:
        """The model without its seed: teacher, student-nds, student-t04.

        With a method: student-t04-group_dro.
        """
        if self.model == TEACHER:
            return TEACHER
        if self.model == NDS:
            return "student-nds"
        # All digits and no exponent: other temperatures, other names.
        digits = np.format_float_positional(self.temperature or 0, trim="-")
        whole, _, fraction = digits.partition(".")
        name = f"student-t{int(whole):02d}" + (f".{fraction}" if fraction else "")
        return name if self.method == PLAIN else f"{name}-{self.method}"

    @property
    def directory(self) -> str:
        """Path below the working directory, such as student-t04/seed0."""
        return f"{self.name}/seed{self.seed}" + (f"/{MENDED}" if self.mended else "")

    @property
    def title(self) -> str:
        """For people: teacher, student without teacher, student T=4; with the seed."""
        titles = {TEACHER: "teacher", NDS: "student nds"}
        model = titles.get(self.model, f"student T={self.temperature or 0:g}")
        if self.method != PLAIN:
            model += f" {self.method}"
        return f"{model} seed {self.seed}" + (", mended" if self.mended else "")


def study_runs(
    temperatures: Sequence[float],
    seeds: Sequence[int],
    methods: Sequence[str] = (PLAIN,),
) -> list[Run]:
    """Every run of a study, teachers first.

    The temperatures of a seed follow each other: these runs begin in the same state.
    """
    runs = [Run(TEACHER, seed) for seed in seeds]
    runs += [Run(NDS, seed) for seed in seeds]
    runs += [
        Run(DS, seed, float(temperature), method)
        for method in methods
        for seed in seeds
        for temperature in temperatures
    ]
    return runs


def runs_of(config: Mapping[str, Any]) -> list[Run]:
    """Every run of the study of a config, added ones last."""
    methods = config.get("methods", (PLAIN,))
    runs = study_runs(config["temperatures"], config["seeds"], methods)
    return list(dict.fromkeys([*runs, *_added(config)]))


def methods_of(config: Mapping[str, Any]) -> list[str]:
    """The methods of a study's distilled students, those of added runs last."""
    methods = config.get("methods", (PLAIN,))
    return list(dict.fromkeys([*methods, *(run.method for run in _added(config))]))


def _added(config: Mapping[str, Any]) -> list[Run]:
    """The added runs; without their teacher, or a temperature of the study, none."""
    named = [d for added in config.get(ADDED, {}).values() for d in added]
    return [
        run
        for run in map(parse_directory, named)
        if run
        and run.seed in config["seeds"]
        and run.temperature in config["temperatures"]
    ]


def parse_directory(directory: str) -> Run | None:
    """The run of a path such as student-t04/seed0; None for any other path."""
    trained, slash, last = directory.rpartition("/")
    if slash and last == MENDED:
        base = parse_directory(trained)
        return base and dataclasses.replace(base, mended=True)
    match = re.fullmatch(
        rf"(teacher|student-(?:nds|t(\d+(?:\.\d+)?)(?:-({METHOD}))?))/seed(\d+)",
        directory,
    )
    if match is None:
        return None
    name, temperature, method, seed = match.groups()
    if temperature:
        return Run(DS, int(seed), float(temperature), method or PLAIN)
    return Run(TEACHER if name == TEACHER else NDS, int(seed))


def run_dir(workdir: str, run: Run) -> str:
    return files.join(workdir, run.directory)


def is_complete(workdir: str, run: Run) -> bool:
    """A run counts only with its run.json, which is written last."""
    return files.exists(files.join(run_dir(workdir, run), RUN_FILE))


def complete_runs(workdir: str, runs: Sequence[Run]) -> Iterator[Run]:
    return (run for run in runs if is_complete(workdir, run))
