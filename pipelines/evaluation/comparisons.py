"""From planned evaluations to evaluation directories: one job for some seeds."""

import itertools
from collections.abc import Sequence

from kd_keras import files
from kd_keras.datasets import DatasetSpec
from pipelines.evaluation import job, output
from pipelines.evaluation.eval_config import eval_config
from pipelines.evaluation.plan import Evaluation, compared_with
from pipelines.studies import attributes, exports, layout
from pipelines.studies import config as configs
from pipelines.studies.layout import Run

JOB_OUTPUT = "evaluation.partial"
# A job reads the examples once, however many models it has; but what Beam adds to a
# graph grows with it, and a killed job leaves nothing.
SEEDS_IN_A_JOB = 5


def run(
    workdir: str,
    spec: DatasetSpec,
    planned: Sequence[Evaluation],
    missing: Sequence[Evaluation],
    examples: str,
    beam_args: Sequence[str] = (),
) -> None:
    """Evaluates the models of `missing` and writes their evaluation directories.

    Args:
      workdir: the study's working directory.
      spec: the data set.
      planned: the evaluations of all finished runs; teachers are taken from it.
      missing: the ones to make.
      examples: pattern of the shards of tf.Examples.
      beam_args: flags of Beam.
    """
    by_seed = _by_seed(planned, missing)
    for evaluation in itertools.chain(*by_seed):
        exports.check(evaluation.directory, evaluation.export)
    done = 0
    for start in range(0, len(by_seed), SEEDS_IN_A_JOB):
        part = by_seed[start : start + SEEDS_IN_A_JOB]
        _run_job(workdir, spec, part, missing, examples, beam_args)
        done += sum(evaluation in missing for evaluation in itertools.chain(*part))
        if len(by_seed) > SEEDS_IN_A_JOB:
            print(f"evaluated {done} of {len(missing)} runs", flush=True)


def _run_job(
    workdir: str,
    spec: DatasetSpec,
    by_seed: Sequence[Sequence[Evaluation]],
    missing: Sequence[Evaluation],
    examples: str,
    beam_args: Sequence[str],
) -> None:
    scratch = files.join(workdir, JOB_OUTPUT)
    files.remove_tree(scratch)
    crossed = attributes.crossings(configs.read_config(workdir))
    compared = [_comparison(scratch, spec, crossed, models) for models in by_seed]
    job.run(compared, examples, beam_args)
    for comparison, models in zip(compared, by_seed, strict=True):
        metrics = output.read_metrics(comparison.output)
        for evaluation in models:
            if evaluation not in missing:
                continue
            name = evaluation.run.directory
            described = output.eval_run(
                comparison.eval_config, name, evaluation.export, examples
            )
            output.write_model(
                metrics, name, described, evaluation.directory, evaluation.record
            )
    files.remove_tree(scratch)


def _by_seed(
    planned: Sequence[Evaluation], missing: Sequence[Evaluation]
) -> list[list[Evaluation]]:
    """The missing evaluations of each seed, and those they are compared with."""
    needed = {evaluation.run for evaluation in missing}
    needed |= {other for run in list(needed) for other in compared_with(run)}
    by_seed: dict[int, list[Evaluation]] = {}
    for evaluation in planned:
        if evaluation.run in needed:
            by_seed.setdefault(evaluation.run.seed, []).append(evaluation)
    return list(by_seed.values())


def _comparison(
    scratch: str,
    spec: DatasetSpec,
    crossings: Sequence[tuple[str, ...]],
    models: Sequence[Evaluation],
) -> job.Comparison:
    exports_by_name = {e.run.directory: e.export for e in models}
    seed = models[0].run.seed
    references = {
        f"versus_{model}": Run(model, seed).directory
        for model in (layout.TEACHER, layout.NDS)
        if len(models) > 1 and Run(model, seed).directory in exports_by_name
    }
    name = f"seed{seed}"
    return job.Comparison(
        name,
        eval_config(
            spec,
            list(exports_by_name),
            baseline=references.get(f"versus_{layout.TEACHER}"),
            references=references,
            crossings=crossings,
            confidence_intervals=models[0].record["confidence_intervals"],
        ),
        exports_by_name,
        files.join(scratch, name),
    )
