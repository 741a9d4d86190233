"""Adult as a TensorFlow data set, read from the official files."""

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from kd_keras import files
from kd_keras.datasets.adult.columns import (
    CATEGORICAL,
    COLUMNS,
    GROUPS,
    INCOMES,
    NUMERIC,
)

_FILES = {"train": "adult.data", "test": "adult.test"}

_DESCRIPTION = """
Adults of the US census of 1994 and whether they earn over 50,000 dollars a year.
"""


class Adult(tfds.core.GeneratorBasedBuilder):
    """Reads adult.data and adult.test."""

    # To be raised whenever the same files give other records.
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, directory: str, **kwargs: Any) -> None:
        self._directory = directory
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        classes = {**GROUPS, "income": INCOMES}
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            homepage="https://archive.ics.uci.edu/dataset/2/adult",
            features=tfds.features.FeaturesDict(
                {
                    **dict.fromkeys(NUMERIC, np.float32),
                    **{name: tfds.features.Text() for name in CATEGORICAL},
                    **{
                        name: tfds.features.ClassLabel(names=list(names))
                        for name, names in classes.items()
                    },
                    "id": tfds.features.Text(),
                }
            ),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        return {split: self._generate_examples(split) for split in _FILES}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        path = files.join(self._directory, _FILES[split])
        lines = files.read_text(path).splitlines()
        rows = csv.reader(lines, skipinitialspace=True)
        # adult.test begins with a comment.
        full = (row for row in rows if row and not row[0].startswith("|"))
        for number, row in enumerate(full):
            key = f"{split}_{number:05d}"
            try:
                yield key, {**_example(row), "id": key}
            except ValueError as error:
                raise ValueError(f"{path}, line {rows.line_num}: {error}") from error


def _example(row: list[str]) -> dict[str, Any]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns instead of {len(COLUMNS)}.")
    values = dict(zip(COLUMNS, row, strict=True))
    # The labels of adult.test end in a full stop.
    values["income"] = values["income"].removesuffix(".")
    for name, allowed in {**GROUPS, "income": INCOMES}.items():
        if values[name] not in allowed:
            raise ValueError(
                f"unknown {name} {values[name]!r}. Allowed: {', '.join(allowed)}."
            )
    numbers = {name: float(values[name]) for name in NUMERIC}
    texts = {name: values[name] for name in (*CATEGORICAL, *GROUPS, "income")}
    return {**numbers, **texts}
