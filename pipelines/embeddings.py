"""Embeds the evaluation split of a study, for individual fairness."""

from collections.abc import Sequence

from pipelines.cli import next_steps, stage, start


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.studies import embeddings

    workdir = start.WORKDIR.value
    with stage.telling("embed the test examples"):
        path = embeddings.ensure(workdir)
    print(f"written: {path}")
    print(f"next:    {next_steps.command('pipelines.report', workdir=workdir)}")


if __name__ == "__main__":
    start.run(main, needs=["workdir"])
