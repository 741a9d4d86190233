"""Runs a config's teachers and students, evaluates them and writes the report."""

import os
import sys
import time
from collections.abc import Sequence

from ml_collections import config_flags

from pipelines import cli

CONFIG = config_flags.DEFINE_config_file(
    "config", None, "The experiment, such as configs/demo.py.", lock_config=True
)


def study(config, workdir: str) -> None:
    """Makes what is missing of a study: runs, evaluation, tables, report.

    Args:
      config: an ml_collections.ConfigDict as in configs/.
      workdir: an empty or new directory, or one that this config made before.
    """
    from pipelines import config as configs

    configs.validate(config)
    configs.prepare_workdir(workdir, config)
    train(config, workdir)
    from pipelines import evaluate, report

    evaluate.evaluate(
        workdir, confidence_intervals=config.evaluation.confidence_intervals
    )
    report.write_report(workdir)
    print(f"\n{report.summary_table(workdir)}\n")
    print(f"report:      {workdir}/report.html")
    print(f"TensorBoard: {_python()} -m pipelines.tensorboard --workdir={workdir}")


def train(config, workdir: str) -> None:
    """Trains the runs that are missing in `workdir`, teachers first."""
    from pipelines import workdir as layout

    runs = layout.study_runs(config.temperatures, config.seeds)
    missing = [run for run in runs if not layout.is_complete(workdir, run)]
    if not missing:
        print(f"all {len(runs)} runs are there already", flush=True)
        return
    from pipelines import config as configs
    from pipelines import progress
    from pipelines import runs as training

    print(f"data set {config.dataset.name}", flush=True)
    dataset = configs.load_dataset(config)
    bars = progress.StudyProgress(runs, missing)
    for run in missing:
        began = time.monotonic()
        recipe = config.teacher if run.model == layout.TEACHER else config.student
        epochs = bars.epochs(run, recipe.epochs)
        record = training.train_run(config, dataset, workdir, run, [epochs])
        bars.finished(run, began, record["val_accuracy"])
    bars.close()


def _python() -> str:
    """How this interpreter is called from here."""
    path = os.path.relpath(sys.executable)
    return sys.executable if path.startswith("..") else path


def main(argv: Sequence[str]) -> None:
    del argv
    study(CONFIG.value, cli.WORKDIR.value)


if __name__ == "__main__":
    cli.run(main, needs=["config", "workdir"])
