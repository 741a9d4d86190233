"""Next-token prediction: inputs, labels and the positions that count."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def next_tokens(
    tokens: tf.Tensor,
    *,
    padding_mask: tf.Tensor | None = None,
    prompt_mask: tf.Tensor | None = None,
    ignored_ids: Sequence[int] = (),
) -> tuple[tf.Tensor, dict[str, Any]]:
    """What a causal language model sees at each position, and what it shall say.

    Position t sees tokens up to t and shall say token t + 1, so that a sequence of n
    tokens gives n - 1 positions. A position counts where both tokens are no padding
    and the one to be said is neither of the prompt nor ignored.

    Args:
      tokens: integer ids `[..., time]`, at least 2 of them.
      padding_mask: booleans `[..., time]`, False at padding; None for no padding.
      prompt_mask: booleans `[..., time]`, True at tokens that are given, such as an
        instruction, and not to be learned; None for no prompt.
      ignored_ids: ids that are not to be learned, such as a separator's. They may be
        outside of the vocabulary, -100 for one, where nothing reads them as inputs.

    Returns:
      Inputs `[..., time - 1]`, and a y for a `kd_keras.Distiller`: "labels", the ids of
      the inputs' dtype `[..., time - 1]`, 0 where they do not count, and "loss_mask",
      booleans of the same shape.

    Raises:
      ValueError: if there are fewer than 2 tokens.
    """
    tokens = tf.convert_to_tensor(tokens)
    if tokens.shape.rank == 0 or (tokens.shape[-1] or 2) < 2:
        raise ValueError(
            "`tokens` must have at least 2 tokens, of which each says the next. "
            f"Received: shape {tuple(tokens.shape)}. Leave out empty texts."
        )
    labels = tokens[..., 1:]
    counts = tf.ones_like(labels, tf.bool)
    if padding_mask is not None:
        padding_mask = tf.cast(padding_mask, tf.bool)
        counts &= padding_mask[..., :-1] & padding_mask[..., 1:]
    if prompt_mask is not None:
        counts &= ~tf.cast(prompt_mask, tf.bool)[..., 1:]
    for ignored in ignored_ids:
        counts &= labels != tf.cast(ignored, labels.dtype)
    labels = tf.where(counts, labels, tf.zeros_like(labels))
    return tokens[..., :-1], {"labels": labels, "loss_mask": counts}
