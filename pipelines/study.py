"""Runs a config's teachers and students, evaluates them and writes the report."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import finished, start, study_flags


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import stages

    workdir = start.WORKDIR.value
    stages.study(workdir=workdir, **study_flags.what(), **study_flags.how())


if __name__ == "__main__":
    for flag in study_flags.NAMES:
        flags.declare_key_flag(flag)
    start.run(
        main,
        needs=["config", "workdir"],
        unless=lambda: finished.said(
            start.WORKDIR.value, finished.made_from(study_flags.what())
        ),
    )
