"""Weighted means over the valid entries of a batch that replicas may share."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.outputs import align_rank


class Term(NamedTuple):
    """A mean as the two sums that this replica adds to it.

    Attributes:
      total: scalar, sum of the weighted values of this replica.
      divisor: scalar, what this replica adds to the divisor.
      entries: scalar, number of valid entries behind it, for the logs.
    """

    total: tf.Tensor
    divisor: tf.Tensor | float
    entries: tf.Tensor | float


def replicas() -> int:
    """Number of replicas that take a step together."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def mean_term(
    values: tf.Tensor,
    weights: tf.Tensor | None = None,
    mask: tf.Tensor | None = None,
) -> Term:
    """Weighted sum over the valid entries, to be divided by their number.

    As in Keras, weights do not enter the divisor and padded entries do not
    count.

    Args:
      values: tensor `[batch, ...]`.
      weights: tensor `[batch, ...]` of this or a lower rank, or None.
      mask: boolean tensor `[batch, ...]` of this or a lower rank, or None.

    Returns:
      `Term`.

    Raises:
      ValueError: if weights or mask tell apart what `values` has summed up.
    """
    weights, mask = align_to(weights, values), align_to(mask, values)
    entries = count_valid(values, mask)
    if mask is not None:
        values = ops.where(mask, values, 0.0)
    if weights is not None:
        values = values * weights
    return Term(ops.sum(values), entries, entries)


def align_to(tensor: tf.Tensor | None, values: tf.Tensor) -> tf.Tensor | None:
    """Weights or a mask with the rank of the values; refuses those of a higher one."""
    if tensor is None:
        return None
    tensor = align_rank(tensor, len(values.shape))
    if len(tensor.shape) > len(values.shape):
        raise ValueError(
            "A loss must give one value for each position that has a weight or a mask. "
            f"Received: values of shape {tuple(values.shape)}, weights or mask of "
            f"shape {tuple(tensor.shape)}. Do not sum over the positions."
        )
    return tensor


def count_valid(values: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Number of entries of `values` that the mask keeps, float32 scalar."""
    if mask is None:
        return ops.cast(ops.size(values), "float32")
    return ops.sum(ops.cast(ops.broadcast_to(mask, ops.shape(values)), "float32"))


def replicated_term(value: tf.Tensor, entries: tf.Tensor | float = 0.0) -> Term:
    """A value that every replica has; it is not divided by the entries.

    Args:
      value: scalar.
      entries: number of this replica's entries behind it, for the logs.

    Returns:
      `Term`.
    """
    return Term(value / replicas(), 1.0 / replicas(), entries)


def own_mean_term(value: tf.Tensor, entries: tf.Tensor) -> Term:
    """A value that is a mean over this replica's entries already.

    Args:
      value: scalar.
      entries: number of this replica's entries.

    Returns:
      `Term`.
    """
    # An empty replica's mean is NaN.
    return Term(ops.where(entries > 0, value * entries, 0.0), entries, entries)


def reduce_terms(terms: Sequence[Term]) -> tuple[tf.Tensor, tf.Tensor]:
    """Divides by the divisors of all replicas together.

    Args:
      terms: list of n `Term`s.

    Returns:
      Two tensors `[n]`: this replica's share of each mean, through which
      gradients flow and which sum over the replicas to the mean; and the
      means themselves.
    """
    totals = ops.stack([term.total for term in terms])
    divisors = ops.stack([ops.cast(term.divisor, "float32") for term in terms])
    all_totals, all_divisors = all_reduce(
        [ops.stop_gradient(totals), ops.stop_gradient(divisors)]
    )
    return (
        ops.divide_no_nan(totals, all_divisors),
        ops.divide_no_nan(all_totals, all_divisors),
    )


def all_reduce(tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    """Sums each tensor of a list over the replicas."""
    if replicas() == 1:
        return tensors
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def all_gather(tensors: Any) -> Any:
    """Concatenates the batches of all replicas; gradients flow back.

    Args:
      tensors: tensor `[batch, ...]`, a structure of them, or None.

    Returns:
      The same structure.
    """
    if tensors is None or replicas() == 1:
        return tensors
    return keras.tree.map_structure(_gathered, tensors)


def _gathered(tensor: tf.Tensor) -> tf.Tensor:
    gathered = tf.distribute.get_replica_context().all_gather(tensor, axis=0)
    return tf.ensure_shape(gathered, [None, *tensor.shape[1:]])
