"""Stops a step on which a teacher gives no numbers."""

from typing import Any

import keras
import tensorflow as tf


def require_finite(outputs: Any, step: Any) -> None:
    """Checks a teacher's outputs while the step runs.

    One NaN would make the student's weights NaN for good, in silence. In a step that
    XLA compiles (`jit_compile=True`) TensorFlow leaves assertions out.

    Args:
      outputs: tensors `[batch, ...]` in any structure.
      step: number of updates so far, scalar.

    Raises:
      tf.errors.InvalidArgumentError: if an output is NaN or infinite, with the number
        of the batch and the rows.
    """
    for output in keras.tree.flatten(outputs):
        output = tf.convert_to_tensor(output)
        if output.dtype.is_floating and output.shape.rank:
            finite = tf.math.is_finite(output)
            rows = tf.reduce_all(finite, axis=range(1, output.shape.rank))
            # A stateful operation: it runs although nothing reads it.
            tf.debugging.Assert(
                tf.reduce_all(rows),
                [
                    "The teacher gives NaN or Inf in the batch after update",
                    step,
                    "for its rows",
                    tf.where(~rows)[:, 0],
                    "Look at the inputs of these rows, and at how it was trained.",
                ],
                summarize=5,
            )
