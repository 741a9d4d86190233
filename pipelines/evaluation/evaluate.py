"""Evaluates the exported models of a study with Beam and TFMA."""

import functools
import time
from collections.abc import Sequence

from pipelines.evaluation import comparisons, evaluation_data, plan
from pipelines.studies import config as configs
from pipelines.studies import made_by, run_record


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
    config = configs.read_config(workdir)
    if confidence_intervals is None:
        confidence_intervals = config.evaluation.confidence_intervals
    runs = plan.finished_runs(workdir, config)
    made_by.tell({r.directory: run_record.read(workdir, r, config) for r in runs})
    load = functools.cache(lambda: configs.load_dataset(config))
    split = config.evaluation.split
    record = evaluation_data.ensure(
        workdir, split, configs.to_dict(config.dataset), load
    )
    planned = plan.plan(workdir, runs, record["digest"], confidence_intervals)
    missing = [evaluation for evaluation in planned if not evaluation.is_done]
    if not missing:
        print(f"all {len(runs)} evaluations are there already", flush=True)
        return
    evaluation_data.verify(workdir, split, record)
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
        evaluation_data.pattern(workdir, split),
        beam_args,
    )
    print(f"evaluated in {time.monotonic() - began:.0f} s", flush=True)
