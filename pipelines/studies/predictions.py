"""What a run predicts, on disk and as counts; the one owner of that layout."""

import io
import itertools
from typing import NamedTuple

import keras
import numpy as np

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import evaluation_batches, without_autotune
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import GroupCounts, PairedCounts
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import group_name, parts
from pipelines.studies import sealed

# The splits that a run keeps its predictions of.
SPLITS = ("validation", "test")


class Truth(NamedTuple):
    """Labels and groups of one split, the same for every run.

    Attributes:
      ids: example ids `[examples]`.
      labels: int64 `[examples]`.
      groups: attribute -> int64 `[examples]`, an index into the spec's group names,
        -1 where the attribute is missing.
    """

    ids: np.ndarray
    labels: np.ndarray
    groups: dict[str, np.ndarray]

    def named_groups(self, spec: DatasetSpec) -> dict[str, np.ndarray]:
        """Attribute -> group name of each example, None where it is missing."""
        return {
            attribute: np.array([*spec.groups[attribute], None], object)[codes]
            for attribute, codes in self.groups.items()
        }

    def names(self, spec: DatasetSpec, attribute: Attribute) -> np.ndarray:
        """Name of each example's group, or of its crossed group; None where missing."""
        names = itertools.product(*(spec.groups[name] for name in parts(attribute)))
        shown = [group_name(group if len(group) > 1 else group[0]) for group in names]
        return np.array([*shown, None], object)[self.codes(spec, attribute)]

    def codes(self, spec: DatasetSpec, attribute: Attribute) -> np.ndarray:
        """Index of each example's group, or of its crossed group, -1 where missing.

        Crossed groups are numbered as NumPy numbers the cells of a grid.
        """
        names = parts(attribute)
        found = [self.groups[name] for name in names]
        known = np.min(found, axis=0) >= 0
        sizes = [len(spec.groups[name]) for name in names]
        index = np.ravel_multi_index([np.where(known, f, 0) for f in found], sizes)
        return np.where(known, index, -1)

    def counts(self, spec: DatasetSpec, predicted: np.ndarray) -> GroupCounts:
        """The counts of hard predictions `[examples]`."""
        return GroupCounts.from_predictions(
            self.labels,
            predicted,
            groups=self.named_groups(spec),
            num_classes=spec.num_classes,
        )

    def paired_counts(
        self, spec: DatasetSpec, before: np.ndarray, after: np.ndarray
    ) -> PairedCounts:
        """The counts of two models' hard predictions, `[examples]` each."""
        return PairedCounts.from_predictions(
            self.labels,
            before,
            after,
            groups=self.named_groups(spec),
            num_classes=spec.num_classes,
        )


class Predictions(NamedTuple):
    """A split's labels and groups beside one model's logits.

    Attributes:
      truth: what is so.
      logits: what the model says, float32 `[examples, classes]`.
    """

    truth: Truth
    logits: np.ndarray


def predict(
    model: keras.Model, dataset: Dataset, split: str, truth: Truth | None = None
) -> Predictions:
    """The predictions of a model on a split.

    Args:
      model: gives logits `[batch, classes]`.
      dataset: has the split.
      split: its name.
      truth: what `truth_of` says of it, if that is known already.
    """
    batches = evaluation_batches(dataset.splits[split], dataset.spec)
    logits = model.predict(batches, verbose=0)
    return Predictions(truth or truth_of(dataset, split), logits.astype(np.float32))


def truth_of(dataset: Dataset, split: str) -> Truth:
    """Labels and groups of a split."""
    spec = dataset.spec
    keys = (spec.label, spec.example_id, *spec.groups)
    # Batch by batch, so that features of a few examples only are in memory.
    batches = without_autotune(
        dataset.splits[split]
        .map(lambda example: {key: example[key] for key in keys})
        .batch(4096)
        .prefetch(1)
    )
    rows = list(batches.as_numpy_iterator())
    columns = {key: np.concatenate([row[key] for row in rows]) for key in keys}
    return Truth(
        columns[spec.example_id].astype("S"),
        columns[spec.label],
        {name: columns[name] for name in spec.groups},
    )


def path(run_dir: str, split: str) -> str:
    """Where a run keeps its predictions of a split."""
    return files.join(run_dir, "predictions", f"{split}.npz")


def write(run_dir: str, split: str, predictions: Predictions) -> None:
    """Writes the predictions of a split."""
    truth, logits = predictions
    content = io.BytesIO()
    np.savez(
        content,
        id=truth.ids,
        label=truth.labels,
        logits=logits,
        **{f"group_{name}": codes for name, codes in truth.groups.items()},
    )
    files.write_bytes(path(run_dir, split), content.getvalue())


def read(run_dir: str, split: str, spec: DatasetSpec, sha256: str) -> Predictions:
    """The predictions of a split.

    Raises:
      ValueError: if the file has not this digest, or does not fit the data set.
    """
    advice = f"Delete {run_dir} and run the study again."
    with sealed.arrays(path(run_dir, split), advice, sha256) as arrays:
        groups = {name: arrays[f"group_{name}"] for name in spec.groups}
        truth = Truth(arrays["id"], arrays["label"], groups)
        return Predictions(truth, arrays["logits"])
