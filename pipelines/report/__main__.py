"""Writes the tables, figures and report.html of a study."""

from collections.abc import Sequence

from absl import flags

from pipelines import cli
from pipelines.report.flags import PUBLISHED


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import next_steps, report

    workdir = cli.WORKDIR.value
    paths = report.write_report(workdir, published=PUBLISHED.value)
    print(report.summary_table(workdir))
    print(f"\nwritten: {len(paths)} files in {workdir}/tables, {workdir}/figures, and")
    print(f"         {paths[-1]}")
    print(f"next:    {next_steps.command('pipelines.tensorboard', workdir=workdir)}")


if __name__ == "__main__":
    flags.declare_key_flag("published")
    cli.run(main, needs=["workdir"])
