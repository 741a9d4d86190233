"""Fairness against T in TensorBoard's Scalars tab: the step is the temperature."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from kd_keras import files
from pipelines.evaluation import summary
from pipelines.studies import layout
from pipelines.studies.layout import Run

# Below the working directory: one directory, which is a run to TensorBoard, per line.
DIRECTORY = "tensorboard/over T"
SUFFIX = ".over_temperature"


def write(workdir: str, measured: Mapping[Run, Mapping[str, float]]) -> None:
    """Writes a line of each method's students, mean over the seeds, and of the others.

    Teacher and nds have no T: their lines are level. Nothing is written where fewer
    than two temperatures are there.

    Args:
      workdir: the study's working directory.
      measured: run -> tag, such as "eod/race" -> value.
    """
    students = [run for run in measured if run.temperature is not None]
    temperatures = sorted({float(run.temperature or 0) for run in students})
    if len(temperatures) < 2:
        return
    for title, line in _lines(measured, temperatures).items():
        with summary.replacing(files.join(workdir, DIRECTORY, title), SUFFIX):
            for (tag, temperature), values in sorted(line.items()):
                step = step_of(temperature, temperatures)
                tf.summary.scalar(tag, float(np.mean(values)), step=step)


def step_of(temperature: float, temperatures: list[float]) -> int:
    """The step of a temperature: itself, or ten or a hundred times it.

    TensorBoard's steps are whole.
    """
    scale = next(
        (s for s in (1, 10) if all((s * t).is_integer() for t in temperatures)), 100
    )
    return round(scale * temperature)


def _lines(
    measured: Mapping[Run, Mapping[str, float]], temperatures: list[float]
) -> dict[str, dict[tuple[str, float], list[float]]]:
    """Title of a line -> (tag, T) -> values of the seeds."""
    found: dict[str, dict[tuple[str, float], list[float]]] = {}
    for run, values in measured.items():
        places = temperatures if run.temperature is None else [float(run.temperature)]
        line = found.setdefault(_title(run), {})
        for tag, value in values.items():
            for temperature in places:
                line.setdefault((tag, temperature), []).append(value)
    return found


def _title(run: Run) -> str:
    return run.model if run.method == layout.PLAIN else f"{run.model} {run.method}"
