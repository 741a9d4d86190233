"""The model that may be released, and whether its files belong together."""

import dataclasses
from collections.abc import Mapping

from kd_keras import files
from pipelines.analysis.verdicts import DIRECTORY
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


def changed(workdir: str) -> list[Run]:
    """The judged runs whose files, or their teacher's, are not what was written."""
    judged = [
        "/".join(path.split("/")[-parts:-1])
        for parts, pattern in ((3, "*/*"), (4, f"*/*/{layout.MENDED}"))
        for path in files.glob(workdir, f"{pattern}/{DIRECTORY}")
    ]
    found = [run for run in map(layout.parse_directory, judged) if run]
    return [run for run in found if not _is_whole(workdir, run)]


def _is_whole(workdir: str, run: Run) -> bool:
    """Whether the files of a run, its base and its teacher are as they were written."""
    try:
        config = configs.read_config(workdir)
        for one in dict.fromkeys((run, run.base, Run(layout.TEACHER, run.seed))):
            record = run_record.read(workdir, one, config)
            for name in record["files"]:
                run_record.require(workdir, one, record, name)
    except (OSError, ValueError):
        return False
    return True


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
