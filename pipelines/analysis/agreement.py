"""Two ways to one number: the accuracy of the predictions, and the one by TFMA."""

import numpy as np

from pipelines.analysis.results import Result, Study
from pipelines.evaluation import plan
from pipelines.studies import layout, run_record

# Of the highest logit: how far the next one may be below it, that float32 in batches
# of another size could turn them round.
ROUNDING = 1e-4


def require(workdir: str, study: Study) -> int:
    """Compares the accuracy of every evaluated run with the one that TFMA measured.

    They may differ by the examples whose two highest logits are equal but for float
    rounding.

    Args:
      workdir: the study's working directory.
      study: predictions of its runs.

    Returns:
      The number of runs that have an evaluation of this split.

    Raises:
      ValueError: if an evaluation is not what was written, or is of another export,
        or measured another accuracy.
    """
    compared = 0
    for result in study.results:
        directory = layout.run_dir(workdir, result.run)
        record = plan.read_record(directory)
        if record is None or record["split"] != study.split:
            continue
        if record["export"] != result.info[run_record.EXPORT_DIGEST]:
            raise ValueError(
                f"{plan.record_path(directory)} is of another model version than the "
                f"run. Evaluate it: python -m pipelines.evaluate --workdir={workdir}"
            )
        _compare(directory, study, result, record["accuracy"])
        compared += 1
    return compared


def _compare(directory: str, study: Study, result: Result, by_tfma: float) -> None:
    labels, logits = study.truth[study.split].labels, result.logits[study.split]
    right = int((labels == result.predicted(study.split)).sum())
    allowed = _undecided(logits) + 0.5  # Half an example is rounding of the quotient.
    if not abs(right - by_tfma * len(labels)) < allowed:
        raise ValueError(
            f"{result.run.directory} has the accuracy {right / len(labels):.6f} by "
            f"its predictions and {by_tfma:.6f} by TFMA, which evaluated its export. "
            f"Delete {directory} and run the study again."
        )


def _undecided(logits: np.ndarray) -> int:
    """How many examples' two highest logits `[examples, classes]` are nearly equal."""
    second, first = np.partition(logits, -2, axis=-1)[:, -2:].T
    return int((first - second <= ROUNDING * np.abs(logits).max(axis=-1)).sum())
