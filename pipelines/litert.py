"""Converts a run's export to LiteRT in four formats, and audits what would ship."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, start
from pipelines.cli.release_flags import RUN
from pipelines.cli.report_flags import PUBLISHED


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import stages

    workdir = start.WORKDIR.value
    written = stages.litert(workdir, RUN.value, PUBLISHED.value)
    print(f"written: {', '.join(written)}")
    print(f"next:    {next_steps.after_litert(workdir, written[0])}")


if __name__ == "__main__":
    flags.declare_key_flag("run")
    flags.declare_key_flag("published")
    start.run(main, needs=["workdir"])
