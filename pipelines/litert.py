"""Converts a run's export to LiteRT in four formats, and audits what would ship."""

import io
from collections.abc import Iterator, Sequence

from absl import flags

from pipelines import cli
from pipelines.release.flags import RUN
from pipelines.report.flags import PUBLISHED

REPRESENTATIVE = 200  # Training examples that give int8 its ranges.


def litert(workdir: str, run: str = "") -> str:
    """Writes `<run>/litert/`: a .tflite and a .npz of predictions per format.

    Nothing is done for an export that was converted before.

    Args:
      workdir: the study's working directory.
      run: directory of the run, such as "student-t04/seed0"; empty for the
        recommended one.

    Returns:
      The directory written.

    Raises:
      ValueError: if there is no such run, or LiteRT cannot run its export.
    """
    from pipelines import config as configs
    from pipelines.release import candidate
    from pipelines.report import litert as converted
    from pipelines.report.choice import run_to_release
    from pipelines.report.results import read_study
    from pipelines.report.tradeoff import OBJECTIVE

    dataset = configs.load_dataset(configs.read_config(workdir))
    study = read_study(workdir, dataset.spec)
    found = candidate.find(workdir, run_to_release(study, OBJECTIVE, run))
    directory = converted.directory(workdir, found.run)
    if not converted.is_made_from(directory, found.digest):
        _write(dataset, study.split, found, directory)
    return directory


def _write(dataset, split: str, found, directory: str) -> None:
    import numpy as np
    from tqdm import tqdm

    from kd_keras import files
    from kd_keras import litert as lite
    from pipelines.report.litert import RECORD

    partial = f"{directory}.partial"
    files.remove_tree(partial)
    formats = {}
    for name in tqdm(lite.FORMATS, desc=f"LiteRT {found.run.title}", disable=None):
        training = list(_features(dataset, "train", REPRESENTATIVE))
        model = lite.convert(found.export, name, training)
        probabilities, milliseconds = lite.predict(model, _features(dataset, split))
        content = io.BytesIO()
        np.savez(content, probabilities=probabilities)
        files.write_bytes(files.join(partial, f"{name}.tflite"), model)
        files.write_bytes(files.join(partial, f"{name}.npz"), content.getvalue())
        formats[name] = {"bytes": len(model), "milliseconds": milliseconds}
    record = {"export_digest": found.digest, "split": split, "formats": formats}
    files.write_json(files.join(partial, RECORD), record)
    files.replace_directory(partial, directory, last=RECORD)


def _features(dataset, split: str, take: int = -1) -> Iterator[dict]:
    """The features of single examples, with a batch axis of 1."""
    names = dataset.spec.features
    examples = dataset.splits[split].take(take)
    examples = examples.map(lambda example: {name: example[name] for name in names})
    return iter(examples.batch(1).as_numpy_iterator())


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import next_steps, report

    workdir = cli.WORKDIR.value
    directory = litert(workdir, RUN.value)
    paths = report.write_report(workdir, published=PUBLISHED.value)
    push = next_steps.command(
        "pipelines.gate",
        workdir=workdir,
        policy="configs/policies/demo.py",
        push="DIRECTORY",
    )
    print(f"written: {directory}, tables/litert.csv and {paths[-1]}")
    print(f"next:    {push}")


if __name__ == "__main__":
    flags.declare_key_flag("run")
    flags.declare_key_flag("published")
    cli.run(main, needs=["workdir"])
