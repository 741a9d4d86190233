"""The stages of a study in their order, for the mains that run several of them."""

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import ml_collections

from pipelines.cli import next_steps
from pipelines.evaluation import hparams
from pipelines.evaluation.evaluate import evaluate
from pipelines.release import added_runs, card_files, mitigation, mitigation_record
from pipelines.release.conversion import convert
from pipelines.report import card_page, page
from pipelines.report.write import write_page, write_report
from pipelines.studies import config as configs
from pipelines.studies import coordinator, embeddings, own_code
from pipelines.studies.study import train_study


def study(
    config: ml_collections.ConfigDict,
    workdir: str,
    *,
    workers: int = 0,
    scheduler: str = "",
    stack: int = 0,
    published: str = "",
) -> None:
    """Makes what is missing of a study: runs, evaluation, tables, report.

    Args:
      config: as in configs/.
      workdir: an empty or new directory, or one that this config made before.
      workers, scheduler, stack: see `pipelines.studies.study.train_study`.
      published: directory of published numbers to show in the report.
    """
    held = train_study(
        config, workdir, workers=workers, scheduler=scheduler, stack=stack
    )
    if held is None:
        return
    with held:
        evaluate(workdir, confidence_intervals=config.evaluation.confidence_intervals)
        embeddings.ensure_or_tell(workdir)
        content = page.page(workdir, published=published)
        write_page(content, workdir)
        hparams.write(workdir, config)
        print(f"\n{content.summary}\n")
        print(next_steps.after_study(workdir, bool(own_code.names(config))))


def evaluate_alone(
    workdir: str, beam_args: Sequence[str], confidence_intervals: bool | None
) -> None:
    """`evaluate`, while no other process makes or evaluates the study."""
    configs.read_config(workdir)  # Or there is nothing to hold.
    with coordinator.alone(workdir):
        evaluate(
            workdir, beam_args=beam_args, confidence_intervals=confidence_intervals
        )


def litert(workdir: str, run: str = "", published: str = "") -> list[str]:
    """Converts a run to LiteRT, and puts the result into the report.

    Args:
      workdir: the study's working directory.
      run: directory of the run; empty for the recommended one.
      published: as in `study`.

    Returns:
      The paths written, for people.
    """
    directory = convert(workdir, run)
    paths = write_report(workdir, published=published)
    return [directory, "tables/litert.csv", paths[-1]]


def mitigate(
    workdir: str,
    policy: ml_collections.ConfigDict,
    run: str = "",
    published: str = "",
) -> dict[str, Any]:
    """Mends a refused student, and puts what came of it into the report.

    Args:
      workdir: the study's working directory.
      policy, run: as for `pipelines.release.mitigation.mitigate`.
      published: as in `study`.

    Returns:
      What mitigation.json holds; with "text" for people, and "written", the paths.
    """
    config = configs.read_config(workdir)
    with contextlib.ExitStack() as held:
        held.enter_context(coordinator.alone(workdir))
        train = functools.partial(added_runs.make, config, workdir, held)
        found = mitigation.mitigate(workdir, policy, run, train)
        written = []
        if found["tried"] and not found.get("again"):
            written = [f"{workdir}/mitigation.json"]
            written.append(write_report(workdir, published=published)[-1])
    text = mitigation_record.describe(found)
    return {**found, "text": text, "written": written}


def card(workdir: str, run: str = "") -> list[str]:
    """Writes a run's model card and draft of Annex IV; see `card_files.write`."""
    found = card_files.write(workdir, run)
    return [*found.paths, *card_page.write(found)]
