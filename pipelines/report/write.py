"""Writes the tables, figures and report.html of a study."""

from kd_keras import files
from kd_keras.datasets.spec import DatasetSpec
from pipelines.report import html
from pipelines.report.html import Page
from pipelines.report.page import page
from pipelines.studies import table_digests


def write_report(
    workdir: str, spec: DatasetSpec | None = None, published: str = ""
) -> list[str]:
    """Writes tables/*.csv, figures/*.{svg,png} and report.html of a study.

    tables/SHA256SUMS has the digests of the tables.

    The same predictions give the same bytes.

    Args:
      workdir: the study's working directory, any path that tf.io.gfile opens.
      spec: names and groups of the data set; None loads it as config.json says.
      published: directory of published numbers to show beside the study's own; see
        `pipelines.analysis.published.read_published`. Empty for none.

    Returns:
      The paths written, report.html last.

    Raises:
      ValueError: `workdir` has no complete run, or runs of different examples.
    """
    return write_page(page(workdir, spec, published), workdir)


def write_page(content: Page, workdir: str) -> list[str]:
    """Writes a report that is there already; returns as `write_report`."""
    paths: list[str] = []

    def write(content: bytes, *parts: str) -> None:
        paths.append(files.join(workdir, *parts))
        files.write_bytes(paths[-1], content)

    for table in content.tables:
        write(table.csv().encode("utf-8"), "tables", f"{table.name}.csv")
    for section in content.sections:
        for drawing in section.drawings:
            write(drawing.svg, "figures", f"{drawing.name}.svg")
            write(drawing.png, "figures", f"{drawing.name}.png")
    tables = [path for path in paths if path.endswith(".csv")]
    paths.append(table_digests.write(tables))
    write(html.render(content).encode("utf-8"), "report.html")
    return paths
