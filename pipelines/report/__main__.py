"""Writes the tables, figures and report.html of a study."""

from collections.abc import Sequence

from absl import flags

from pipelines import cli

PUBLISHED = flags.DEFINE_string(
    "published", None, "CSV file of published curves to draw beside the study's."
)


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import report

    paths = report.write_report(cli.WORKDIR.value, published=PUBLISHED.value)
    print(report.summary_table(cli.WORKDIR.value))
    print(f"\n{len(paths)} files written; open {paths[-1]}")


if __name__ == "__main__":
    cli.run(main, needs=["workdir"])
