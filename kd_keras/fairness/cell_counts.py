"""Mergeable counts of equal examples, the base of GroupCounts and PairedCounts."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from kd_keras.fairness import encoding
from kd_keras.fairness.encoding import Group, GroupValue
from kd_keras.table import Table, shown

Attribute = str | tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class CellCounts:
    """Number of examples per cell: groups, label, predictions, and sample weight.

    The weight of an example is part of its cell, so that counts are integers: merging
    is exact in any order, and a multinomial draw of cells is a bootstrap of examples.
    Memory grows with the number of different cells, not of examples.

    Attributes:
      groups: sorted group values of each attribute, by sorted attribute name.
      num_classes: number of classes, at least 2.
      cells: int64 `[cells, attributes + columns]`: the index of the cell's group for
        each attribute (-1: missing), then the class indices named by `columns`.
      weights: sample weight of each example of the cell, float64 `[cells]`.
      counts: number of examples, int64 `[..., cells]`. Leading axes are bootstrap
        replicates; every statistic keeps them.
    """

    columns: ClassVar[tuple[str, ...]]

    groups: Mapping[str, tuple[GroupValue, ...]]
    num_classes: int
    cells: np.ndarray
    weights: np.ndarray
    counts: np.ndarray

    @classmethod
    def from_columns(
        cls,
        class_columns: Mapping[str, Any],
        groups: Mapping[str, Any],
        sample_weight: Any,
        num_classes: int | None,
    ) -> Self:
        """Counts examples, in the columns of this class.

        Args:
          class_columns: the class indices `[examples]` of each of `columns`, in their
            order, by the names that errors give them.
          groups: attribute -> group of each example, `[examples]`.
          sample_weight: not negative, `[examples]`; None for ones.
          num_classes: number of classes; None for what the indices need.

        Raises:
          ValueError: if lengths differ, a class or a weight is out of its domain, or
            -1 may be a missing group, see `encoding.check_minus_one`.
          TypeError: if group values are neither all strings nor all integers.
        """
        encoding.check_attributes(groups)
        if num_classes is not None and num_classes < 2:
            raise ValueError(
                f"`num_classes` must be at least 2. Received: {num_classes}."
            )
        arrays = {
            name: encoding.check_classes(name, values, num_classes)
            for name, values in class_columns.items()
        }
        num_examples = len(next(iter(arrays.values())))
        if num_classes is None:
            num_classes = max(
                [2, *(int(array.max()) + 1 for array in arrays.values() if array.size)]
            )
        encoded = {
            name: encoding.encode_groups(name, groups[name]) for name in sorted(groups)
        }
        for name, array in arrays.items():
            encoding.check_length(name, array, num_examples)
        for name, (_, codes) in encoded.items():
            encoding.check_length(f"groups[{name!r}]", codes, num_examples)
        weights = encoding.check_weights(sample_weight, num_examples)
        for name, (values, codes) in encoded.items():
            encoding.check_minus_one(f"groups[{name!r}]", values, codes[weights > 0])
        rows = np.column_stack(
            [*(codes for _, codes in encoded.values()), *arrays.values()]
        )
        parts = {name: values for name, (values, _) in encoded.items()}
        return cls._aggregated(parts, num_classes, rows, weights)

    @classmethod
    def _aggregated(cls, groups, num_classes, rows, weights, counts=None) -> Self:
        present = weights > 0
        if not present.all():
            rows, weights = rows[present], weights[present]
            counts = None if counts is None else counts[..., present]
        rows, groups = _drop_unused_groups(rows, groups)
        sizes = [
            *(len(values) for values in groups.values()),
            *(num_classes for _ in cls.columns),
        ]
        return cls(
            groups, num_classes, *encoding.aggregate(rows, sizes, weights, counts)
        )

    @classmethod
    def merge(cls, parts: Iterable[Self]) -> Self:
        """Returns the counts of all examples of `parts`, an iterable of counts.

        Raises:
          ValueError: if the attributes or the numbers of classes differ, or `parts`
            is empty.
        """
        parts = list(parts)
        if not parts:
            raise ValueError(
                f"`parts` must hold at least one {cls.__name__}. Received: none."
            )
        first = parts[0]
        for part in parts[1:]:
            if list(part.groups) != list(first.groups):
                raise ValueError(
                    "Counts can be merged when their attributes are the same. "
                    f"Received: {list(first.groups)} and {list(part.groups)}."
                )
            if part.num_classes != first.num_classes:
                raise ValueError(
                    "Counts can be merged when their `num_classes` are the same. "
                    f"Received: {first.num_classes} and {part.num_classes}. Pass "
                    "`num_classes` to from_predictions()."
                )
        rows = np.concatenate([part.cells for part in parts])
        ends = np.cumsum([len(part.cells) for part in parts])[:-1]
        groups = {}
        for column, name in enumerate(first.groups):
            groups[name], codes = encoding.merge_groups(
                name, [part.groups[name] for part in parts]
            )
            old = np.split(rows[:, column], ends)
            rows[:, column] = np.concatenate(
                [code[index] for code, index in zip(codes, old, strict=True)]
            )
        return cls._aggregated(
            groups,
            first.num_classes,
            rows,
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.counts for part in parts], axis=-1),
        )

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return self.merge([self, other])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CellCounts) or type(other) is not type(self):
            return NotImplemented
        return (
            dict(self.groups) == dict(other.groups)
            and self.num_classes == other.num_classes
            and np.array_equal(self.cells, other.cells)
            and np.array_equal(self.weights, other.weights)
            and np.array_equal(self.counts, other.counts)
        )

    def _repr_html_(self) -> str:
        rows = []
        for name in self.groups:
            groups, index = self.attribute_index(name)
            sizes = encoding.sum_cells(self.counts, index, len(groups))
            for group, size in zip(groups, sizes.T, strict=True):
                rows.append((name, str(group), shown(size)))
        title = (
            f"{type(self).__name__}: {self.num_examples} examples, "
            f"{self.num_classes} classes"
        )
        return Table(title, ("attribute", "group", "examples"), rows).html()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Returns plain arrays, ready for `np.savez` or any other encoding."""
        return {
            **{f"groups/{name}": np.array(v) for name, v in self.groups.items()},
            "num_classes": np.array(self.num_classes),
            "cells": self.cells,
            "weights": self.weights,
            "counts": self.counts,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Restores what `to_arrays` returned, also from an open `np.load` file."""
        prefix = "groups/"
        groups = {
            name.removeprefix(prefix): tuple(arrays[name].tolist())
            for name in arrays
            if name.startswith(prefix)
        }
        return cls(
            dict(sorted(groups.items())),
            int(arrays["num_classes"]),
            *(arrays[name] for name in ("cells", "weights", "counts")),
        )

    @property
    def mass(self) -> np.ndarray:
        """Sum of the sample weights of each cell, float64 `[..., cells]`."""
        return self.counts * self.weights

    @property
    def num_examples(self) -> int:
        """Number of examples with a positive weight."""
        return int(self.counts.sum())

    def unweighted(self) -> Self:
        """Returns the counts with every sample weight set to 1."""
        return dataclasses.replace(self, weights=np.ones_like(self.weights))

    def only(self, *attributes: str) -> Self:
        """Returns the counts without the other attributes, in fewer cells.

        Rates and gaps of these attributes stay the same, and a bootstrap of fewer
        cells is faster.
        """
        names = list(self.groups)
        for name in attributes:
            self._single_index(name)  # Refuses an unknown one.
        kept = [names.index(name) for name in sorted(attributes)]
        columns = [*kept, *range(len(names), self.cells.shape[1])]
        return self._aggregated(
            {names[i]: self.groups[names[i]] for i in kept},
            self.num_classes,
            self.cells[:, columns],
            self.weights,
            self.counts,
        )

    def attribute_index(
        self, attribute: Attribute | None = None
    ) -> tuple[tuple[Group, ...], np.ndarray]:
        """Numbers the groups of an attribute, or of a crossing of attributes.

        Args:
          attribute: name; a tuple of names for their crossing, () for one group of
            all examples; None for the only one.

        Returns:
          The groups that have examples (tuples of values when crossed), and the
          group index of each cell, int64 `[cells]`, -1 where a value is missing.
        """
        if attribute == ():
            return ((),), np.zeros(len(self.cells), np.int64)
        if isinstance(attribute, tuple):
            parts = [self._single_index(name) for name in attribute]
            rows = np.column_stack([index for _, index in parts])
            complete = (rows >= 0).all(axis=1)
            crossed, inverse = np.unique(rows[complete], axis=0, return_inverse=True)
            index = np.full(len(rows), -1)
            index[complete] = inverse.reshape(-1)
            values = [values for values, _ in parts]
            return tuple(
                tuple(v[i] for v, i in zip(values, row, strict=True)) for row in crossed
            ), index
        return self._single_index(attribute)

    def _single_index(
        self, attribute: str | None
    ) -> tuple[tuple[GroupValue, ...], np.ndarray]:
        names = list(self.groups)
        if attribute is None and len(names) == 1:
            attribute = names[0]
        if attribute not in names:
            raise ValueError(
                f"`attribute` must be one of {names}, or a tuple of them for crossed "
                f"groups. Received: {attribute!r}."
            )
        return self.groups[attribute], self.cells[:, names.index(attribute)]

    def _column(self, name: str) -> np.ndarray:
        return self.cells[:, len(self.groups) + self.columns.index(name)]


def _drop_unused_groups(rows: np.ndarray, groups: Mapping) -> tuple[np.ndarray, dict]:
    """Renumbers the groups, since a group of weightless examples is absent."""
    rows, kept = rows.copy(), {}
    for column, (name, values) in enumerate(groups.items()):
        used = np.zeros(len(values) + 1, bool)
        used[rows[:, column]] = True
        codes = np.append(np.cumsum(used[:-1]) - 1, -1)
        rows[:, column] = codes[rows[:, column]]
        kept[name] = tuple(v for v, u in zip(values, used, strict=False) if u)
    return rows, kept
