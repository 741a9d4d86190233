"""Adds to a table of texts what a language model sees in them, and their words.

python -m benchmarks.hidden_features --gguf=SmolLM2-135M-Instruct.Q4_1.gguf \
    --layers=8 --table=posts.parquet --output=posts_seen.parquet

"hidden" is the mean over a text's tokens of the states after these layers, for a
teacher that is a head on them; "words" are the words in small letters, for a student.
Without --gguf there are the words alone.
"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from kd_keras import models
from kd_keras.models import gguf_files, llama

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", help="the language model")
    parser.add_argument("--table", required=True, help="with a column text")
    parser.add_argument("--output", required=True)
    parser.add_argument("--layers", type=int, default=8, help="the first ones")
    parser.add_argument("--tokens", type=int, default=64, help="of a text, at most")
    parser.add_argument("--words", type=int, default=48, help="of a text, at most")
    args = parser.parse_args()
    table = pd.read_parquet(args.table)
    if args.gguf:
        table["hidden"] = list(seen(args.gguf, args.layers, table["text"], args.tokens))
    table["words"] = [words(text, args.words) for text in table["text"]]
    table.drop(columns="text").to_parquet(args.output, index=False)


def seen(gguf: str, layers: int, texts: Iterable[str], tokens: int) -> np.ndarray:
    """What a language model sees in texts, `[texts, width]`, float32."""
    tokenizer = gguf_files.tokenizer(gguf)
    model = models.build(
        "llama", (), tokenizer.get_vocab_size(), pretrained=gguf, dtype="bfloat16"
    )
    ids = [tokenizer.encode(text).ids[:tokens] for text in texts]
    model = llama.cut(model, range(layers))
    (backbone,) = (layer for layer in model.layers if hasattr(layer, "num_layers"))
    return hidden(backbone, ids)


def hidden(backbone: Any, ids: Sequence[Sequence[int]]) -> np.ndarray:
    """Mean states `[texts, width]`, float32. Texts of a batch are of like length."""

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)] * 2)
    def mean(padded: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        # No token sees the padding, which comes after it.
        states = backbone({"token_ids": padded, "padding_mask": tf.ones_like(mask)})
        weights = tf.cast(mask, tf.float32)[..., None]
        total = tf.reduce_sum(tf.cast(states, tf.float32) * weights, axis=1)
        return total / tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)

    found = np.zeros((len(ids), backbone.hidden_dim), np.float32)
    order = np.argsort([len(i) for i in ids], kind="stable")
    for some in tqdm(np.array_split(order, -(-len(order) // BATCH)), mininterval=20):
        padded = keras.utils.pad_sequences([ids[i] for i in some], padding="post")
        lengths = np.array([len(ids[i]) for i in some])
        mask = np.arange(padded.shape[1]) < lengths[:, None]
        found[some] = mean(padded, mask.astype(np.int32))
    return found


def words(text: str, most: int) -> list[str]:
    """The first words, in small letters; "" where there are fewer."""
    first = text.lower().split()[:most]
    return first + [""] * (most - len(first))


if __name__ == "__main__":
    main()
