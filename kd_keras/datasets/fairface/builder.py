"""FairFace as a TensorFlow data set, read from the official files."""

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from kd_keras import files
from kd_keras.datasets.fairface.labels import AGES, GENDERS, RACES
from kd_keras.datasets.records import decode, resize

_LABELS = {"age": AGES, "race": RACES, "gender": GENDERS}
_FILES = {
    "train": "fairface_label_train.csv",
    "validation": "fairface_label_val.csv",
}

_DESCRIPTION = """
Faces balanced by race, with race, gender and age as annotators saw them.
"""

_CITATION = """
@inproceedings{karkkainen2021fairface,
  title={FairFace: Face Attribute Dataset for Balanced Race, Gender, and Age for Bias
         Measurement and Mitigation},
  author={Karkkainen, Kimmo and Joo, Jungseock},
  booktitle={WACV},
  year={2021}
}
"""


class FairfaceConfig(tfds.core.BuilderConfig):
    """Names the data set after the size of its images."""

    def __init__(self, image_size: int) -> None:
        super().__init__(name=f"{image_size}px")
        self.image_size = image_size


class Fairface(tfds.core.GeneratorBasedBuilder):
    """Reads the label files and the images that they name."""

    # To be raised whenever the same files give other records.
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, directory: str, **kwargs: Any) -> None:
        self._directory = directory
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.image_size
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            homepage="https://github.com/joojs/fairface",
            citation=_CITATION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(size, size, 3)),
                    **{
                        name: tfds.features.ClassLabel(names=list(names))
                        for name, names in _LABELS.items()
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
        rows = csv.DictReader(files.read_text(path).splitlines())
        for row in rows:
            for name, allowed in _LABELS.items():
                if row[name] not in allowed:
                    raise ValueError(
                        f"{path}, line {rows.line_num}: unknown {name} {row[name]!r}. "
                        f"Allowed: {', '.join(allowed)}."
                    )
            labels = {name: row[name] for name in _LABELS}
            image = self._image(row["file"])
            yield row["file"], {"image": image, **labels, "id": row["file"]}

    def _image(self, name: str) -> np.ndarray:
        path = files.join(self._directory, name)
        size = self.builder_config.image_size
        try:
            image = decode(files.read_bytes(path))
        except (tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as error:
            raise ValueError(
                f"{path} is missing or no intact image. Unpack the archive again."
            ) from error
        if image.shape == (size, size, 3):
            return image.numpy()
        return resize(image, (size, size)).numpy()
