"""The report's section about impact ratios."""

from matplotlib.figure import Figure

from kd_keras.fairness.impact import FOUR_FIFTHS
from kd_keras.fairness.names import attribute_name
from pipelines.analysis import impact
from pipelines.analysis.data_table import DataTable, is_empty
from pipelines.analysis.measures import model_of
from pipelines.analysis.results import Model, Study
from pipelines.report.dots import LONGEST_NAME, MOST_GROUPS
from pipelines.report.drawing import INK, Drawing, file_name, save, style
from pipelines.report.figures import STUDENT_LINE, shorten
from pipelines.report.html import Section

TEXT = (
    "An impact ratio of 0.8 says: of this group, 8 are selected where 10 of the most "
    "selected group are. New York City asks for these ratios by sex, by race or "
    "ethnicity and by both, of tools that select people for jobs (6 RCNY 5-301, of "
    "Local Law 144), with the number of people whose group is unknown. Its rules let "
    "an auditor leave out groups of less than 2 % of the data, with a reason; here "
    "these are not compared, and their numbers are in the table.",
    "The dashed line is four fifths, from 29 CFR 1607.4(D). Both are law of the United "
    "States. No number here says whether a law is kept; that is for a lawyer.",
)


def sections(study: Study, shown: Model | None) -> list[Section]:
    """One section, or none where nobody is selected.

    Args:
      study: the study.
      shown: the student that is shown with teacher and nds; None for none.
    """
    if not impact.applies(study):
        return []
    others = [m for m in study.models if m in (study.teacher, study.nds)]
    models = [*([shown] if shown else []), *others]
    table = impact.impact_table(study, models)
    drawn = models[0]
    found = [_figure(table, attribute_name(a), drawn) for a in impact.looked_at(study)]
    return [
        Section(
            "impact",
            "Impact ratios",
            text=[_sentence(table, drawn), *TEXT],
            drawings=[drawing for drawing in found if drawing],
            tables=[table],
        )
    ]


def _sentence(table: DataTable, model: Model) -> str:
    """Whom the model selects less often, as far as the data can say."""
    rows = [row for row in table.rows if model_of(row) == model]
    below = [r for r in rows if r["four_fifths"] == impact.BELOW]
    unsure = sum(row["four_fifths"] == impact.UNSURE for row in rows)
    named = [f"{r['group']} ({r['impact_ratio']:.2f})" for r in below[:6]]
    more = f"; and {len(below) - 6} more" if len(below) > 6 else ""
    found = (
        f"{model.title}: below {impact.LINE} with the whole interval "
        f"{'is' if len(below) == 1 else 'are'} {'; '.join(named)}{more}."
        if below
        else f"{model.title}: no group is below {impact.LINE} with its whole interval."
    )
    if not unsure:
        return found
    rest = "1 group is" if unsure == 1 else f"{unsure} groups are"
    return f"{found} On which side {rest}, the data cannot say."


def _figure(table: DataTable, attribute: str, model: Model) -> Drawing | None:
    rows = [
        row
        for row in table.rows
        if row["attribute"] == attribute
        and model_of(row) == model
        and not is_empty(row.get("impact_ratio"))
    ]
    if not 0 < len(rows) <= MOST_GROUPS:
        return None
    name = file_name("impact", attribute)
    with style(name):
        figure = Figure(figsize=(6.4, 1.3 + 0.28 * len(rows)))
        axes = figure.add_subplot()
        value, low, high = (
            [row[f"impact_ratio{end}"] for row in rows] for end in ("", "_low", "_high")
        )
        places = range(len(rows))
        color = STUDENT_LINE["color"]
        axes.hlines(places, low, high, color=color, alpha=0.5, linewidth=3)
        axes.plot(value, places, "o", color=color)
        axes.axvline(FOUR_FIFTHS, color=INK, linestyle="--", linewidth=1)
        axes.set_xlim(0, 1.03)
        axes.set_xlabel("impact ratio")
        axes.set_yticks(
            places, labels=[shorten(row["group"], LONGEST_NAME) for row in rows]
        )
        axes.set_ylabel(attribute)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="x")
        caption = (
            f"Impact ratios of {model.title} by {attribute}, with 95 % intervals. The "
            f"dashed line is {impact.LINE}."
        )
        return save(figure, name, caption)
