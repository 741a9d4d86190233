"""Tables, figures and report.html of a study."""

from kd_keras import files
from kd_keras.datasets.spec import DatasetSpec
from pipelines.report import html, sections
from pipelines.report.litert import litert_table
from pipelines.report.measures import run_table
from pipelines.report.measures import summary_table as summarise
from pipelines.report.published import read_published
from pipelines.report.results import Study, read_study
from pipelines.report.terminal import plain_text


def write_report(
    workdir: str, spec: DatasetSpec | None = None, published: str | None = None
) -> list[str]:
    """Writes tables/*.csv, figures/*.{svg,png} and report.html of a study.

    The same predictions give the same bytes.

    Args:
      workdir: the study's working directory, any path that tf.io.gfile opens.
      spec: names and groups of the data set; None loads it as config.json says.
      published: CSV file of published curves to draw beside the study's own; see
        `read_published`.

    Returns:
      The paths written, report.html last.

    Raises:
      ValueError: `workdir` has no complete run, or runs of different examples.
    """
    study = _read(workdir, spec)
    content = sections.build(
        study,
        read_published(published, study.spec.name) if published else {},
        litert_table(workdir, study),
    )
    paths = []

    def write(content: bytes, *parts: str) -> None:
        paths.append(files.join(workdir, *parts))
        files.write_bytes(paths[-1], content)

    for section in content.sections:
        for table in (*section.tables, *section.folded):
            write(table.csv().encode("utf-8"), "tables", f"{table.name}.csv")
        for drawing in section.drawings:
            write(drawing.svg, "figures", f"{drawing.name}.svg")
            write(drawing.png, "figures", f"{drawing.name}.png")
    write(html.render(content).encode("utf-8"), "report.html")
    return paths


def summary_table(workdir: str, spec: DatasetSpec | None = None) -> str:
    """The result of a study as plain text, at most 100 columns wide."""
    study = _read(workdir, spec)
    return plain_text(study, summarise(study, run_table(study)))


def _read(workdir: str, spec: DatasetSpec | None) -> Study:
    if spec is None:
        from pipelines.config import load_dataset, read_config

        spec = load_dataset(read_config(workdir)).spec
    return read_study(workdir, spec)
