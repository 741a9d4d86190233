"""A tiny Llama-like model with a tokenizer, as a GGUF file."""

import gguf
import numpy as np
from gguf import quants

HEADS, KEY_HEADS, SIZE, LAYERS, HIDDEN, VOCABULARY = 4, 2, 8, 2, 64, 13
WIDTH, BASE, EPSILON = HEADS * SIZE, 500.0, 1e-5


# The first is of no text; G with a dot (U+0120) is a space.
TOKENS = ["<|end|>", "a", "b", "c", "1", "2", "\u0120", "ab", "\u0120ab", "12"]
TOKENS += ["d", "e", "f"]
MERGES = ["a b", "\u0120 ab", "1 2"]


def add_tokenizer(writer, pre="smollm", model="gpt2"):
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] + [1] * (len(TOKENS) - 1))
    writer.add_token_merges(MERGES)


def tensors(tied):
    rng = np.random.default_rng(0)

    def normal(*shape):
        return rng.normal(0, 0.3, shape).astype(np.float32)

    made = {"token_embd": normal(VOCABULARY, WIDTH), "output_norm": normal(WIDTH) + 1}
    if not tied:
        made["output"] = normal(VOCABULARY, WIDTH)
    for i in range(LAYERS):
        layer = {
            "attn_norm": normal(WIDTH) + 1,
            "attn_q": normal(WIDTH, WIDTH),
            "attn_k": normal(KEY_HEADS * SIZE, WIDTH),
            "attn_v": normal(KEY_HEADS * SIZE, WIDTH),
            "attn_output": normal(WIDTH, WIDTH),
            "ffn_norm": normal(WIDTH) + 1,
            "ffn_gate": normal(HIDDEN, WIDTH),
            "ffn_up": normal(HIDDEN, WIDTH),
            "ffn_down": normal(WIDTH, HIDDEN),
        }
        made |= {f"blk.{i}.{name}": value for name, value in layer.items()}
    return made


def write(path, arrays, kind, architecture="llama", tokenizer=False):
    """A file; returns the arrays as they are read from it."""
    writer = gguf.GGUFWriter(path, architecture)
    if tokenizer:
        add_tokenizer(writer)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(BASE)
    read = {}
    for name, array in arrays.items():
        of = kind if array.ndim == 2 else gguf.GGMLQuantizationType.F32
        data = quants.quantize(array, of)
        read[name] = quants.dequantize(data, of)
        writer.add_tensor(f"{name}.weight", data, raw_dtype=of)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read
