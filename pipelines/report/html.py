"""The report as one HTML file that opens without a network."""

import base64
import dataclasses
import hashlib
import html
from collections.abc import Mapping, Sequence
from importlib import resources

import jinja2

from pipelines.analysis.data_table import DataTable
from pipelines.analysis.headline import Headline
from pipelines.report.drawing import Drawing

# Longer tables are cut in the page, to stay below 3 MB; the CSV has all rows.
_MOST_ROWS = 300


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of the report.

    Attributes:
      anchor: id of the heading.
      title: heading.
      text: paragraphs.
      drawings: figures, side by side where there is room.
      tables: shown at once.
      folded: shown on request.
      facts: name -> value, as a list.
    """

    anchor: str
    title: str
    text: Sequence[str] = ()
    drawings: Sequence[Drawing] = ()
    tables: Sequence[DataTable] = ()
    folded: Sequence[DataTable] = ()
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Page:
    """The report without its layout.

    Attributes:
      title: of the page.
      introduction: paragraphs under the title.
      headlines: per attribute.
      sections: in order.
      summary: the result as plain text, at most 100 columns wide.
    """

    title: str
    introduction: Sequence[str]
    headlines: Sequence[Headline]
    sections: Sequence[Section]
    summary: str

    def _repr_html_(self) -> str:
        """The whole report, in a frame of a notebook's cell."""
        return (
            f'<iframe srcdoc="{html.escape(render(self))}" sandbox="allow-scripts" '
            f'title="{html.escape(self.title)}" width="100%" height="800"></iframe>'
        )


def render(page: Page) -> str:
    """The page as HTML. Every text is escaped; only the figures' SVG is not."""
    here = resources.files("pipelines.report")
    # The hash in the page's policy is of exactly what is between the script tags.
    script = "\n" + here.joinpath("report.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest())
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    template = environment.from_string(
        here.joinpath("report.html.jinja").read_text("utf-8")
    )
    return template.render(
        page=page,
        most_rows=_MOST_ROWS,
        css=here.joinpath("report.css").read_text("utf-8"),
        script=script,
        script_hash=f"sha256-{digest.decode()}",
    )
