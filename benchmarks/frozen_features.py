"""A table of what a pretrained model sees, for studies of small models on top of it.

python -m benchmarks.frozen_features --config=configs/small/cifar10.py \
    --config.teacher.pretrained=cifar10_resnet56.npz --output=features.parquet
"""

from collections.abc import Sequence

import keras
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


def main(argv: Sequence[str]) -> None:
    del argv
    dataset = configs.load_dataset(CONFIG.value)
    model = before_logits(build_model(CONFIG.value.teacher, dataset))
    tables = [table(model, dataset, split) for split in dataset.splits]
    pd.concat(tables).to_parquet(OUTPUT.value, index=False)


def table(model: keras.Model, dataset: Dataset, split: str) -> pd.DataFrame:
    """Features f000, f001, ..., the class index, groups by name, the id, the split."""
    spec, truth = dataset.spec, truth_of(dataset, split)
    seen = model.predict(evaluation_batches(dataset.splits[split], spec), verbose=0)
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
