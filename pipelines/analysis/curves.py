"""Every measure against the temperature: mean, interval and what to compare it with."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from pipelines.analysis.bands import Band
from pipelines.analysis.chance import Chance
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.individual_fairness import Measured
from pipelines.analysis.measures import Measure, mean_value
from pipelines.analysis.published import Published
from pipelines.analysis.results import Model, Study
from pipelines.analysis.seed_interval import seed_interval


@dataclasses.dataclass(frozen=True)
class Curve:
    """One measure of the distilled students against the temperature.

    Attributes:
      temperatures: `[T]`.
      band: mean over the seeds and its interval, `[T]` each; NaN where there is none.
      references: the teacher's and the nds' value.
      chance: the same measure by chance `[T]`, or empty.
      published: temperature -> published value, may be empty.
      published_references: the published values of teacher and nds, may be empty.
    """

    temperatures: Sequence[float]
    band: Band
    references: Mapping[str, float]
    chance: Sequence[float] = ()
    published: Mapping[float, float] = dataclasses.field(default_factory=dict)
    published_references: Mapping[str, float] = dataclasses.field(default_factory=dict)


def curves(
    study: Study,
    runs: DataTable,
    bands: Mapping[Measure, Band],
    chance: Chance,
    published: Published,
) -> Iterator[tuple[Measure, Curve]]:
    """Accuracy, then the gaps of each attribute; nothing without distilled students.

    Args:
      study: the study.
      runs: `run_table` of the study.
      bands: of the distilled students.
      chance: gaps by chance.
      published: what was published of the study.
    """
    for measure, band in bands.items():
        yield (
            measure,
            Curve(
                temperatures=study.temperatures,
                band=band.of_curve(study),
                references={
                    model.name: mean_value(runs, measure, model)
                    for model in (study.teacher, study.nds)
                    if model is not None
                },
                chance=[
                    chance[model][measure].mean
                    for model in study.curve
                    if measure in chance[model]
                ],
                published=published.curve(measure),
                published_references=published.references(measure),
            ),
        )


def individual_curve(study: Study, measured: Measured) -> Curve | None:
    """I(f), with intervals over the seeds; None without distilled students."""
    if not study.distilled:
        return None

    def means(model: Model) -> list[float]:
        return [one.mean for one in measured[model].values()]

    return seed_curve(study, means)


def seed_curve(study: Study, values: Callable[[Model], Sequence[float]]) -> Curve:
    """What is at least 0, with Student's intervals over the seeds.

    Args:
      study: with distilled students.
      values: model -> one value a seed.
    """
    mean, lower, upper = np.array([seed_interval(values(m)) for m in study.curve]).T
    return Curve(
        temperatures=study.temperatures,
        band=Band(mean, np.maximum(lower, 0), upper),
        references={
            model.name: float(np.mean(values(model)))
            for model in (study.teacher, study.nds)
            if model is not None
        },
    )
