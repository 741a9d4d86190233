"""`tf.vectorized_map` that Keras' argmax does not slow down."""

import contextlib
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor

vectorized_map = tf.vectorized_map


def _bitcast(given: Any) -> Any:
    return pfor.wrap(tf.bitcast(given.stacked_input(0), given.get_attr("type")), True)


# Keras' argmax looks at sign bits, which TensorFlow would take member by member. There
# is no public way to add a converter; an assertion fails where there is one already.
with contextlib.suppress(AssertionError):
    pfor.RegisterPFor("Bitcast")(_bitcast)
