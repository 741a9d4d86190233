"""Evaluates the exported models of a study with Beam and TFMA."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kd_keras.datasets import Dataset
from pipelines.evaluation import comparisons, evaluation_data, plan
from pipelines.studies import config as configs
from pipelines.studies import made_by, mended_run, run_record
from pipelines.studies.layout import Run


class Examples(NamedTuple):
    """What models are evaluated on.

    Attributes:
      name: of the split in what `load` returns, and of its files.
      source: what it is made from, as JSON.
      load: loads the data set.
    """

    name: str
    source: Mapping[str, Any]
    load: Callable[[], Dataset]


def evaluate(
    workdir: str,
    *,
    beam_args: Sequence[str] = (),
    confidence_intervals: bool | None = None,
    load: Callable[[], Dataset] | None = None,
) -> None:
    """Evaluates the runs that were not, or from another export or other data.

    Writes `evaluation_data/`, and per run `evaluation/` and a Fairness Indicators
    summary in `tensorboard/`. Every student is compared with its seed's teacher. A
    mended student that reads the group gets examples that hold it.

    Args:
      workdir: the study's working directory.
      beam_args: flags of Beam, such as "--runner=FnApiRunner", the default.
      confidence_intervals: whether to compute jackknife intervals; None for what the
        config says.
      load: gives the data set; None to load that of the config.

    Raises:
      ValueError: if there is no study or no finished run, or an export is unusable.
    """
    config = configs.read_config(workdir)
    if confidence_intervals is None:
        confidence_intervals = config.evaluation.confidence_intervals
    runs = plan.finished_runs(workdir, config)
    made_by.tell({r.directory: run_record.read(workdir, r, config) for r in runs})
    load = load or functools.cache(lambda: configs.load_dataset(config))
    split = config.evaluation.split
    examples = Examples(split, configs.to_dict(config.dataset), load)
    evaluated = functools.partial(
        _evaluate, workdir, confidence_intervals=confidence_intervals, beam=beam_args
    )
    evaluated(examples, runs, runs)
    for with_group, mended in _mended(workdir, config, runs, examples):
        others = {other for run in mended for other in plan.compared_with(run)}
        needed = [run for run in runs if run in others]
        evaluated(with_group, [*needed, *mended], mended)


def _mended(
    workdir: str, config: Mapping[str, Any], runs: list[Run], examples: Examples
) -> Iterator[tuple[Examples, list[Run]]]:
    """The mended runs that read one attribute, with the examples that hold it."""
    found: dict[str, list[Run]] = {}
    records = {}
    for run in mended_run.complete(workdir, runs):
        records[run] = mended_run.read(workdir, run, config)
        found.setdefault(records[run]["mitigation"]["attribute"], []).append(run)
    for attribute, mended in found.items():
        # What is the name of an attribute may be none of a file.
        name = f"{examples.name}_group{list(config['attributes']).index(attribute)}"

        def load(record: Mapping[str, Any], name: str) -> Dataset:
            dataset = mended_run.served_dataset(examples.load(), record)
            return Dataset(dataset.spec, {name: dataset.splits[examples.name]})

        yield (
            Examples(
                name,
                {**examples.source, "group": attribute},
                functools.partial(load, records[mended[0]], name),
            ),
            mended,
        )


def _evaluate(
    workdir: str,
    examples: Examples,
    runs: Sequence[Run],
    wanted: Sequence[Run],
    *,
    confidence_intervals: bool,
    beam: Sequence[str],
) -> None:
    """Evaluates those of `wanted` that were not.

    Args:
      workdir: the study's working directory.
      examples: what the models are evaluated on.
      runs: those, and all that they are compared with.
      wanted: whose evaluation is made.
      confidence_intervals, beam: as for `evaluate`.
    """
    name, source, load = examples
    record = evaluation_data.ensure(workdir, name, source, load)
    planned = plan.plan(workdir, runs, record["digest"], confidence_intervals)
    missing = [e for e in planned if e.run in wanted and not e.is_done]
    if not missing:
        print(f"all {len(wanted)} evaluations are already there", flush=True)
        return
    evaluation_data.verify(workdir, name, record)
    print(
        f"evaluate {len(missing)} of {len(wanted)} runs on {record['examples']} "
        "examples",
        flush=True,
    )
    began = time.monotonic()
    pattern = evaluation_data.pattern(workdir, name)
    comparisons.run(workdir, load().spec, planned, missing, pattern, beam)
    print(f"evaluated in {time.monotonic() - began:.0f} s", flush=True)
