"""The files that a config names: data, and weights that training begins with."""

from collections.abc import Mapping
from typing import Any

from kd_keras import digests, files


def of_config(fields: Mapping[str, Any]) -> dict[str, str]:
    """Name of a file, as a config has it -> SHA-256 of what is in it.

    Args:
      fields: such as "dataset.path", with their values. What is no path of a file that
        is there, alone or below "dataset.data_dir" or "data_dir", is left out.
    """
    data_dir = fields.get("dataset.data_dir") or fields.get("data_dir") or ""
    found = {}
    for value in fields.values():
        for name in value if isinstance(value, list | tuple) else [value]:
            # A name such as "kl" is no file, whatever lies in the current directory.
            if not isinstance(name, str) or not {".", "/"} & {*name}:
                continue
            for path in (name, files.join(data_dir, name)):
                if files.exists(path) and not files.gfile.isdir(path):
                    found[name] = digests.of_file(path)
                    break
    return found


def require_same(
    workdir: str, made: Mapping[str, str], fields: Mapping[str, Any]
) -> None:
    """Raises a ValueError if a file has changed since the study was begun.

    Args:
      workdir: the study's working directory.
      made: what `of_config` gave then; of a study of an older version nothing.
      fields: as of `of_config`.
    """
    now = of_config(fields)
    for name, digest in made.items():
        if now.get(name, digest) != digest:
            raise ValueError(
                f"--workdir={workdir} was made with another content of the file {name},"
                " which the config names: runs of both would be compared. Name a new "
                "--workdir, or bring the file back as it was."
            )
