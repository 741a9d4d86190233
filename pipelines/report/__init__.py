"""Tables, figures and report.html of a study."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kd_keras.datasets.spec import DatasetSpec
    from pipelines.embeddings import Embeddings
    from pipelines.report.html import Page
    from pipelines.report.results import Study


def write_report(
    workdir: str, spec: "DatasetSpec | None" = None, published: str = ""
) -> list[str]:
    """Writes tables/*.csv, figures/*.{svg,png} and report.html of a study.

    The same predictions give the same bytes.

    Args:
      workdir: the study's working directory, any path that tf.io.gfile opens.
      spec: names and groups of the data set; None loads it as config.json says.
      published: directory of published numbers to show beside the study's own; see
        `read_published`. Empty for none.

    Returns:
      The paths written, report.html last.

    Raises:
      ValueError: `workdir` has no complete run, or runs of different examples.
    """
    from kd_keras import files
    from pipelines.report import html

    content = page(workdir, spec, published)
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


def page(
    workdir: str, spec: "DatasetSpec | None" = None, published: str = ""
) -> "Page":
    """The report of a study, which a notebook shows; arguments as in `write_report`."""
    from pipelines.report import sections
    from pipelines.report.litert import litert_table
    from pipelines.report.published import NOTHING, read_published

    study = _read(workdir, spec)
    return sections.build(
        study,
        read_published(published, study) if published else NOTHING,
        _embeddings(workdir, study),
        litert_table(workdir, study),
    )


def summary_table(workdir: str, spec: "DatasetSpec | None" = None) -> str:
    """The result of a study as plain text, at most 100 columns wide."""
    from pipelines.report.measures import run_table
    from pipelines.report.measures import summary_table as summarise
    from pipelines.report.terminal import plain_text

    study = _read(workdir, spec)
    return plain_text(study, summarise(study, run_table(study)))


def _read(workdir: str, spec: "DatasetSpec | None") -> "Study":
    from pipelines.report.results import read_study

    if spec is None:
        from pipelines.config import load_dataset, read_config

        spec = load_dataset(read_config(workdir)).spec
    return read_study(workdir, spec)


def _embeddings(workdir: str, study: "Study") -> "Embeddings | None":
    """Those of the extractor that the study has now."""
    from pipelines import embeddings

    found = embeddings.read(workdir, study.split)
    if found and embeddings.is_made_from(found, workdir, study.config):
        return found
    return None
