"""Which runs need an evaluation; imports neither TFMA nor Beam."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import ml_collections

from kd_keras import files
from pipelines.studies import exports, layout
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
        """Whether the run has this evaluation already."""
        path = files.join(self.directory, EVALUATION, RECORD)
        return files.exists(path) and files.read_json(path) == self.record


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
      ValueError: if a run has no export.
    """
    directories = {run: layout.run_dir(workdir, run) for run in runs}
    paths = {run: exports.latest(directories[run]) for run in runs}
    digests = {run: exports.digest(path) for run, path in paths.items()}
    return [
        Evaluation(
            run,
            directories[run],
            paths[run],
            {
                "export": digests[run],
                "compared_with": {
                    other.directory: digests[other]
                    for other in compared_with(run)
                    if other in digests
                },
                "examples": examples,
                "confidence_intervals": confidence_intervals,
            },
        )
        for run in runs
    ]


def finished_runs(workdir: str, config: ml_collections.ConfigDict) -> list[Run]:
    """The finished runs of a study; ValueError if there is none."""
    planned = layout.study_runs(config.temperatures, config.seeds)
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
