"""One-vs-rest confusion counts per group, in blocks of classes."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from kd_keras.fairness.encoding import sum_cells
from kd_keras.fairness.prediction_counts import PredictionCounts

# Elements of one temporary array (16 MB); about ten of them live at a time.
BLOCK_ELEMENTS = 2**21


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Weighted one-vs-rest counts of a range of classes.

    Attributes:
      first_class: class of index 0 of the last axis.
      tp: label and prediction are the class, `[..., groups, classes]`.
      fp: only the prediction is the class, same shape.
      fn: only the label is the class, same shape.
      total: examples of the group, `[..., groups, 1]`.
    """

    first_class: int
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    total: np.ndarray

    @property
    def positives(self) -> np.ndarray:
        """Examples with the class as label, `[..., groups, classes]`."""
        return self.tp + self.fn

    @property
    def negatives(self) -> np.ndarray:
        """Examples with another label, `[..., groups, classes]`."""
        return self.total - self.positives

    @property
    def selected(self) -> np.ndarray:
        """Examples with the class as prediction, `[..., groups, classes]`."""
        return self.tp + self.fp

    @property
    def tn(self) -> np.ndarray:
        """Neither label nor prediction is the class, `[..., groups, classes]`."""
        # Clipped, since the difference of rounded sums may fall below zero.
        return np.maximum(self.negatives - self.fp, 0)


def class_step(counts: PredictionCounts, num_groups: int) -> int:
    """Returns how many classes one block may hold."""
    replicates = math.prod(counts.counts.shape[:-1])
    step = BLOCK_ELEMENTS // max(1, replicates * num_groups)
    return max(2, min(step, counts.num_classes))


def confusions(
    counts: PredictionCounts,
    group_index: np.ndarray,
    num_groups: int,
    step: int | None = None,
) -> Iterator[Confusion]:
    """Yields the classes in blocks, so that memory stays bounded.

    With two classes there is one block, which holds the positive class 1 only.

    Args:
      counts: counts with any leading axes (bootstrap replicates).
      group_index: group of each cell, `[cells]`, -1 for none.
      num_groups: number of groups.
      step: classes of a block, at least 2; None for `class_step`.
    """
    mass = counts.mass
    step = step or class_step(counts, num_groups)
    starts = range(0, counts.num_classes, step)
    blocks = (
        _block(counts, mass, group_index, num_groups, start, step) for start in starts
    )
    if len(starts) == 1:
        block = next(blocks)
        total = block.positives.sum(-1, keepdims=True)
        first = 1 if counts.num_classes == 2 else 0
        tp, fp, fn = (part[..., first:] for part in (block.tp, block.fp, block.fn))
        yield Confusion(first, tp, fp, fn, total)
        return
    # The total is the sum of the positives, not of the cells: only then is
    # `negatives` exactly zero when a group has one class and weights round.
    total = sum(
        _block(counts, mass, group_index, num_groups, start, step).positives.sum(
            -1, keepdims=True
        )
        for start in starts
    )
    for block in blocks:
        yield dataclasses.replace(block, total=total)


def _block(
    counts: PredictionCounts,
    mass: np.ndarray,
    group_index: np.ndarray,
    num_groups: int,
    start: int,
    step: int,
) -> Confusion:
    size = min(step, counts.num_classes - start)
    right = counts.label == counts.prediction

    def by_class(classes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        inside = chosen & (group_index >= 0)
        inside &= (classes >= start) & (classes < start + size)
        index = np.where(inside, group_index * size + classes - start, -1)
        sums = sum_cells(mass, index, num_groups * size)
        return sums.reshape(*mass.shape[:-1], num_groups, size)

    return Confusion(
        first_class=start,
        tp=by_class(counts.label, right),
        fp=by_class(counts.prediction, ~right),
        fn=by_class(counts.label, ~right),
        total=np.zeros(()),
    )


def correctness(
    counts: PredictionCounts, group_index: np.ndarray, num_groups: int
) -> Confusion:
    """Right and wrong examples as `tp` and `fn` of one pseudo class."""
    right = counts.label == counts.prediction
    tp = sum_cells(counts.mass, np.where(right, group_index, -1), num_groups)
    fn = sum_cells(counts.mass, np.where(right, -1, group_index), num_groups)
    tp, fn = tp[..., np.newaxis], fn[..., np.newaxis]
    return Confusion(0, tp, np.zeros_like(tp), fn, tp + fn)
