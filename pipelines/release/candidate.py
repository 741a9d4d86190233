"""The model that may be released, and whether its files belong together."""

import dataclasses
from collections.abc import Mapping

from pipelines.evaluation import plan
from pipelines.studies import config as configs
from pipelines.studies import exports, layout, run_record
from pipelines.studies.layout import Run


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A run with an export that its predictions and its evaluation are about.

    Attributes:
      run: the run.
      directory: its directory.
      export: path of the SavedModel.
      digest: identifies the SavedModel.
      files: path below the SavedModel -> SHA-256.
    """

    run: Run
    directory: str
    export: str
    digest: str
    files: Mapping[str, str]

    @property
    def version(self) -> int:
        """Of the export, as TensorFlow Serving counts."""
        return int(self.export.rpartition("/")[2])

    @property
    def evaluation(self) -> str:
        """Directory of TFMA's output."""
        return plan.directory(self.directory)


def find(workdir: str, run: Run) -> Candidate:
    """Finds a run's export; compares it with what was predicted and evaluated.

    Raises:
      ValueError: if the run is not finished, or its export is not the one that it
        wrote, is unusable or has no signatures.
    """
    directory = layout.run_dir(workdir, run)
    if not layout.is_complete(workdir, run):
        raise ValueError(
            f"{directory} has no finished run, and the {run.title} is needed. Train "
            "it: run the study again."
        )
    record = run_record.read(workdir, run, configs.read_config(workdir))
    export, digest = exports.verify(workdir, run, record)
    exports.check(directory, export)
    of_export = run_record.of_export(record, export.rpartition("/")[2])
    return Candidate(run, directory, export, digest, of_export)


def check_evaluation(workdir: str, candidate: Candidate, teacher: Candidate) -> None:
    """Raises a ValueError unless TFMA evaluated these exports, on the study's split."""
    again = f"Evaluate it: python -m pipelines.evaluate --workdir={workdir}"
    record = plan.read_record(candidate.directory)
    if record is None:
        raise ValueError(f"{candidate.directory} has no evaluation. {again}")
    if record["export"] != candidate.digest:
        raise ValueError(
            f"The evaluation of {candidate.directory} is of another model version than "
            f"{candidate.export}. {again}"
        )
    config = configs.read_config(workdir)
    split = config.evaluation.split
    if not plan.crossings_record(config).items() <= record.items():
        raise ValueError(
            f"The evaluation of {candidate.directory} lacks crossings of "
            f"config.attributes. {again}"
        )
    if record["split"] != split:
        raise ValueError(
            f"The evaluation of {candidate.directory} is of the {record['split']} "
            f"split, and the study's is {split}. {again}"
        )
    if record["compared_with"].get(teacher.run.directory) != teacher.digest:
        raise ValueError(
            f"The evaluation of {candidate.directory} is compared with another model "
            f"version than {teacher.export}. {again}"
        )
