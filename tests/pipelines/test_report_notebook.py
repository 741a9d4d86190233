"""A study's report in a notebook's cell is the page that the file has."""

import html.parser
import pathlib

from report_workdir import SHAPES, write_workdir

from pipelines.report import page, write


class _Frame(html.parser.HTMLParser):
    def handle_starttag(self, tag, attrs):
        assert tag == "iframe"
        self.attributes = dict(attrs)


def test_report_in_a_notebook(tmp_path):
    workdir = write_workdir(tmp_path, SHAPES, temperatures=(4,), examples=200)
    write.write_report(workdir, SHAPES)
    frame = _Frame()
    frame.feed(page.page(workdir, SHAPES)._repr_html_())
    # Scripts of the page sort its tables and hand out its CSV files, and may reach
    # nothing outside of it.
    assert frame.attributes["sandbox"] == "allow-scripts allow-downloads"
    written = pathlib.Path(workdir, "report.html").read_text("utf-8")
    assert frame.attributes["srcdoc"] == written
