"""Perplexity of a GGUF language model: right weights are seen by it.

python -m benchmarks.language_model --gguf=SmolLM2-135M-Instruct.Q4_1.gguf \
    --text=wikitext2_test.txt
"""

import argparse
import pathlib

import keras
import numpy as np

from kd_keras import models
from kd_keras.models import gguf_files


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=512, help="of a window")
    parser.add_argument("--keep", help="layers of a student cut from it, as 0,10,29")
    args = parser.parse_args()
    tokenizer = gguf_files.tokenizer(args.gguf)
    size = tokenizer.get_vocab_size()
    model = models.build("llama", (), size, pretrained=args.gguf)
    if args.keep:
        model = models.llama.cut(model, [int(i) for i in args.keep.split(",")])
    text = pathlib.Path(args.text).read_text(encoding="utf-8")
    ids = np.array(tokenizer.encode(text).ids, np.int32)
    windows = ids[: args.windows * args.tokens].reshape(args.windows, args.tokens)
    found = [_surprise(model, window) for window in windows]
    print(f"{model.count_params():,} parameters, {len(ids):,} tokens of text")
    print(
        f"perplexity {np.exp(np.mean(found)):.1f} of {args.windows} windows of "
        f"{args.tokens} tokens"
    )


def _surprise(model: keras.Model, window: np.ndarray) -> float:
    """Mean of -log p of every token but the first."""
    logits = model(window[np.newaxis])[0, :-1]
    loss = keras.losses.sparse_categorical_crossentropy
    return float(np.mean(loss(window[1:], logits, from_logits=True)))


if __name__ == "__main__":
    main()
