"""How likely a causal language model finds texts, token by token."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf


def token_log_likelihoods(
    model: keras.Model,
    sequences: Sequence[Sequence[int]],
    *,
    start: int | None = None,
    positions: int = 2048,
) -> list[np.ndarray]:
    """log p(token | tokens before it) of each token of each sequence.

    The sum over a sentence is its log-likelihood; the exponential of minus the mean
    over a text is the perplexity. Which token stands before the first one matters: for
    short sentences it can turn round which of two is the likelier.

    Args:
      model: from ids, int32 `[batch, time]`, to logits `[batch, time, vocabulary]`; no
        position may see those after it.
      sequences: token ids, at least one each, or two without `start`.
      start: id that stands before each sequence; None for none, so that the first
        token of each is not scored.
      positions: how many the model sees at a time, about; more take more memory.

    Returns:
      Float32 arrays in the order of the sequences, one number a token, in nats;
      without `start` the first token has none.

    Raises:
      ValueError: if a sequence is too short.
    """
    begun = [[*([] if start is None else [start]), *tokens] for tokens in sequences]
    for number, tokens in enumerate(begun):
        if len(tokens) < 2:
            raise ValueError(
                "`sequences` must have at least one token, two without `start`. "
                f"Received: sequences[{number}] of {len(sequences[number])}. Leave "
                "out empty texts."
            )

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def scored(ids: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(model(ids[:, :-1], training=False), tf.float32)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits)

    found: dict[int, np.ndarray] = {}
    for batch in _batches([len(tokens) for tokens in begun], positions):
        ids = keras.utils.pad_sequences([begun[i] for i in batch], padding="post")
        # What is scored in the padding, which no token sees, is left out.
        for i, row in zip(batch, scored(ids).numpy(), strict=True):
            found[i] = row[: len(begun[i]) - 1]
    return [found[i] for i in range(len(begun))]


def _batches(lengths: Sequence[int], positions: int) -> Iterator[list[int]]:
    """Sequences of like length together."""
    batch: list[int] = []
    for i in np.argsort(lengths, kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[i] > positions:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
