"""The total loss: the sum of its parts."""

from collections.abc import Callable, Sequence

import tensorflow as tf
from keras import ops

from kd_keras.distiller.batch import Batch, Mean
from kd_keras.distiller.reduction import reduce_terms, replicated_term

# A part of the loss: the means that it adds for a batch.
Part = Callable[[Batch], list[Mean]]


def regularization_part(batch: Batch) -> list[Mean]:
    """The losses that the student's layers add, one mean each."""
    return [
        Mean(None, 1.0, 1.0, replicated_term(ops.sum(loss)))
        for loss in batch.regularization
    ]


def total_loss(
    parts: Sequence[Part], batch: Batch
) -> tuple[tf.Tensor, tf.Tensor, dict[str, tuple[tf.Tensor, tf.Tensor]]]:
    """Adds up what the parts give for a batch.

    Args:
      parts: the parts of the loss.
      batch: `Batch`.

    Returns:
      This replica's share of the loss, to be differentiated; the loss; and a
      dict from name to (value, number of this replica's entries).
    """
    of_parts = [mean for part in parts for mean in part(batch)]
    shares, means = reduce_terms([mean.term for mean in of_parts])
    factors = ops.stack(
        [ops.cast(mean.scale * mean.coefficient, "float32") for mean in of_parts]
    )
    logs: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}
    for i, mean in enumerate(of_parts):
        if mean.name is not None:
            value, entries = logs.get(mean.name, (0.0, 0.0))
            value = value + mean.scale * means[i]
            logs[mean.name] = value, entries + mean.term.entries
    return ops.sum(factors * shares), ops.sum(factors * means), logs
