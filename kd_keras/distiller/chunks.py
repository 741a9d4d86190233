"""Sums over positions, a chunk of them at a time, with exact gradients."""

from collections.abc import Callable, Sequence

import tensorflow as tf

# (index of the first position, hidden states `[batch, chunk, width]`, values of the
# head's weights) -> sums `[n]`, float32.
Sums = Callable[[tf.Tensor, tf.Tensor, Sequence[tf.Tensor]], tf.Tensor]


def sum_over_chunks(
    sums: Sums, hidden: tf.Tensor, values: Sequence[tf.Tensor], chunk: int, number: int
) -> tf.Tensor:
    """Adds up what `sums` gives for each chunk, and forgets all else of it.

    Whatever `sums` makes of a chunk, such as its logits, is made again for the
    gradient, so that one chunk of it is held at a time. The gradient is that of the
    sum, whose terms are added in another order (Chen et al., "Training Deep Nets with
    Sublinear Memory Cost", 2016, section 4).

    Args:
      sums: function of a chunk. It may read other tensors, but gradients flow to
        `hidden` and `values` alone.
      hidden: float `[batch, time, width]`, time a multiple of `chunk`.
      values: float tensors that each chunk uses whole.
      chunk: positions at a time.
      number: n, how many sums there are.

    Returns:
      Float32 `[n]`.
    """
    count = tf.shape(hidden)[1] // chunk

    def piece(of: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        return part_of_time(of, index * chunk, chunk)

    @tf.custom_gradient
    def total(hidden: tf.Tensor, *values: tf.Tensor):  # type: ignore[no-untyped-def]
        def add(index: tf.Tensor, so_far: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            now = sums(index * chunk, piece(hidden, index), values)
            return index + 1, so_far + now

        result = _loop(count, add, tf.zeros([number]))[0]

        def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
            return _gradients(sums, hidden, values, chunk, upstream)

        return result, gradient

    return total(hidden, *values)


def part_of_time(tensor: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """`[batch, time, ...]` -> `[batch, size, ...]`, the positions from `start` on."""
    rank = len(tensor.shape)
    begin = tf.stack([0, start] + [0] * (rank - 2))
    part = tf.slice(tensor, begin, [-1, size] + [-1] * (rank - 2))
    return tf.ensure_shape(part, [tensor.shape[0], size, *tensor.shape[2:]])


def _gradients(
    sums: Sums,
    hidden: tf.Tensor,
    values: Sequence[tf.Tensor],
    chunk: int,
    upstream: tf.Tensor,
) -> list[tf.Tensor]:
    """Of the hidden states and of each value, one chunk after the other."""
    count = tf.shape(hidden)[1] // chunk
    pieces = tf.TensorArray(
        hidden.dtype,
        size=count,
        element_shape=[hidden.shape[0], chunk, hidden.shape[2]],
    )

    def add(index, pieces, *so_far):  # type: ignore[no-untyped-def]
        piece = part_of_time(hidden, index * chunk, chunk)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([piece, *values])
            total = tf.reduce_sum(sums(index * chunk, piece, values) * upstream)
        now = tape.gradient(
            total, [piece, *values], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        pieces = pieces.write(index, now[0])
        added = [
            a + tf.convert_to_tensor(b) for a, b in zip(so_far, now[1:], strict=True)
        ]
        return index + 1, pieces, *added

    pieces, *of_values = _loop(count, add, pieces, *map(tf.zeros_like, values))
    # [chunks, batch, chunk, width] -> [batch, time, width]
    stacked = tf.transpose(pieces.stack(), [1, 0, 2, 3])
    return [tf.reshape(stacked, tf.shape(hidden)), *of_values]


def _loop(count: tf.Tensor, body: Callable, *state: object) -> list:
    """The state after `count` runs of `body`, one after the other."""
    first = tf.constant(0)
    result = tf.while_loop(
        lambda index, *_: index < count,
        body,
        (first, *state),
        # More at a time would hold as many chunks.
        parallel_iterations=1,
        maximum_iterations=count,
    )
    return list(result[1:])
