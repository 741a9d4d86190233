"""Evaluates the exported models of a study with Beam and TFMA."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, start

CONFIDENCE_INTERVALS = flags.DEFINE_bool(
    "confidence_intervals",
    None,
    "Compute jackknife intervals; takes several times as long. Default: the config's.",
)


def main(argv: Sequence[str]) -> None:
    from pipelines import stages

    workdir = start.WORKDIR.value
    stages.evaluate_alone(workdir, argv[1:], CONFIDENCE_INTERVALS.value)
    print(f"written: evaluation/ of every run in {workdir}")
    print(f"next:    {next_steps.command('pipelines.report', workdir=workdir)}")


if __name__ == "__main__":
    # Beam has flags of its own.
    start.run(main, needs=["workdir"], known_only=True)
