"""Accuracy, DPD and EOD against the temperature."""

from collections.abc import Mapping

import numpy as np

from pipelines.analysis.bands import Band, Replicates, seed_mean
from pipelines.analysis.chance import Chance
from pipelines.analysis.measures import TITLES, Measure
from pipelines.analysis.published import Published
from pipelines.analysis.results import Study
from pipelines.analysis.similar_examples import Measured, seed_interval
from pipelines.report.drawing import Drawing, file_name
from pipelines.report.figures import Curve, curve_figure


def curve_figures(
    study: Study,
    replicates: Replicates,
    bands: Mapping[Measure, Band],
    chance: Chance,
    published: Published,
) -> list[Drawing]:
    """One figure per measure: accuracy, then DPD and EOD of each attribute."""
    drawings = []
    for measure, band in bands.items():
        curve = Curve(
            temperatures=[model.temperature for model in study.distilled],
            mean=100 * band.mean,
            lower=100 * band.lower,
            upper=100 * band.upper,
            references={
                model.name: 100 * seed_mean(replicates, measure, model)[0]
                for model in (study.teacher, study.nds)
                if model is not None
            },
            chance=[
                100 * chance[model][measure].mean
                for model in study.distilled
                if measure in chance[model]
            ],
            published=published.curve(measure),
        )
        of = f" by {measure.attribute}" if measure.attribute else ""
        title = TITLES[measure.metric] + of
        caption = (
            f"{title[:1].upper()}{title[1:]}: mean over the seeds. The shade is a "
            "joint 95 % band: it covers the whole curve, for other test examples."
        )
        if measure.attribute:
            caption += " Grey dots: random groups of the same sizes."
        if curve.published:
            caption += " Squares: published, of the same data set and models."
        drawing = curve_figure(
            curve, name=file_name(*measure), ylabel=f"{title}, %", caption=caption
        )
        drawings.append(drawing)
    return drawings


def individual_figures(study: Study, measured: Measured) -> list[Drawing]:
    """I(f) against T; nothing without distilled students."""
    if not study.distilled:
        return []
    mean, lower, upper = np.array(
        [
            seed_interval([one.mean for one in measured[model].values()])
            for model in study.distilled
        ]
    ).T
    curve = Curve(
        temperatures=[model.temperature for model in study.distilled],
        mean=mean,
        lower=np.maximum(lower, 0),
        upper=upper,
        references={
            model.name: np.mean([one.mean for one in measured[model].values()])
            for model in (study.teacher, study.nds)
            if model is not None
        },
    )
    caption = (
        "Individual fairness I(f), mean over the seeds; lower is fairer. The shade is "
        "the 95 % interval of each T over the seeds."
    )
    return [
        curve_figure(
            curve,
            name="individual_fairness",
            ylabel="individual fairness I(f)",
            caption=caption,
        )
    ]
