"""The model that may be released, and whether its files belong together."""

import dataclasses

from kd_keras import files
from pipelines.evaluation.plan import EVALUATION, RECORD
from pipelines.studies import exports, layout
from pipelines.studies.layout import Run


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A run with an export that its predictions and its evaluation are about.

    Attributes:
      run: the run.
      directory: its directory.
      export: path of the SavedModel.
      digest: identifies the SavedModel.
    """

    run: Run
    directory: str
    export: str
    digest: str

    @property
    def version(self) -> int:
        """Of the export, as TensorFlow Serving counts."""
        return int(self.export.rpartition("/")[2])

    @property
    def evaluation(self) -> str:
        """Directory of TFMA's output."""
        return files.join(self.directory, EVALUATION)


def find(workdir: str, run: Run) -> Candidate:
    """Finds a run's export; compares it with what was predicted and evaluated.

    Raises:
      ValueError: if the run is not finished, its export is unusable or has no
        signatures, or its predictions or its evaluation are of another version.
    """
    directory = layout.run_dir(workdir, run)
    if not layout.is_complete(workdir, run):
        raise ValueError(
            f"{directory} has no finished run, and the {run.title} is needed. Train "
            "it: run the study again."
        )
    export = exports.latest(directory)
    exports.check(directory, export)
    candidate = Candidate(run, directory, export, exports.digest(export))
    record = files.read_json(files.join(directory, layout.RUN_FILE))
    if record.get(exports.EXPORT_DIGEST) != candidate.digest:
        raise ValueError(
            f"The predictions of {directory} are of another model version than "
            f"{export}. Delete {directory} and run the study again."
        )
    return candidate


def check_evaluation(workdir: str, candidate: Candidate, teacher: Candidate) -> None:
    """Raises a ValueError unless TFMA evaluated these exports of both."""
    again = f"Evaluate it: python -m pipelines.evaluate --workdir={workdir}"
    path = files.join(candidate.evaluation, RECORD)
    if not files.exists(path):
        raise ValueError(f"{candidate.directory} has no evaluation. {again}")
    record = files.read_json(path)
    if record["export"] != candidate.digest:
        raise ValueError(
            f"The evaluation of {candidate.directory} is of another model version than "
            f"{candidate.export}. {again}"
        )
    if record["compared_with"].get(teacher.run.directory) != teacher.digest:
        raise ValueError(
            f"The evaluation of {candidate.directory} is compared with another model "
            f"version than {teacher.export}. {again}"
        )
