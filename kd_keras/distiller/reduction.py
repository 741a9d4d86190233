"""Weighted means over the valid entries of a batch that replicas may share."""

from typing import Any, NamedTuple

import tensorflow as tf
from keras import ops

from kd_keras.distiller.outputs import align_rank


class Term(NamedTuple):
    """A mean as the two sums that this replica adds to it.

    Attributes:
        total: Scalar, sum of the weighted values of this replica.
        divisor: Scalar, what this replica adds to the divisor.
        entries: Scalar, number of valid entries behind it, for the logs.
    """

    total: Any
    divisor: Any
    entries: Any


def replicas():
    """Number of replicas that take a step together."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def mean_term(values, weights=None, mask=None):
    """Weighted sum over the valid entries, to be divided by their number.

    As in Keras, weights do not enter the divisor and padded entries do not
    count.

    Args:
        values: Tensor `[batch, ...]`.
        weights: Tensor `[batch, ...]` of this or a lower rank, or None.
        mask: Boolean tensor `[batch, ...]` of this or a lower rank, or None.

    Returns:
        `Term`.

    Raises:
        ValueError: If weights or mask tell apart what `values` has summed up.
    """
    weights, mask = _like(weights, values), _like(mask, values)
    entries = count_valid(values, mask)
    if mask is not None:
        values = ops.where(mask, values, 0.0)
    if weights is not None:
        values = values * weights
    return Term(ops.sum(values), entries, entries)


def _like(tensor, values):
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


def count_valid(values, mask=None):
    """Number of entries of `values` that the mask keeps, float32 scalar."""
    if mask is None:
        return ops.cast(ops.size(values), "float32")
    return ops.sum(ops.cast(ops.broadcast_to(mask, ops.shape(values)), "float32"))


def replicated_term(value):
    """A value that does not depend on the batch; replicas average it.

    Args:
        value: Scalar.

    Returns:
        `Term`.
    """
    return Term(value / replicas(), 1.0 / replicas(), 0.0)


def reduce_terms(terms):
    """Divides by the divisors of all replicas together.

    Args:
        terms: List of n `Term`s.

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


def all_reduce(tensors):
    """Sums each tensor of a list over the replicas."""
    if replicas() == 1:
        return tensors
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def all_gather(tensor):
    """Concatenates a tensor's batches over the replicas; gradients flow back."""
    if tensor is None or replicas() == 1:
        return tensor
    gathered = tf.distribute.get_replica_context().all_gather(tensor, axis=0)
    return tf.ensure_shape(gathered, [None, *tensor.shape[1:]])
