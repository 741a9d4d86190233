"""Trains runs that a study lacks, and adds them to it."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections

from pipelines.evaluation.evaluate import evaluate
from pipelines.studies import config as configs
from pipelines.studies import extension, layout, own_code
from pipelines.studies.layout import Run
from pipelines.studies.study import train_study

# Who adds them, as config.json says.
NAME = "mitigate"


def make(
    config: ml_collections.ConfigDict,
    workdir: str,
    held: contextlib.ExitStack,
    runs: Sequence[Run],
    options: Mapping[str, Any],
) -> None:
    """Adds those of some runs that are missing to a study, and evaluates them.

    Args:
      config: the study's.
      workdir: its working directory.
      held: what holds the working directory, before and after.
      runs: the runs.
      options: method -> its options, of those that the config has none of.

    Raises:
      ValueError: if the study's strategy cannot train here, or another process has
        taken the working directory in between.
    """
    known = layout.runs_of(config)
    missing = [
        run for run in runs if run not in known or not layout.is_complete(workdir, run)
    ]
    if missing:
        _require_one_process(config, missing)
        own_code.require(config)  # Training takes a config for its caller's own.
        added = {NAME: [run.directory for run in missing]}
        extended = extension.with_added(configs.to_dict(config), added, options)
        held.close()  # Training holds the working directory itself.
        made = train_study(
            ml_collections.ConfigDict(extended).lock(), workdir, only=missing
        )
        assert made is not None  # There is one process.
        held.enter_context(made)
    evaluate(workdir)


def _require_one_process(
    config: ml_collections.ConfigDict, missing: Sequence[Run]
) -> None:
    if config.strategy == "multi_worker_mirrored":
        raise ValueError(
            "--policy.mitigation.methods must be of ['thresholds'] where the study's "
            "strategy is 'multi_worker_mirrored', whose workers start together. "
            f"Received: {sorted({run.method for run in missing})}. Train these by "
            "pipelines.study, with --config.methods, and mitigate then."
        )
