"""The report as one HTML file that opens without a network."""

import base64
import dataclasses
import hashlib
import html
from collections.abc import Mapping, Sequence
from importlib import resources

import jinja2

from pipelines.analysis.answer import Answer
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.headline import Headline
from pipelines.report import first_screen, glossary, order
from pipelines.report.drawing import Drawing
from pipelines.report.first_screen import FirstScreen
from pipelines.report.frontier import Frontier
from pipelines.report.glossary import Term

# Longer tables are cut in the page, to stay below 1.5 MB; the CSV has all rows.
_MOST_ROWS = 300
_STYLES = ("report.css", "first_screen.css", "frontier.css")
_MOST_CSV = 300_000  # Characters of all CSV files that the page holds.


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of the report.

    Attributes:
      anchor: id of the heading.
      title: heading.
      text: paragraphs.
      drawings: figures, side by side where there is room.
      frontiers: pictures whose points can be pointed at, likewise.
      tables: shown at once.
      folded: shown on request.
      facts: name -> value, as a list.
    """

    anchor: str
    title: str
    text: Sequence[str] = ()
    drawings: Sequence[Drawing] = ()
    frontiers: Sequence[Frontier] = ()
    tables: Sequence[DataTable] = ()
    folded: Sequence[DataTable] = ()
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Page:
    """The report without its layout.

    Attributes:
      title: of the page.
      introduction: paragraphs under the title.
      answer: what is said first.
      first: the picture of it; None where there is nothing to compare.
      headlines: per attribute.
      sections: in order.
      summary: the result as plain text, at most 78 columns wide.
      terms: the glossary, to whose words the first screen leads.
    """

    title: str
    introduction: Sequence[str]
    answer: Answer
    first: FirstScreen | None
    headlines: Sequence[Headline]
    sections: Sequence[Section]
    summary: str
    terms: Sequence[Term] = glossary.TERMS

    @property
    def tables(self) -> list[DataTable]:
        """All tables, in the order of the page."""
        first = [self.first.table] if self.first else []
        return first + [t for s in self.sections for t in (*s.tables, *s.folded)]

    def _repr_html_(self) -> str:
        """The whole report, in a frame of a notebook's cell."""
        return (
            f'<iframe srcdoc="{html.escape(render(self))}" '
            f'sandbox="allow-scripts allow-downloads" '
            f'title="{html.escape(self.title)}" width="100%" height="800"></iframe>'
        )


def render(page: Page) -> str:
    """The page as HTML. Every text is escaped; only the figures' SVG is not."""
    here = resources.files("pipelines.report")

    def read(name: str) -> str:
        return here.joinpath(name).read_text("utf-8")

    # The hash in the page's policy is of exactly what is between the script tags.
    script = "\n" + "\n".join(
        map(read, ("report.js", "first_screen.js", "frontier.js"))
    )
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest())
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        loader=jinja2.FunctionLoader(read),
    )
    environment.filters["linked"] = glossary.linker(page.terms)
    environment.globals["tenths"] = first_screen.tenths
    template = environment.get_template("report.html.jinja")
    return template.render(
        page=page,
        most_rows=_MOST_ROWS,
        ordered=order.rows,
        is_unsure=order.is_unsure,
        words=first_screen.WORDS,
        order=first_screen.ORDER,
        terms=page.terms,
        csv=_csv(page.tables),
        css="".join(map(read, _STYLES)),
        script=script,
        script_hash=f"sha256-{digest.decode()}",
    )


def _csv(tables: Sequence[DataTable]) -> dict[str, str]:
    """The CSV files that go into the page, the short ones first."""
    texts = sorted((len(t.csv()), t.name, t.csv()) for t in tables)
    room, found = _MOST_CSV, {}
    for size, name, text in texts:
        room -= size
        if room >= 0:
            found[name] = text
    return found
