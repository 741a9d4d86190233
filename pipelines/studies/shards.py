"""Splits a study's runs over processes, and says which run is to be trained next."""

import contextlib
import re
from collections.abc import Iterator, Sequence

import tensorflow as tf

from kd_keras import strategy
from pipelines.studies import layout
from pipelines.studies.claims import Claim, Claims
from pipelines.studies.layout import Run


def share(runs: Sequence[Run], shard: str) -> list[Run]:
    """The runs of one shard, and the teachers that they need.

    The runs are cut into parts of equal size, seed by seed, so that few shards share
    a teacher. One that several shards need is trained by the first that claims it.

    Args:
      runs: every run of the study.
      shard: "i/n", the part i of n, counted from 0; "" is all.

    Raises:
      ValueError: if `shard` is not as described.
    """
    if not shard:
        return list(runs)
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    index, count = (int(number) for number in match.groups()) if match else (0, 0)
    if index >= count:
        raise ValueError(
            "--shard must be i/n with i from 0 to n - 1, such as 0/4. "
            f"Received: {shard!r}."
        )
    by_seed = sorted(runs, key=lambda run: run.seed)
    first, end = (len(runs) * i // count for i in (index, index + 1))
    mine = set(by_seed[first:end])
    mine |= {teacher(run) for run in mine if run.model == layout.DS}
    return [run for run in runs if run in mine]


def teacher(run: Run) -> Run:
    return Run(layout.TEACHER, run.seed)


def claimed_runs(
    workdir: str, runs: Sequence[Run], claims: Claims
) -> Iterator[tuple[Run, Claim]]:
    """Claims one missing run after the other until all of `runs` are complete.

    A distilled student comes after its teacher. Where other processes have claimed all
    that could be trained now, it waits for them.

    Args:
      workdir: the study's working directory.
      runs: what this process may train.
      claims: of the working directory.

    Yields:
      (run, its claim), to be used as a context.
    """
    told: list[Run] = []
    while missing := [run for run in runs if not layout.is_complete(workdir, run)]:
        found = _claim_one(workdir, missing, claims)
        if found:
            yield found
            continue
        if missing != told:
            told = missing
            print(
                f"waiting for other processes, which train {missing[0].title}"
                f"{' and others' * (len(missing) > 1)}, or what these need",
                flush=True,
            )
        claims.pause()


def led_by_chief(
    workdir: str,
    runs: Sequence[Run],
    claims: Claims,
    devices: tf.distribute.Strategy,
) -> Iterator[tuple[Run, contextlib.AbstractContextManager]]:
    """As `claimed_runs`, where several workers train each run together.

    The chief claims; the others get each run when all have come for the next one.
    """
    if strategy.is_chief(devices):
        for run, claim in claimed_runs(workdir, runs, claims):
            strategy.from_chief(devices, runs.index(run))
            yield run, claim
        strategy.from_chief(devices, len(runs))
        return
    while (index := strategy.from_chief(devices, 0)) < len(runs):
        yield runs[index], contextlib.nullcontext()


def _claim_one(
    workdir: str, missing: Sequence[Run], claims: Claims
) -> tuple[Run, Claim] | None:
    for run in missing:
        if run.model == layout.DS and not layout.is_complete(workdir, teacher(run)):
            continue
        claim = claims.take(run.directory)
        if claim is None:
            continue
        # It may have been completed since it was found missing.
        if not layout.is_complete(workdir, run):
            return run, claim
        claim.release()
    return None
