"""Weights that make every group, or every group and class, count alike."""

from typing import Any

import numpy as np


def reweighing(labels: Any, groups: Any) -> np.ndarray:
    """Weights under which the class says nothing of the group.

    w(g, y) = P(g) P(y) / P(g, y), with the shares of the examples that are given.

    Args:
      labels: classes `[examples]`, integers from 0 on.
      groups: groups `[examples]`, integers from 0 on; those of -1, the unknown ones,
        are one group more.

    Returns:
      Float64 `[examples]`. Their mean is 1 where every group has every class.

    Raises:
      ValueError: if there are no examples, or the two differ in length.

    Reference:
      Kamiran and Calders, "Data preprocessing techniques for classification without
      discrimination", 2012, section 5.2.
    """
    return _of_examples(reweighing_cells, labels, groups)


def group_balancing(labels: Any, groups: Any) -> np.ndarray:
    """Weights under which every group and class that occurs counts alike.

    w(g, y) = n / (k n(g, y)), where k of the groups and classes occur together.

    Args:
      labels, groups: see `reweighing`.

    Returns:
      Float64 `[examples]` with the mean 1.

    Raises:
      ValueError: see `reweighing`.

    Reference:
      Idrissi et al., "Simple data balancing achieves competitive worst-group-accuracy",
      CLeaR 2022, section 3 (RWG), here scaled to the mean 1.
    """
    return _of_examples(balancing_cells, labels, groups)


def reweighing_cells(counts: np.ndarray) -> np.ndarray:
    """The weights of `reweighing` by group and class.

    Args:
      counts: examples `[groups, classes]`.

    Returns:
      Float64 `[groups, classes]`, 0 where nobody is.
    """
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return _divided(expected, counts)


def balancing_cells(counts: np.ndarray) -> np.ndarray:
    """The weights of `group_balancing` by group and class; see `reweighing_cells`."""
    share = counts.sum() / np.count_nonzero(counts)
    return _divided(share, counts)


def cell_counts(
    labels: Any, groups: Any, num_groups: int = 0, num_classes: int = 0
) -> np.ndarray:
    """Number of examples by group and class.

    Args:
      labels, groups: see `reweighing`.
      num_groups, num_classes: how many there are at least.

    Returns:
      Int64 `[groups + 1, classes]`; the last row is that of the unknown group, so that
      the index -1 finds it.

    Raises:
      ValueError: see `reweighing`.
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    if labels.shape != groups.shape or labels.ndim != 1 or not labels.size:
        raise ValueError(
            "`labels` and `groups` must be as long as each other, [examples], and not "
            f"empty. Received: labels of shape {labels.shape}, groups of shape "
            f"{groups.shape}. Give one class and one group for each example."
        )
    for name, codes, lowest in (("labels", labels, 0), ("groups", groups, -1)):
        if codes.dtype.kind not in "iu" or codes.min() < lowest:
            raise ValueError(
                f"`{name}` must be integers from {lowest} on. Received: {codes.dtype}, "
                f"at least {codes.min()!r}. Give the index of the "
                f"{name.removesuffix('s')}."
            )
    num_groups = max(num_groups, int(groups.max()) + 1)
    num_classes = max(num_classes, int(labels.max()) + 1)
    counts = np.zeros((num_groups + 1, num_classes), np.int64)
    np.add.at(counts, (groups, labels), 1)
    return counts


def _of_examples(weights: Any, labels: Any, groups: Any) -> np.ndarray:
    return weights(cell_counts(labels, groups))[np.asarray(groups), np.asarray(labels)]


def _divided(weight: Any, counts: np.ndarray) -> np.ndarray:
    """Weight by number of examples, 0 where nobody is."""
    return np.where(counts > 0, weight / np.maximum(counts, 1), 0.0)
