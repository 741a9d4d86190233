"""Which runs need an evaluation; imports neither TFMA nor Beam."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import ml_collections

from kd_keras import digests, files
from pipelines.studies import attributes, exports, layout, run_record, sealed
from pipelines.studies import config as configs
from pipelines.studies.layout import Run

EVALUATION = "evaluation"
RECORD = "evaluation.json"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The evaluation that a run should have.

    Attributes:
      run: whose model is evaluated.
      directory: the run's directory.
      export: path of its SavedModel.
      record: what the evaluation is made from; written beside it.
    """

    run: Run
    directory: str
    export: str
    record: dict[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether the run has this evaluation already, and it is whole."""
        try:
            found = read_record(self.directory)
        except ValueError as error:
            print(f"evaluated again: {error}", flush=True)
            return False
        if found is None:
            return False
        wanted = dict(self.record)
        if not wanted["confidence_intervals"]:  # To have them does no harm.
            del wanted["confidence_intervals"]
        return wanted.items() <= found.items()


def directory(run_dir: str) -> str:
    """Of TFMA's output."""
    return files.join(run_dir, EVALUATION)


def record_path(run_dir: str) -> str:
    return files.join(directory(run_dir), RECORD)


def read_record(run_dir: str) -> dict[str, Any] | None:
    """What evaluation.json of a run holds; None where it was not evaluated.

    It is what the evaluation was made from, its accuracy, and the SHA-256 of its files.

    Raises:
      ValueError: if a file of the evaluation is not what was written.
    """
    directory = files.join(run_dir, EVALUATION)
    if not files.exists(directory):
        return None
    advice = f"Delete {directory} and evaluate the study again."
    record = sealed.read(record_path(run_dir), advice)
    found = set(digests.of_directory(directory)) - {RECORD}
    for name in sorted(found | record["files"].keys()):
        path = files.join(directory, name)
        sealed.require(path, record["files"].get(name), advice)
    return record


def plan(
    workdir: str, runs: Sequence[Run], examples: str, confidence_intervals: bool
) -> list[Evaluation]:
    """Plans the evaluation of every run.

    Args:
      workdir: the study's working directory.
      runs: finished runs.
      examples: digest of the evaluation split.
      confidence_intervals: whether the metrics get intervals.

    Raises:
      ValueError: if a run has no export, or not the one that it wrote.
    """
    config = configs.read_config(workdir)
    crossed = crossings_record(config)
    found = {}
    for run in runs:
        record = run_record.read(workdir, run, config)
        found[run] = exports.verify(workdir, run, record)
    return [
        Evaluation(
            run,
            layout.run_dir(workdir, run),
            path,
            {
                "export": digest,
                "compared_with": {
                    other.directory: found[other][1]
                    for other in compared_with(run)
                    if other in found
                },
                "split": config.evaluation.split,
                "examples": examples,
                "confidence_intervals": confidence_intervals,
                **crossed,
            },
        )
        for run, (path, digest) in found.items()
    ]


def crossings_record(config: ml_collections.ConfigDict) -> dict[str, list[list[str]]]:
    """The crossings that an evaluation has; nothing where none are asked for."""
    crossed = [list(names) for names in attributes.crossings(config)]
    return {"crossings": crossed} if crossed else {}


def finished_runs(workdir: str, config: ml_collections.ConfigDict) -> list[Run]:
    """The finished runs of a study; ValueError if there is none."""
    planned = layout.runs_of(config)
    runs = list(layout.complete_runs(workdir, planned))
    if not runs:
        raise ValueError(
            f"--workdir={workdir} has no finished run. Train some first: "
            f"python -m pipelines.study --config=... --workdir={workdir}"
        )
    return runs


def compared_with(run: Run) -> list[Run]:
    """The runs of the same seed that a student is compared with."""
    teacher, nds = Run(layout.TEACHER, run.seed), Run(layout.NDS, run.seed)
    return {layout.TEACHER: [], layout.NDS: [teacher], layout.DS: [teacher, nds]}[
        run.model
    ]
