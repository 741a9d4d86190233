"""Which rows of a table are trained on, chosen by, and measured."""

import numpy as np

SPLITS = ("train", "validation", "test")


def split_rows(
    size: int,
    said: np.ndarray | None,
    fractions: tuple[float, float],
    seed: int,
    column: str = "",
) -> dict[str, np.ndarray]:
    """Split -> indices of its rows, in the table's order.

    Args:
      size: number of rows.
      said: `[rows]` the split of each row; None to draw them.
      fractions: shares of the validation and of the test split.
      seed: of the draw.
      column: where `said` is from, for errors.

    Raises:
      ValueError: if a row says something else, or a split would be empty.
    """
    fields = ("validation_fraction", "test_fraction")
    for field, value in zip(fields, fractions, strict=True):
        if not 0 < value < 1:
            raise ValueError(f"`{field}` must be in (0, 1). Received: {value!r}.")
    order = np.random.default_rng(seed).permutation(size)
    if said is None:
        ends = np.cumsum([round(size * share) for share in reversed(fractions)])
        test, validation, train = np.split(order, ends)
        found = {"train": train, "validation": validation, "test": test}
    else:
        for row, value in enumerate(said.tolist()):
            if value not in SPLITS:
                raise ValueError(
                    f"Column {column!r} must say 'train', 'validation' or 'test'. "
                    f"Received: {value!r} in row {row}."
                )
        found = {s: np.flatnonzero(said == s) for s in SPLITS}
        if not len(found["validation"]):
            train = order[np.isin(order, found["train"])]
            count = round(len(train) * fractions[0])
            found |= {"validation": train[:count], "train": train[count:]}
    for split, indices in found.items():
        if not len(indices):
            by = f"column {column!r}" if column else f"{size} rows"
            raise ValueError(
                f"The split {split!r} is empty, of {by}. Each split needs a row: give "
                "other fractions or more rows."
            )
    return {split: np.sort(indices) for split, indices in found.items()}
