"""Which group an example is in, as tensors, and distances between groups."""

from typing import Any

import tensorflow as tf
from keras import ops


def group_codes(groups: Any, attribute: str | None, name: str) -> tf.Tensor:
    """The codes that a part of the loss reads.

    Args:
      groups: what the batch brings under "groups": codes `[batch]`, or a dict of them.
      attribute: key of that dict; None where it is none.
      name: of the part, for messages.

    Returns:
      int32 `[batch]`, -1 where the group is not known.

    Raises:
      ValueError: if the batch has a dict and no attribute is named, or lacks it.
    """
    if isinstance(groups, dict):
        if attribute not in groups:
            raise ValueError(
                f"`attribute` of {name} must be one of the groups that the batches "
                f"bring, {sorted(groups)}. Received: attribute={attribute!r}. Name one "
                "of them."
            )
        groups = groups[attribute]
    return ops.reshape(ops.cast(groups, "int32"), (-1,))


def crossed(labels: tf.Tensor, groups: tf.Tensor, num_groups: int) -> tf.Tensor:
    """Codes of label and group together, `label * num_groups + group`.

    -1 where the group is not one of `num_groups`: its code would be that of another
    label's group.
    """
    codes = ops.cast(labels, "int32") * num_groups + groups
    return ops.where((groups < 0) | (groups >= num_groups), -1, codes)


def squared_distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Squared Euclidean distances `[n, m]` of rows `[n, d]`, `[m, d]`.

    |a|^2 + |b|^2 - 2ab takes n * m numbers and not n * m * d. Rows far from 0 and near
    to each other would cancel: centre them first.
    """
    squares = ops.sum(ops.square(a), axis=1)[:, None] + ops.sum(ops.square(b), axis=1)
    return ops.maximum(squares - 2 * ops.matmul(a, ops.transpose(b)), 0.0)


def shares(members: tf.Tensor) -> tf.Tensor:
    """Weights of members `[..., groups, n]` that sum to 1 in every group, or to 0."""
    return ops.divide_no_nan(members, ops.sum(members, axis=-1, keepdims=True))


def require_count(part: str, name: str, value: Any, least: int) -> None:
    """Raises ValueError unless the value is a whole number of at least `least`."""
    if type(value) is not int or value < least:
        raise ValueError(
            f"`{name}` of a {part} must be a whole number of at least {least}. "
            f"Received: {name}={value!r}. Codes go from 0 to {name} - 1."
        )
