"""Embeds the evaluation split of a study, for individual fairness."""

from collections.abc import Sequence

from pipelines.cli import next_steps, start


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.studies import embeddings

    workdir = start.WORKDIR.value
    print(f"written: {embeddings.ensure(workdir)}")
    print(f"next:    {next_steps.command('pipelines.report', workdir=workdir)}")


if __name__ == "__main__":
    start.run(main, needs=["workdir"])
