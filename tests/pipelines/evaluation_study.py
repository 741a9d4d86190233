"""A study of real, untrained Keras models in the layout of pipelines.study."""

import keras
import numpy as np
import study_config
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.datasets.batches import evaluation_batches
from kd_keras.export import export
from pipelines.studies import config as configs
from pipelines.studies import layout, run_record, sealed
from pipelines.studies.layout import Run

SEEDS = (0, 1)
TEMPERATURES = (4.0,)


def write_study(
    workdir: str, dataset: Dataset, seeds=SEEDS, temperatures=TEMPERATURES
) -> dict[Run, np.ndarray]:
    """Writes config.json and every run's export and run.json.

    Returns:
      The logits `[examples, classes]` of each run on the test split, by Keras.
    """
    config = study_config.made_up(dataset.spec.name, seeds, temperatures)
    sealed.write(files.join(workdir, "config.json"), {"config": config})
    runs = layout.study_runs(temperatures, seeds)
    return {run: write_run(workdir, dataset, run, i) for i, run in enumerate(runs)}


def write_run(workdir: str, dataset: Dataset, run: Run, seed: int) -> np.ndarray:
    """Exports a model with random weights; returns its logits on the test split."""
    (image,) = dataset.spec.features.values()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(image.shape),
            keras.layers.Rescaling(1 / 255, offset=-0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(dataset.spec.num_classes),
        ]
    )
    directory = layout.run_dir(workdir, run)
    export(model, dataset.spec, files.join(directory, "export"))
    run_record.write(directory, run, configs.read_config(workdir), {})
    batches = evaluation_batches(dataset.splits["test"], dataset.spec)
    return model.predict(batches, verbose=0)


def columns(dataset: Dataset) -> dict[str, np.ndarray]:
    """The test split without its image: label, groups and ids, `[examples]`."""
    rows = list(dataset.splits["test"].as_numpy_iterator())
    names = (dataset.spec.label, *dataset.spec.groups, dataset.spec.example_id)
    return {name: np.array([row[name] for row in rows]) for name in names}


def binary_dataset() -> Dataset:
    """Images of 8x8 pixels, two classes, two attributes with three and two groups."""
    spec = DatasetSpec(
        name="binary",
        features={"image": tf.TensorSpec((8, 8, 1), tf.uint8)},
        label="smiling",
        class_names=("no", "yes"),
        groups={"hair": ("black", "blond", "brown"), "young": ("old", "young")},
    )
    rng = np.random.default_rng(0)
    examples = tf.data.Dataset.from_tensor_slices(
        {
            "image": rng.integers(0, 256, (80, 8, 8, 1)).astype(np.uint8),
            "smiling": rng.integers(0, 2, 80),
            "hair": rng.integers(0, 3, 80),
            "young": rng.integers(0, 2, 80),
            "id": [f"test_{i}" for i in range(80)],
        }
    )
    return Dataset(spec, {"test": examples})
