"""The stages of a study in their order, for the mains that run several of them."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import ml_collections

from pipelines.analysis import quantization, quantization_words
from pipelines.cli import finished, stage
from pipelines.evaluation import hparams
from pipelines.evaluation.evaluate import evaluate
from pipelines.release import added_runs, card_files, mitigation, tracking
from pipelines.release.conversion import convert
from pipelines.release.mitigation_record import describe
from pipelines.report import card_page, page, write
from pipelines.studies import config as configs
from pipelines.studies import coordinator, corrupted, embeddings, own_code
from pipelines.studies.study import train_study


def study(
    config: ml_collections.ConfigDict,
    workdir: str,
    *,
    workers: int = 0,
    scheduler: str = "",
    stack: int = 0,
    published: str = "",
    log_to: Sequence[str] = (),
) -> None:
    """Makes what is missing of a study: runs, evaluation, tables, report.

    For the arguments see `train_study`, `report` and `pipelines.release.tracking.log`.
    """
    tracking.require(log_to)
    asked = {"config": config, "published": published, "log_to": log_to}
    made_from = finished.made_from(asked)
    load = functools.cache(lambda: configs.load_dataset(config))
    held = train_study(
        config, workdir, workers=workers, scheduler=scheduler, stack=stack, load=load
    )
    if held is None:
        return
    with held:
        with stage.telling("evaluate with Beam and TFMA"):
            evaluate(workdir, load=load)
        with stage.telling("embed the test examples, predict on damaged ones"):
            embeddings.ensure_or_tell(workdir, load)
            corrupted.ensure(workdir, load)
        content, _ = report(workdir, published, load)
        hparams.write(workdir, config)
        tracking.log(workdir, log_to)
        finished.end(workdir, made_from, content.summary, bool(own_code.names(config)))


def report(
    workdir: str, published: str = "", load: Callable[[], Any] | None = None
) -> tuple[page.Page, list[str]]:
    """The report, and the paths written; `published` has numbers to show in it."""
    with stage.telling("report: intervals, tables, figures"):
        content = page.page(workdir, load().spec if load else None, published)
        return content, write.write_page(content, workdir)


def evaluate_alone(
    workdir: str, beam_args: Sequence[str], confidence_intervals: bool | None
) -> None:
    """`evaluate`, while no other process makes or evaluates the study."""
    configs.read_config(workdir)  # Or there is nothing to hold.
    with coordinator.alone(workdir), stage.telling("evaluate with Beam and TFMA"):
        evaluate(
            workdir, beam_args=beam_args, confidence_intervals=confidence_intervals
        )


def litert(workdir: str, run: str = "", published: str = "") -> dict[str, Any]:
    """Puts a run as LiteRT into the report: "run", "text" for people, "written"."""
    with stage.telling("convert to LiteRT"):
        chosen = convert(workdir, run)
    content, paths = report(workdir, published)
    text = quantization_words.told(content.tables, chosen)
    written = [quantization.directory(workdir, chosen), "tables/litert.csv", paths[-1]]
    return {"run": chosen.directory, "text": text, "written": written}


def mitigate(workdir: str, published: str = "", **asked: Any) -> dict[str, Any]:
    """Mends a refused student, and puts what came of it into the report.

    `asked` is for `pipelines.release.mitigation.mitigate`. Returns what mitigation.json
    holds; with "text" for people, and "written", the paths.
    """
    config = configs.read_config(workdir)
    with contextlib.ExitStack() as held:
        held.enter_context(coordinator.alone(workdir))
        train = functools.partial(added_runs.make, config, workdir, held)
        with stage.telling("mend, and judge what came of it"):
            found = mitigation.mitigate(workdir, train=train, **asked)
        written = []
        if found["tried"] and not found.get("again"):
            written = [f"{workdir}/mitigation.json", report(workdir, published)[1][-1]]
    return {**found, "text": describe(found), "written": written}


def card(workdir: str, run: str = "") -> list[str]:
    """Writes a run's model card and draft of Annex IV; see `card_files.write`."""
    found = card_files.write(workdir, run)
    return [*found.paths, *card_page.write(found)]
