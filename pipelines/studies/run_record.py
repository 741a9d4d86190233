"""run.json: what a run is, what made it, and the SHA-256 of its files."""

from collections.abc import Mapping
from typing import Any

from kd_keras import digests, files
from kd_keras.export import versions
from pipelines.studies import config as configs
from pipelines.studies import layout, made_by, methods, sealed
from pipelines.studies.layout import Run

MODEL_FILE = "model.keras"
# What else lies in a run's directory is made again, or has digests of its own.
PARTS = (MODEL_FILE, "history.csv", "predictions", "export")
# The one of the export that the predictions are of.
EXPORT_DIGEST = "export_digest"


def write(
    directory: str, run: Run, config: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes run.json beside the finished files of a run, which it vouches for.

    Args:
      directory: where the files are now.
      run: model, temperature and seed.
      config: the study's.
      about: what else is to be known of the run.

    Returns:
      What run.json holds.
    """
    record = {
        **about,
        **of_method(run, config),
        "model": run.model,
        "temperature": run.temperature,
        "seed": run.seed,
        "directory": run.directory,
        "config": configs.digest(config),
        **made_by.current(),
        "files": _files(directory),
    }
    latest = max(versions(files.join(directory, "export")), default=0)
    record[EXPORT_DIGEST] = sealed.of_json(of_export(record, latest))
    sealed.write(files.join(directory, layout.RUN_FILE), record)
    return record


def read(workdir: str, run: Run, config: Mapping[str, Any]) -> dict[str, Any]:
    """What run.json of a finished run holds.

    Args:
      workdir: the study's working directory.
      run: the run.
      config: the study's.

    Raises:
      ValueError: if it is not what was written, or is another run's or study's.
    """
    path = files.join(layout.run_dir(workdir, run), layout.RUN_FILE)
    record = sealed.read(path, advice(workdir, run))
    if record.get("directory") != run.directory:
        raise ValueError(
            f"{path} is that of the run {record.get('directory')}. "
            f"{advice(workdir, run)}"
        )
    if record["config"] != configs.digest(config):
        raise ValueError(
            f"{path} is of a run that another config made. {advice(workdir, run)}"
        )
    expected = of_method(run, config)
    if any(record.get(key) != value for key, value in expected.items()):
        raise ValueError(
            f"{path} is of a run that the method {run.method} made with the options "
            f"{record.get('method_options')}, the config has "
            f"{expected['method_options']}. {advice(workdir, run)}"
        )
    return record


def of_method(run: Run, config: Mapping[str, Any]) -> dict[str, Any]:
    """The method of a run and its options; nothing of a plain one."""
    if run.method == layout.PLAIN:
        return {}
    options = configs.to_dict(methods.options(config, run.method))
    return {"method": run.method, "method_options": options}


def require(workdir: str, run: Run, record: Mapping[str, Any], name: str) -> str:
    """The path of one file of a run; ValueError unless it is the one of `record`."""
    path = files.join(layout.run_dir(workdir, run), name)
    sealed.require(path, record["files"].get(name), advice(workdir, run))
    return path


def of_export(record: Mapping[str, Any], version: int | str) -> dict[str, str]:
    """Path below an export's version -> SHA-256, as run.json has it."""
    start = f"export/{version}/"
    return {
        name.removeprefix(start): digest
        for name, digest in record["files"].items()
        if name.startswith(start)
    }


def advice(workdir: str, run: Run) -> str:
    again = "mitigate" if run.mended else "run the study"
    return f"Delete {layout.run_dir(workdir, run)} and {again} again."


def _files(directory: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in PARTS:
        path = files.join(directory, part)
        if not files.exists(path):
            continue
        if files.gfile.isdir(path):
            of_part = digests.of_directory(path)
            found |= {f"{part}/{name}": digest for name, digest in of_part.items()}
        else:
            found[part] = digests.of_file(path)
    return found
