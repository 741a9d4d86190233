"""What is learned with tokens, and what is preferred at that knowledge, as figures."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from pipelines.language_models import tables
from pipelines.language_models.measured import ALL, TEACHER, UNIGRAM, Measured
from pipelines.report.drawing import Drawing, file_name, save, style

# Okabe and Ito's colours; markers tell them apart without colour.
_LINES = (
    *({"color": "#D55E00", "marker": "o"}, {"color": "#0072B2", "marker": "s"}),
    *({"color": "#CC79A7", "marker": "^"}, {"color": "#009E73", "marker": "D"}),
    *({"color": "#56B4E9", "marker": "v"}, {"color": "#E69F00", "marker": "P"}),
)


def learning(found: Sequence[Measured]) -> Drawing:
    """The perplexity against the tokens, mean over the seeds."""
    name = "perplexity"
    with style(name):
        figure = Figure(figsize=(4.8, 3.6))
        axes = figure.add_subplot()
        frame = _frame(found)
        for model, line in _lines(frame):
            means = frame[frame["model"] == model].groupby("tokens")["perplexity"]
            axes.plot(means.mean(), label=model, markersize=4, **line)
        for model, dashes in ((TEACHER, "--"), (UNIGRAM, ":")):
            for value in frame.loc[frame["model"] == model, "perplexity"]:
                axes.axhline(value, label=model, linestyle=dashes, color="#8a8a8a")
        axes.set_xlabel("tokens that a student has seen")
        axes.set_yscale("log")
        _perplexity_axis(axes.yaxis)
        _legend(figure, axes)
        return save(figure, name, "How fast students learn the language.")


def preferring(found: Sequence[Measured], pairs: pd.DataFrame, group: str) -> Drawing:
    """How often stereotypes are preferred, against the perplexity, a point a seed."""
    name = file_name("preference", group)
    with style(name):
        figure = Figure(figsize=(4.8, 3.6))
        axes = figure.add_subplot()
        asked = [m for m in found if m.margins]
        frame = _frame(asked)
        frame["share"] = [
            100 * share
            for one in asked
            for share in tables.shares([one], pairs, group)[one.model]
        ]
        lines = {
            TEACHER: {"color": "#8a8a8a", "marker": "*"},
            UNIGRAM: {"color": "#8a8a8a", "marker": "x"},
            **dict(_lines(frame)),
        }
        for model, line in lines.items():
            of_model = frame[frame["model"] == model]
            axes.plot(
                of_model["perplexity"], of_model["share"], label=model, ls="", **line
            )
        axes.axhline(50, color="#8a8a8a", linewidth=1)
        axes.set_xscale("log")
        _perplexity_axis(axes.xaxis)
        axes.set_ylabel(f"{group}: stereotype preferred, %")
        _legend(figure, axes)
        caption = (
            f"How often the stereotype of a pair is preferred ({group}), against how "
            "well the language is known. 50 % is no preference. The vertical axis does "
            "not begin at 0."
        )
        return save(figure, name, caption)


def _frame(found: Sequence[Measured]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": [m.model for m in found],
            "tokens": [m.tokens for m in found],
            "perplexity": [m.perplexity[ALL] for m in found],
        }
    )


def _lines(frame: pd.DataFrame) -> list[tuple[str, dict]]:
    students = [m for m in frame["model"].unique() if m not in (TEACHER, UNIGRAM)]
    return [(m, _LINES[i % len(_LINES)]) for i, m in enumerate(students)]


def _perplexity_axis(axis: Axis) -> None:
    axis.set_label_text("perplexity (logarithmic)")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_locator(NullLocator())


def _legend(figure: Figure, axes: Axes) -> None:
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, columnspacing=0.8)
