"""Prepares CelebA from a folder of its JPEG files, or from some of them.

python -m examples.celeb_a_files --images=img_align_celeba \
    --attributes=list_attr_celeba.csv --data_dir=DATA
"""

import pathlib
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from absl import app, flags

IMAGES = flags.DEFINE_string("images", None, "folder of 000001.jpg, ...", required=True)
ATTRIBUTES = flags.DEFINE_string(
    "attributes", None, "CSV: the file's name, and 1 or -1 by attribute", required=True
)
DATA_DIR = flags.DEFINE_string("data_dir", None, "where to write it", required=True)
# The official splits are of the numbers of the files.
TRAIN = flags.DEFINE_integer("last_of_train", 162_770, "number of the last image")
VALIDATION = flags.DEFINE_integer("last_of_validation", 182_637, "likewise")


def main(argv: Sequence[str]) -> None:
    del argv
    import tensorflow_datasets as tfds

    table = pd.read_csv(ATTRIBUTES.value)
    rows, (key, *names) = table.to_dict("records"), table.columns
    cuts = (0, TRAIN.value, VALIDATION.value, 10**9)
    splits = {}
    for i, split in enumerate(("train", "validation", "test")):
        inside = [r for r in rows if cuts[i] < int(r[key][:-4]) <= cuts[i + 1]]
        splits[split] = _examples(inside, key, names)
    features = {"image": tfds.features.Image(encoding_format="jpeg")}
    features["attributes"] = tfds.features.FeaturesDict(dict.fromkeys(names, np.bool_))
    tfds.dataset_builders.store_as_tfds_dataset(
        name="celeb_a",
        version="2.1.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets=splits,
        data_dir=DATA_DIR.value,
    )


def _examples(
    rows: Sequence[dict[Hashable, Any]], key: str, names: Sequence[str]
) -> list[tuple[str, dict[str, Any]]]:
    """(key, example), with the file's path as the image: it is copied as it is."""
    folder = pathlib.Path(IMAGES.value)
    return [
        (
            row[key],
            {
                "image": str(folder / row[key]),
                "attributes": {name: row[name] == 1 for name in names},
            },
        )
        for row in rows
    ]


if __name__ == "__main__":
    app.run(main)
