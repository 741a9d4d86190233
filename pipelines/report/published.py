"""Published curves to draw beside a study's own."""

import csv
import io

from kd_keras import files
from pipelines.report.measures import Measure

_COLUMNS = ("dataset", "attribute", "model", "temperature", "eod", "dpd")


def read_published(path: str, dataset: str) -> dict[Measure, dict[float, float]]:
    """Reads DPD and EOD of distilled students from a CSV file.

    Args:
      path: CSV with the columns dataset, attribute, model (rows of "ds" count),
        temperature, eod and dpd, in percent; empty where not published.
      dataset: name of the data set whose rows are read.

    Returns:
      Measure -> temperature -> percent.

    Raises:
      ValueError: a column is missing.
    """
    reader = csv.DictReader(io.StringIO(files.read_text(path)))
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(
            f"--published={path} lacks the columns {missing}. It needs {_COLUMNS}."
        )
    curves: dict[Measure, dict[float, float]] = {}
    for row in reader:
        if row["dataset"] == dataset and row["model"] == "ds":
            for metric in ("dpd", "eod"):
                if row[metric]:
                    curve = curves.setdefault(Measure(metric, row["attribute"]), {})
                    curve[float(row["temperature"])] = float(row[metric])
    return curves
