"""A table of what a pretrained model sees, for studies of small models on top of it.

python -m benchmarks.frozen_features --config=configs/small/cifar10.py \
    --config.teacher.pretrained=cifar10_resnet56.npz --output=features.parquet

By default what stands before the logits, a column a number; with --map=24 --cells=6 the
last feature map of 24 x 24 places, averaged over 6 x 6 cells, as one vector "seen".
"""

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd
from absl import app, flags
from ml_collections import config_flags

from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import evaluation_batches
from pipelines.studies import config as configs
from pipelines.studies.embeddings import before_logits
from pipelines.studies.predictions import truth_of
from pipelines.studies.trainers import build_model

CONFIG = config_flags.DEFINE_config_file("config", None, "its teacher is not trained")
OUTPUT = flags.DEFINE_string("output", None, "the .parquet file", required=True)
MAP = flags.DEFINE_integer("map", 0, "places a side of a feature map; 0 for none")
CELLS = flags.DEFINE_integer("cells", 6, "a side, that the map is averaged over")


def main(argv: Sequence[str]) -> None:
    del argv
    dataset = configs.load_dataset(CONFIG.value)
    model = build_model(CONFIG.value.teacher, dataset)
    model = cells(model, MAP.value, CELLS.value) if MAP.value else before_logits(model)
    tables = [table(model, dataset, split) for split in dataset.splits]
    pd.concat(tables).to_parquet(OUTPUT.value, index=False)


def cells(model: keras.Model, places: int, number: int) -> keras.Model:
    """Images to the means of the cells of a map, `[batch, number ** 2 * channels]`."""
    maps = [layer.output for layer in model.layers if _places(layer) == places]
    pooled = keras.layers.AveragePooling2D(places // number)(maps[-1])
    return keras.Model(model.input, keras.layers.Flatten()(pooled))


def _places(layer: keras.layers.Layer) -> int:
    shape = getattr(layer.output, "shape", ())
    return shape[1] if len(shape) == 4 and shape[1] == shape[2] else 0


def table(model: keras.Model, dataset: Dataset, split: str) -> pd.DataFrame:
    """Features, the class index, groups by name, the id, the split."""
    spec, truth = dataset.spec, truth_of(dataset, split)
    seen = model.predict(evaluation_batches(dataset.splits[split], spec), verbose=0)
    if MAP.value:
        features = {"seen": list(seen.astype(np.float32))}
    else:
        features = {f"f{i:03d}": column for i, column in enumerate(seen.T)}
    return pd.DataFrame(
        {
            **features,
            spec.label: truth.labels,
            **truth.named_groups(spec),
            "id": [f"{split}-{i.decode()}" for i in truth.ids],
            "split": split,
        }
    )


if __name__ == "__main__":
    app.run(main)
