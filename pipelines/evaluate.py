"""Evaluates the exported models of a study with Beam and TFMA."""

import functools
import time
from collections.abc import Sequence

from absl import flags

from pipelines import cli

CONFIDENCE_INTERVALS = flags.DEFINE_bool(
    "confidence_intervals",
    None,
    "Compute jackknife intervals; takes several times as long. Default: the config's.",
)


def evaluate(
    workdir: str,
    *,
    beam_args: Sequence[str] = (),
    confidence_intervals: bool | None = None,
) -> None:
    """Evaluates the runs that were not, or from another export or other data.

    Writes `evaluation_data/`, and per run `evaluation/` and a Fairness Indicators
    summary in `tensorboard/`. Every student is compared with its seed's teacher.

    Args:
      workdir: the study's working directory.
      beam_args: flags of Beam, such as "--runner=FnApiRunner", the default.
      confidence_intervals: whether to compute jackknife intervals; None for what the
        config says.

    Raises:
      ValueError: if there is no study or no finished run, or an export is unusable.
    """
    from pipelines import config as configs
    from pipelines.evaluation import examples, plan

    config = configs.read_config(workdir)
    if confidence_intervals is None:
        confidence_intervals = config.evaluation.confidence_intervals
    runs = plan.finished_runs(workdir, config)
    load = functools.cache(lambda: configs.load_dataset(config))
    record = examples.ensure(
        workdir, config.evaluation.split, configs.to_dict(config.dataset), load
    )
    planned = plan.plan(workdir, runs, record["digest"], confidence_intervals)
    missing = [evaluation for evaluation in planned if not evaluation.is_done]
    if not missing:
        print(f"all {len(runs)} evaluations are there already", flush=True)
        return
    from pipelines.evaluation import comparisons

    examples.verify(workdir, config.evaluation.split, record)
    print(
        f"evaluate {len(missing)} of {len(runs)} runs on {record['examples']} examples",
        flush=True,
    )
    began = time.monotonic()
    comparisons.run(
        workdir,
        load().spec,
        planned,
        missing,
        examples.pattern(workdir, config.evaluation.split),
        beam_args,
    )
    print(f"evaluated in {time.monotonic() - began:.0f} s", flush=True)


def main(argv: Sequence[str]) -> None:
    evaluate(
        cli.WORKDIR.value,
        beam_args=argv[1:],
        confidence_intervals=CONFIDENCE_INTERVALS.value,
    )
    from pipelines import next_steps

    workdir = cli.WORKDIR.value
    print(f"written: evaluation/ of every run in {workdir}")
    print(f"next:    {next_steps.command('pipelines.report', workdir=workdir)}")


if __name__ == "__main__":
    # Beam has flags of its own.
    cli.run(main, needs=["workdir"], known_only=True)
