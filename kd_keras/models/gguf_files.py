"""GGUF files of llama.cpp: opened, and their tokenizer."""

import importlib
from typing import Any


def open_file(path: str) -> Any:
    """A gguf.GGUFReader.

    Raises:
      ValueError: if the file is no readable GGUF file.
      ModuleNotFoundError: if the package gguf is not installed.
    """
    if not path.endswith(".gguf"):
        raise ValueError(
            f"`pretrained` of 'llama' must be a file *.gguf. Received: {path!r}."
        )
    try:
        gguf = importlib.import_module("gguf")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "GGUF files need the package gguf, which is not installed: "
            "pip install 'kd-keras[gguf]'."
        ) from error
    try:
        return gguf.GGUFReader(path)
    except (ValueError, OSError, IndexError) as error:
        raise ValueError(
            f"`pretrained` must be a readable GGUF file. Received: {path!r}: {error}."
        ) from error


def tokenizer(path: str) -> Any:
    """The tokenizer of a file, by the package tokenizers.

    KerasHub's cuts some texts otherwise ('s, double newlines).

    Args:
      path: a file *.gguf whose tokenizer is a byte-level BPE, as of GPT-2 or SmolLM2.

    Returns:
      A tokenizers.Tokenizer: `encode(text).ids`, `decode(ids)`.

    Raises:
      ValueError: if it is another kind of tokenizer.
      ModuleNotFoundError: if a package is not installed.
    """
    reader = open_file(path)

    def field(key: str) -> Any:
        found = reader.get_field(f"tokenizer.ggml.{key}")
        return None if found is None else found.contents()

    model, before = field("model"), field("pre") or "gpt-2"
    if model != "gpt2" or before not in ("gpt-2", "smollm"):
        raise ValueError(
            "`path` must have a tokenizer 'gpt2' with pre-tokenizer 'gpt-2' or "
            f"'smollm'. Received: {path!r} with {model!r} and {before!r}. Tokenize "
            "with the program that the file is for."
        )
    tokenizers = importlib.import_module("tokenizers")
    tokens = field("tokens")
    merges = [tuple(merge.split(" ")) for merge in field("merges")]
    made = tokenizers.Tokenizer(
        tokenizers.models.BPE({token: i for i, token in enumerate(tokens)}, merges)
    )
    steps = [tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)]
    if before == "smollm":
        steps.insert(0, tokenizers.pre_tokenizers.Digits(individual_digits=True))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(steps)
    made.decoder = tokenizers.decoders.ByteLevel()
    kinds = field("token_type")
    # Kind 3 is one that no text is cut into, such as the end of a text.
    made.add_special_tokens(
        [token for token, kind in zip(tokens, kinds, strict=True) if kind == 3]
    )
    return made
