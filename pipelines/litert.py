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
    found = stages.litert(workdir, RUN.value, PUBLISHED.value)
    print(found["text"])
    print(f"written: {', '.join(found['written'])}")
    card = next_steps.command("pipelines.card", workdir=workdir, run=found["run"])
    print(f"card:    {card}")
    print(f"next:    {next_steps.after_litert(workdir, found['run'])}")


if __name__ == "__main__":
    flags.declare_key_flag("run")
    flags.declare_key_flag("published")
    start.run(main, needs=["workdir"])
