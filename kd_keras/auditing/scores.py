"""Reads the scores of an audited model, whatever says what they are."""

import warnings
from typing import Any

import numpy as np

from kd_keras.datasets import encode
from kd_keras.fairness.hard_predictions import (
    Scores,
    check_finite,
    hard_predictions,
    settled,
)
from kd_keras.known_scores import Known


class Reader:
    """Reads the scores of one model, batch by batch, as class indices.

    Args:
      name: how errors call the model, like "`models['student']`".
      class_names: the classes in the order of their labels.
      scores: what the caller says that a score is, or None.
      known: what the model itself says; None if it says nothing.
      threshold: as of `hard_predictions`; None for 0.5.
      by_name: whether labels that are numbers are read as those of a user's own table
        (see `kd_keras.datasets.encode.labels`); they are class indices otherwise.

    Raises:
      ValueError: if the model contradicts the caller.
    """

    def __init__(
        self,
        name: str,
        class_names: tuple[str, ...],
        scores: Scores | None,
        known: Known | None = None,
        threshold: float | None = None,
        *,
        by_name: bool = False,
    ):
        self.name = name
        self.class_names = class_names
        self.by_name = by_name
        self.threshold = 0.5 if threshold is None else threshold
        self.scores: Scores | None = scores
        if known and known.certain and scores not in (None, known.scores):
            raise ValueError(
                f"{name} gives {known.scores}, as {known.where} says. Received: "
                f"scores={scores!r}. Leave it out, or pass {known.scores!r}."
            )
        if known and scores is None:
            self.scores = known.scores
        self._guessed = False  # Whether numbers are labels since no score is so.
        self._low, self._high = np.inf, -np.inf
        self._first: np.ndarray | None = None
        self._all_equal, self._sums_differ = True, False

    def __call__(self, values: Any, first: int, size: int) -> np.ndarray:
        """Reads a batch of `size` examples that begins with example `first`.

        Returns:
          Class indices, int64 `[size]`.

        Raises:
          ValueError: if the shape or a score is not as it has to be.
        """
        values = np.asarray(values)
        self._check_shape(values, first, size)
        where = f"{self.name}, examples {first} to {first + size - 1}"
        try:
            return self._read(values)
        except ValueError as error:
            advice = " If they are logits, pass scores='logits'."
            ending = advice if self._guessed else ""
            raise ValueError(f"{where}: {error}{ending}") from error

    def _read(self, values: np.ndarray) -> np.ndarray:
        single = values.ndim == 1 or values.shape[1] == 1
        # Booleans too may be names.
        words = values.dtype.kind in "bOSU"
        if not words:
            check_finite(values)
        if self.scores is None and single:
            if words or len(self.class_names) > 2:
                self.scores = "labels"
            elif self._are_labels(values):
                self.scores, self._guessed = "labels", True
            elif not ((values == 0) | (values == 1)).all():
                self.scores = settled(values.reshape(-1))
        if self.scores == "labels" and single:
            column = values.reshape(-1)
            if not words:
                column = hard_predictions(column, scores="labels")
            return encode.labels(
                "prediction", column, self.class_names, by_name=self.by_name
            )[0]
        found = hard_predictions(values, scores=self.scores, threshold=self.threshold)
        self._remember(values)
        return found

    def _are_labels(self, values: np.ndarray) -> bool:
        """Whether single numbers are labels and no scores.

        Integers are, where they are more than 0 and 1, or are read by name and the
        classes are called by integers, as labels 1 and 2 are.

        Raises:
          ValueError: if they may be scores as well.
        """
        names = self.class_names
        numbered = self.by_name and encode.all_integers(names)
        if values.dtype.kind in "iu":
            return numbered or not ((values == 0) | (values == 1)).all()
        classes = [int(name) for name in names] if numbered else []
        if (
            classes
            and names != ("0", "1")
            and np.isin(values.astype(np.float64), classes).all()
        ):
            raise ValueError(
                f"One number for each example, all of them among the classes {names}, "
                f"may be labels or scores. Received: {values.reshape(-1)[0]}. Say what "
                "they are: scores='labels', 'probabilities' or 'logits'."
            )
        return False

    def _check_shape(self, values: np.ndarray, first: int, size: int) -> None:
        classes = len(self.class_names)
        allowed: list[tuple[int, ...]] = [(size, classes)]
        labels = self.scores == "labels" or (
            self.scores is None and values.dtype.kind in "biuOSU"
        )
        if classes == 2 or labels:
            allowed += [(size,), (size, 1)]
        if values.shape not in allowed:
            raise ValueError(
                f"{self.name} must give scores of shape "
                f"{' or '.join(map(str, allowed))} for examples {first} to "
                f"{first + size - 1}. Received: {values.shape}. Wrap it in a function "
                "that returns one score for each class of the spec."
            )

    def _remember(self, values: np.ndarray) -> None:
        """Keeps what only all batches together can tell."""
        values = values.reshape(len(values), -1).astype(np.float64)
        if self._first is None:
            self._first = values[0]
        self._all_equal &= bool((values == self._first).all())
        self._low = min(self._low, float(values.min()))
        self._high = max(self._high, float(values.max()))
        if self.scores == "probabilities" and values.shape[1] > 1:
            self._sums_differ |= bool((abs(values.sum(axis=1) - 1) > 0.01).any())

    def notes(self) -> list[str]:
        """What is odd about all scores, one line each; contradictions warn as well."""
        if self._first is None:
            return []
        notes = []
        if self.scores == "logits" and self._low >= 0 and self._high <= 1:
            notes.append(
                f"{self.name}: all logits lie in [0, 1], as probabilities do. If they "
                "are, pass scores='probabilities'"
            )
        if self._sums_differ:
            notes.append(
                f"{self.name}: the probabilities of an example do not sum to 1; the "
                "highest decides. If they are logits, pass scores='logits'"
            )
        for note in notes:
            warnings.warn(note, stacklevel=2)
        if self._all_equal:
            notes.append(f"{self.name}: the scores of all examples are equal")
        return notes
