"""Which rows of a table are trained on, chosen by, and measured."""

from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "validation", "test")


def split_rows(
    size: int,
    said: np.ndarray | None,
    fractions: tuple[float, float],
    seed: int,
    column: str = "",
    drawn: Sequence[str] = ("validation",),
) -> dict[str, np.ndarray]:
    """Split -> indices of its rows, in the table's order.

    Args:
      size: number of rows.
      said: `[rows]` the split of each row; None to draw them.
      fractions: shares of the validation and of the test split, where they are drawn:
        of the rows for training, before any is taken from them.
      seed: of the draw.
      column: where `said` is from, for errors.
      drawn: splits that are drawn from the rows for training where `said` has none.

    Raises:
      ValueError: if a row says something else, or a split would be empty.
    """
    fields = ("validation_fraction", "test_fraction")
    for field, value in zip(fields, fractions, strict=True):
        if not 0 < value < 1:
            raise ValueError(f"`{field}` must be in (0, 1). Received: {value!r}.")
    if said is None:
        said, drawn = np.full(size, "train", object), ("validation", "test")
    for row, value in enumerate(said.tolist()):
        if value not in SPLITS:
            raise ValueError(
                f"Column {column!r} must say 'train', 'validation' or 'test'. "
                f"Received: {value!r} in row {row}."
            )
    order = np.random.default_rng(seed).permutation(size)
    found = {s: order[said[order] == s] for s in SPLITS}
    whole = len(found["train"])
    for split, share in (("test", fractions[1]), ("validation", fractions[0])):
        if split in drawn and not len(found[split]):
            ends = [round(whole * share)]
            found[split], found["train"] = np.split(found["train"], ends)
    for split, indices in found.items():
        if not len(indices):
            by = f"column {column!r}" if column else f"{size} rows"
            raise ValueError(
                f"The split {split!r} is empty, of {by}. Each split needs a row: give "
                "other fractions or more rows."
            )
    return {split: np.sort(indices) for split, indices in found.items()}
