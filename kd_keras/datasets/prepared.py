"""Finds a prepared data set, or says how to get it."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import keras

from kd_keras import files
from kd_keras.datasets.features_file import require_own_features


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the files of a data set come from.

    Attributes:
      name: name of the data set.
      version: version of its TensorFlow data set.
      page: address of the page that offers the files.
      size: how large they are.
      official: official file, as a path inside of data_dir, to its address, or to ""
        where it cannot be fetched without a form or a licence. Empty where the TFDS
        builder fetches what it needs.
      config: name of the TFDS config, where there is one.
    """

    name: str
    version: str
    page: str
    size: str
    official: Mapping[str, str] = dataclasses.field(default_factory=dict)
    config: str = ""

    @property
    def directory(self) -> str:
        """Where TFDS keeps the data set, inside of data_dir."""
        return files.join(self.name, self.config, self.version)


def open_builder(
    source: Source,
    make_builder: Callable[[str], Any],
    *,
    data_dir: str | None,
    download: bool,
) -> Any:
    """Opens a prepared data set, and prepares it first from its official files.

    Args:
      source: what to open.
      make_builder: data_dir -> the tfds.core.DatasetBuilder that prepares it.
      data_dir: directory of TFDS, or of the official files; None is TFDS's default.
      download: whether missing files may be fetched.

    Returns:
      A tfds.core.DatasetBuilder that only reads.

    Raises:
      ValueError: if the data set is not there; it says what to get and where to put
        it.
    """
    # TFDS is imported on use: it costs more than a second.
    import tensorflow_datasets as tfds

    root = data_dir or tfds.core.constants.DATA_DIR
    directory = files.join(root, source.directory)
    require_own_features(files.join(root, source.name))
    if not files.exists(files.join(directory, "dataset_info.json")):
        _require_official(source, root, download)
        make_builder(root).download_and_prepare()
    return tfds.builder_from_directory(directory)


def _require_official(source: Source, root: str, download: bool) -> None:
    missing = [
        name for name in source.official if not files.exists(files.join(root, name))
    ]
    if not download and (missing or not source.official):
        raise ValueError(_instructions(source, root, missing))
    for name in missing:
        if not source.official[name]:
            raise ValueError(_instructions(source, root, missing))
        # A killed download leaves a part that would count as the file.
        with files.replacing(files.join(root, name)) as temporary:
            keras.utils.get_file(
                os.path.basename(temporary),
                origin=source.official[name],
                cache_dir=os.path.dirname(temporary),
                cache_subdir=".",
                force_download=True,
            )


def _instructions(source: Source, root: str, missing: list[str]) -> str:
    found = _other_versions(source, root)
    fetchable = all(source.official[name] for name in missing)
    return " ".join(
        [
            f"Data set {source.name!r} is not in data_dir={root}: there is no "
            f"{source.directory}."
        ]
        + ([f"Found is version {found}, which is not read."] if found else [])
        + (
            [f"To prepare it, put {', '.join(missing)} from {source.page} there"]
            if missing
            else [f"To prepare it, {source.page} is needed"]
        )
        + [f"({source.size})."]
        + (["Or pass download=True, which fetches it."] if fetchable else [])
        + ["A directory with the prepared data set can be named as data_dir."]
    )


def _other_versions(source: Source, root: str) -> str:
    parent = files.join(root, source.name, source.config)
    if not files.exists(parent):
        return ""
    names = (name.rstrip("/") for name in files.gfile.listdir(parent))
    return ", ".join(sorted(name for name in names if name[:1].isdigit()))
