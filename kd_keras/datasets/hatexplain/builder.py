"""HateXplain as a TensorFlow data set, read from the official files."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from kd_keras import files
from kd_keras.datasets.hatexplain.rules import COMMUNITIES, community, majority_label

POSTS = "dataset.json"
DIVISIONS = "post_id_divisions.json"
_SPLITS = {"train": "train", "validation": "val", "test": "test"}

_DESCRIPTION = """
Posts of Twitter and Gab, each with the labels and target communities of three
annotators.
"""

_CITATION = """
@inproceedings{mathew2021hatexplain,
  title={HateXplain: A Benchmark Dataset for Explainable Hate Speech Detection},
  author={Mathew, Binny and Saha, Punyajoy and Yimam, Seid Muhie and Biemann, Chris
          and Goyal, Pawan and Mukherjee, Animesh},
  booktitle={AAAI},
  year={2021}
}
"""


class Hatexplain(tfds.core.GeneratorBasedBuilder):
    """Reads dataset.json and post_id_divisions.json."""

    # To be raised whenever the same files give other records.
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, directory: str, **kwargs: Any) -> None:
        self._directory = directory
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            citation=_CITATION,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=["normal", "toxic"]),
                    # Indices into COMMUNITIES.
                    "race": np.int64,
                    "gender": np.int64,
                    "id": tfds.features.Text(),
                }
            ),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        posts = self._read(POSTS)
        divisions = self._read(DIVISIONS)
        wanted = [key for name in _SPLITS.values() for key in divisions[name]]
        missing = [key for key in wanted if key not in posts]
        if missing:
            raise ValueError(
                f"{files.join(self._directory, POSTS)} lacks {len(missing)} of the "
                f"{len(wanted)} posts that {DIVISIONS} lists, such as {missing[0]}. "
                "Get the whole file."
            )
        return {
            split: self._generate_examples([posts[key] for key in divisions[name]])
            for split, name in _SPLITS.items()
        }

    def _generate_examples(
        self, posts: list[dict[str, Any]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for post in posts:
            key, text = post["post_id"], " ".join(post["post_tokens"])
            try:
                if not text.strip():
                    raise ValueError(f"post {key} has no text.")
                label = majority_label(post)
            except ValueError as error:
                path = files.join(self._directory, POSTS)
                raise ValueError(f"{path}: {error}") from error
            if label is not None:
                groups = {name: community(post, name) for name in COMMUNITIES}
                yield key, {"text": text, "label": label, **groups, "id": key}

    def _read(self, name: str) -> Any:
        path = files.join(self._directory, name)
        try:
            return files.read_json(path)
        except ValueError as error:
            raise ValueError(f"{path} is no intact JSON file: {error}") from error
