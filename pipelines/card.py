"""Writes a run's model card and a draft of the EU AI Act's Annex IV, for people."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import start
from pipelines.cli.release_flags import RUN


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import stages

    written = stages.card(start.WORKDIR.value, RUN.value)
    print(f"written: {', '.join(written)}")
    print(f"next:    fill in {written[0]} and {written[1]}; they are kept over a rerun")


if __name__ == "__main__":
    flags.declare_key_flag("run")
    start.run(main, needs=["workdir"])
