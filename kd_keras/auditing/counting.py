"""Counts of the audited models, from batches of predictions."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.fairness import GroupCounts, PairedCounts
from kd_keras.fairness.cell_counts import CellCounts
from kd_keras.fairness.prediction_counts import PredictionCounts

# Batches whose counts are kept apart before they are merged.
_MERGED_AT_ONCE = 256


class SeedCounts(CellCounts):
    """Examples per (groups, label, predictions of several runs)."""

    def run(self, name: str) -> PredictionCounts:
        """The counts of one run, in the same cells."""
        kept = [*range(len(self.groups)), len(self.groups)]
        column = len(self.groups) + self.columns.index(name)
        return PredictionCounts(
            self.groups,
            self.num_classes,
            self.cells[:, [*kept, column]],
            self.weights,
            self.counts,
        )

    def right(self, name: str) -> np.ndarray:
        """Whether a run predicts the label, bool `[cells]`."""
        return self._column("label") == self._column(name)


@functools.cache
def _seed_counts(runs: tuple[str, ...]) -> type[SeedCounts]:
    return type("SeedCounts", (SeedCounts,), {"columns": ("label", *runs)})


class Tally:
    """Collects the counts of every run, and of those that are looked at together.

    Args:
      models: model -> its runs, one for each seed; the first is the reference.
      num_classes: number of classes.

    Attributes:
      partners: run of another model -> the run of the reference beside it: the only
        one, or that of the same seed.
      examples: number of examples so far.

    Raises:
      ValueError: if the reference has several runs and a model not as many.
    """

    def __init__(self, models: Mapping[str, Sequence[str]], num_classes: int):
        self.models = models
        self.num_classes = num_classes
        self.examples = 0
        self.partners: dict[str, str] = {}
        (reference, of_reference), *others = models.items()
        for model, runs in others:
            if len(of_reference) not in (1, len(runs)):
                raise ValueError(
                    f"`models[{model!r}]` must have one model for each of the "
                    f"{len(of_reference)} of {reference!r}, with which they are "
                    f"compared. Received: {len(runs)}. Give as many, or one "
                    f"{reference!r}."
                )
            for i, run in enumerate(runs):
                self.partners[run] = of_reference[i % len(of_reference)]
        self._parts: dict[str, list] = {}

    def together(self, model: str) -> tuple[str, ...]:
        """The runs of a model and those of the reference beside them."""
        runs = self.models[model]
        beside = [self.partners[run] for run in runs if run in self.partners]
        return tuple(dict.fromkeys([*beside, *runs]))

    def add(
        self,
        labels: np.ndarray,
        groups: Mapping[str, np.ndarray],
        weights: np.ndarray | None,
        predictions: Mapping[str, np.ndarray],
    ) -> None:
        """Counts a batch: class indices `[batch]`, group names, weights."""
        options = {
            "groups": groups,
            "sample_weight": weights,
            "num_classes": self.num_classes,
        }
        self.examples += len(labels)
        for run, predicted in predictions.items():
            if run in self.partners:
                beside = predictions[self.partners[run]]
                pair = PairedCounts.from_predictions(
                    labels, beside, predicted, **options
                )
                self._keep(run, pair)
            else:
                counts = GroupCounts.from_predictions(labels, predicted, **options)
                self._keep(run, counts)
        for model in self.models:
            names = self.together(model)
            if self.several(model):
                columns = {"label": labels, **{n: predictions[n] for n in names}}
                joint = _seed_counts(names).from_columns(
                    columns, groups, weights, self.num_classes
                )
                self._keep(f"{model}\n", joint)

    def several(self, model: str) -> bool:
        """Whether a model has several runs."""
        return len(self.models[model]) > 1

    def _keep(self, name: str, counts: CellCounts) -> None:
        found = self._parts.setdefault(name, [])
        found.append(counts)
        if len(found) == _MERGED_AT_ONCE:
            found[:] = [counts.merge(found)]

    def _merged(self, name: str) -> Any:
        found = self._parts[name]
        return found[0].merge(found)

    def counts(self) -> dict[str, GroupCounts]:
        """The counts of every run."""
        runs = [run for runs in self.models.values() for run in runs]
        merged = {run: self._merged(run) for run in runs}
        return {
            run: found.b if isinstance(found, PairedCounts) else found
            for run, found in merged.items()
        }

    def pairs(self) -> dict[str, PairedCounts]:
        """The counts of every run beside its partner, as run b."""
        return {run: self._merged(run) for run in self.partners}

    def seeds(self) -> dict[str, SeedCounts]:
        """The joint counts of every model that has several runs."""
        return {m: self._merged(f"{m}\n") for m in self.models if self.several(m)}
