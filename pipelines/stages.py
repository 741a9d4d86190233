"""The stages of a study in their order, for the mains that run several of them."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections

from pipelines.cli import next_steps
from pipelines.evaluation import hparams
from pipelines.evaluation.evaluate import evaluate
from pipelines.release import mitigation, mitigation_record
from pipelines.release.conversion import convert
from pipelines.report import page
from pipelines.report.write import write_page, write_report
from pipelines.studies import config as configs
from pipelines.studies import coordinator, embeddings, extension, layout, own_code
from pipelines.studies.layout import Run
from pipelines.studies.study import train_study

# Who adds runs to a study, as its config.json says.
MITIGATE = "mitigate"


def study(
    config: ml_collections.ConfigDict,
    workdir: str,
    *,
    workers: int = 0,
    scheduler: str = "",
    published: str = "",
) -> None:
    """Makes what is missing of a study: runs, evaluation, tables, report.

    Args:
      config: as in configs/.
      workdir: an empty or new directory, or one that this config made before.
      workers, scheduler: see `pipelines.studies.study.train_study`.
      published: directory of published numbers to show in the report.
    """
    held = train_study(config, workdir, workers=workers, scheduler=scheduler)
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

        def train(runs: Sequence[Run], options: Mapping[str, Any]) -> None:
            known = layout.runs_of(config)
            missing = [
                run
                for run in runs
                if run not in known or not layout.is_complete(workdir, run)
            ]
            if missing:
                held.close()  # Training holds the working directory itself.
                held.enter_context(_add(config, workdir, missing, options))
            evaluate(workdir)

        found = mitigation.mitigate(workdir, policy, run, train)
        written = []
        if found["tried"] and not found.get("again"):
            written = [f"{workdir}/mitigation.json"]
            written.append(write_report(workdir, published=published)[-1])
    text = mitigation_record.describe(found)
    return {**found, "text": text, "written": written}


def _add(
    config: ml_collections.ConfigDict,
    workdir: str,
    runs: Sequence[Run],
    options: Mapping[str, Any],
) -> contextlib.ExitStack:
    """Adds runs to a study and makes them; gives what holds the directory then.

    Args:
      config: the study's.
      workdir: its working directory.
      runs: the runs.
      options: method -> its options, of those that the config has none of.
    """
    if config.strategy == "multi_worker_mirrored":
        raise ValueError(
            f"--policy.mitigation.methods must be of ['thresholds'] where the "
            "study's strategy is 'multi_worker_mirrored', whose workers start "
            f"together. Received: {sorted({run.method for run in runs})}. Train these "
            "by pipelines.study, with --config.methods, and mitigate then."
        )
    own_code.require(config)  # Training takes a config for its caller's own.
    added = {MITIGATE: [run.directory for run in runs]}
    extended = extension.with_added(configs.to_dict(config), added, options)
    locked = ml_collections.ConfigDict(extended).lock()
    held = train_study(locked, workdir, only=runs)
    assert held is not None  # There is one process.
    return held
