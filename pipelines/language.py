"""Distils a language model, and reports whether students keep its stereotypes."""

from collections.abc import Sequence

from pipelines.cli import start
from pipelines.cli.study_flags import CONFIG


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.language_models import page, study

    workdir = start.WORKDIR.value
    study.make(CONFIG.value, workdir)
    content, paths = page.write(workdir)
    print(f"\n{content.summary}\n\nreport: {paths[-1]}")


if __name__ == "__main__":
    start.run(main, needs=["config", "workdir"])
