"""A study beside what its runs predict on damaged data, for a choice by it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kd_keras.datasets.corruptions import SEVERITIES
from pipelines.analysis import robustness
from pipelines.analysis.results import Result, Study
from pipelines.studies import corruption_options

MEAN = "mean"  # Over all corruptions of a study.


def with_damaged(workdir: str, study: Study, corruption: str) -> Study:
    """The study with `Study.damaged`.

    Args:
      workdir: the study's working directory.
      study: from `read_study`.
      corruption: the one to read, "mean" for all of the study; empty for none.

    Raises:
      ValueError: if the study was not predicted under this corruption. What a file
        holds is checked when it is read, in `costs`.
    """
    if not corruption:
        return study
    names = corruption_options.names(study.config)
    if not names or corruption not in (MEAN, *names):
        wanted = names if corruption == MEAN else (*names, corruption)
        shown = ", ".join(f'"{name}"' for name in wanted or ("gaussian_noise",))
        raise ValueError(
            f"--policy.selection.corruption must be one of {[MEAN, *names]} of a study "
            f"that predicts on damaged data. Received: {corruption!r}, and "
            f"{workdir} has {', '.join(names) or 'none'}. Run the study again with "
            f"--config.{corruption_options.FIELD}='({shown},)'; it trains nothing."
        )
    wanted = names if corruption == MEAN else (corruption,)
    views = {
        name: [_view(workdir, study, name, i) for i in range(len(SEVERITIES))]
        for name in wanted
    }
    return dataclasses.replace(study, damaged=views)


def _view(workdir: str, study: Study, name: str, severity: int) -> Study:
    """The study as it is on data with a corruption; `severity` from 0 on."""
    splits = corruption_options.splits(study.config)
    models = {
        model: {
            seed: dataclasses.replace(
                result, logits=_OnDisk(workdir, study, result, name, severity, splits)
            )
            for seed, result in seeds.items()
        }
        for model, seeds in study.models.items()
    }
    return dataclasses.replace(study, models=models)


class _OnDisk(Mapping[str, np.ndarray]):
    """Split -> a run's logits on damaged data, which are read when asked for.

    Of all corruptions and severities they would fill the memory.
    """

    def __init__(
        self,
        workdir: str,
        study: Study,
        result: Result,
        name: str,
        severity: int,
        splits: Sequence[str],
    ):
        self._about = (workdir, study, result, name)
        self._severity = severity
        self._splits = splits

    def __getitem__(self, split: str) -> np.ndarray:
        if split not in self._splits:
            raise KeyError(split)
        return robustness.read(*self._about, split)[self._severity].logits[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    def __len__(self) -> int:
        return len(self._splits)
