"""Writes the tables, figures and report.html of a study."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, stage, start
from pipelines.cli.report_flags import PUBLISHED


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.report import page, write

    workdir = start.WORKDIR.value
    with stage.telling("report: intervals, tables, figures"):
        content = page.page(workdir, published=PUBLISHED.value)
        paths = write.write_page(content, workdir)
    print(content.summary)
    print(f"\nwritten: {len(paths)} files in {workdir}/tables, {workdir}/figures, and")
    print(f"         {paths[-1]}")
    print(f"next:    {next_steps.command('pipelines.tensorboard', workdir=workdir)}")


if __name__ == "__main__":
    flags.declare_key_flag("published")
    start.run(main, needs=["workdir"])
