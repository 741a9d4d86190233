"""Llama-like causal language models, through KerasHub, from GGUF files."""

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from kd_keras.models import gguf_files
from kd_keras.models.hub import import_keras_hub

# Tensor of a file -> where KerasHub keeps it, and how it is turned.
_LAYER = {
    "attn_norm": ("self_attention_layernorm/scale", "as it is"),
    "attn_q": ("self_attention/query/kernel", "rotary heads"),
    "attn_k": ("self_attention/key/kernel", "rotary heads"),
    "attn_v": ("self_attention/value/kernel", "transposed"),
    "attn_output": ("self_attention/attention_output/kernel", "transposed"),
    "ffn_norm": ("feedforward_layernorm/scale", "as it is"),
    "ffn_gate": ("feedforward_gate_dense/kernel", "transposed"),
    "ffn_up": ("feedforward_intermediate_dense/kernel", "transposed"),
    "ffn_down": ("feedforward_output_dense/kernel", "transposed"),
}
# What a backbone is made of, beside its number of layers.
_SIZES = (
    *("vocabulary_size", "num_query_heads", "hidden_dim", "intermediate_dim"),
    *("num_key_value_heads", "rope_max_wavelength", "layer_norm_epsilon"),
)
_ENDS = {
    "token_embd": ("token_embedding/embeddings", "as it is"),
    "output_norm": ("sequence_output_layernorm/scale", "as it is"),
    "output": ("token_embedding/reverse_embeddings", "transposed"),
}


def build(
    input_shape: Any,
    num_classes: int,
    *,
    pretrained: str,
    dtype: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """A language model as a GGUF file of llama.cpp has it, dequantized.

    Padding on the right needs no mask, since no position sees those after it. KerasHub
    does not save that embeddings are tied: keep the file and the trained weights.

    Args:
      input_shape: `()` or `(time,)`, not used: any number of tokens.
      num_classes: size of the vocabulary, as in the file.
      pretrained: path of a file `*.gguf` with the architecture "llama".
      dtype: dtype policy; None for Keras' own.
      name: name of the model.

    Returns:
      A model from token ids, int32 `[batch, time]`, to logits
      `[batch, time, num_classes]`.

    Raises:
      ValueError: if the file is no GGUF file, has another architecture or vocabulary,
        or tensors or a scaling of positions that this model lacks.

    Source: https://arxiv.org/abs/2302.13971; the layout of rotary heads is that of
    `permute` in llama.cpp's convert_hf_to_gguf.py.
    """
    reader = gguf_files.open_file(pretrained)
    sizes = _sizes(reader, pretrained)
    if num_classes != sizes["vocabulary_size"]:
        raise ValueError(
            f"`num_classes` must be the vocabulary of {pretrained}, "
            f"{sizes['vocabulary_size']:,}. Received: {num_classes:,}."
        )
    backbone = import_keras_hub().models.LlamaBackbone(**sizes, dtype=dtype)
    _assign(backbone, reader, pretrained)
    return _of_tokens(backbone, name)


def cut(
    model: keras.Model, layers: Sequence[int], name: str | None = None
) -> keras.Model:
    """A student that has some layers of a teacher, and its embeddings.

    It begins with their weights, and owns copies. Left-out layers wreck a language
    model: distil the student for millions of tokens.

    Args:
      model: what `build` made.
      layers: numbers of the layers to keep, from 0 on, rising.
      name: name of the student.

    Returns:
      A model of the same inputs and outputs.

    Raises:
      ValueError: if a layer is not there, or they do not rise.
    """
    (backbone,) = (layer for layer in model.layers if hasattr(layer, "num_layers"))
    there = range(backbone.num_layers)
    if (
        not layers
        or any(i not in there for i in layers)
        or sorted(set(layers)) != [*layers]
    ):
        raise ValueError(
            f"`layers` must be rising numbers from 0 to {there[-1]}, those of the "
            f"teacher. Received: {layers!r}."
        )
    sizes = {name: getattr(backbone, name) for name in _SIZES}
    sizes["tie_word_embeddings"] = backbone.token_embedding.tie_weights
    student = type(backbone)(**sizes, num_layers=len(layers), dtype=backbone.dtype)
    taken = {weight.path: weight for weight in backbone.weights}
    for weight in student.weights:
        of_teacher = re.sub(
            r"(?<=transformer_layer_)\d+",
            lambda number: str(layers[int(number[0])]),
            weight.path,
        )
        weight.assign(taken[of_teacher])
    return _of_tokens(student, name)


def _of_tokens(backbone: keras.Model, name: str | None) -> keras.Model:
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    hidden = backbone({"token_ids": ids, "padding_mask": keras.ops.ones_like(ids)})
    logits = backbone.token_embedding(hidden, reverse=True)
    return keras.Model(ids, logits, **({"name": name} if name else {}))


def _sizes(reader: Any, path: str) -> dict[str, Any]:
    """Arguments of KerasHub's LlamaBackbone."""

    def field(key: str, default: Any = None) -> Any:
        found = reader.get_field(key)
        return default if found is None else found.contents()

    architecture = field("general.architecture")
    scaling = field("llama.rope.scaling.type", "none")
    if architecture != "llama" or scaling != "none":
        raise ValueError(
            "`pretrained` must have the architecture 'llama' without a scaling of "
            f"positions. Received: {path!r} with {architecture!r}, scaling {scaling!r}."
        )
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    heads = field("llama.attention.head_count")
    return {
        "vocabulary_size": int(tensors["token_embd.weight"].shape[1]),
        "num_layers": field("llama.block_count"),
        "num_query_heads": heads,
        "hidden_dim": field("llama.embedding_length"),
        "intermediate_dim": field("llama.feed_forward_length"),
        "num_key_value_heads": field("llama.attention.head_count_kv", heads),
        "rope_max_wavelength": field("llama.rope.freq_base", 10000.0),
        "layer_norm_epsilon": field("llama.attention.layer_norm_rms_epsilon"),
        "tie_word_embeddings": "output.weight" not in tensors,
    }


def _assign(backbone: keras.Model, reader: Any, path: str) -> None:
    """Sets every weight of the backbone from the file's tensors."""
    dequantize = importlib.import_module("gguf.quants").dequantize
    weights = {weight.path: weight for weight in backbone.weights}
    for tensor in reader.tensors:
        place, turned = _place(tensor.name)
        found = [key for key in weights if place and key.endswith(place)]
        if not found:
            raise ValueError(
                f"`pretrained` has a tensor that a Llama model lacks. Received: "
                f"{tensor.name!r} in {path!r}. Take a plain Llama file."
            )
        weight = weights.pop(found[0])
        array = dequantize(tensor.data, tensor.tensor_type)
        weight.assign(_TURNS[turned](array, tuple(weight.shape)))
    if weights:
        raise ValueError(
            f"`pretrained` lacks tensors. Received: {path!r} without those for "
            f"{sorted(weights)}. Take a whole file."
        )


def _place(name: str) -> tuple[str, str]:
    """End of the path of a tensor's weight, and its turn; ("", "") if unknown."""
    parts = name.removesuffix(".weight").split(".")
    if len(parts) == 3 and parts[0] == "blk" and parts[2] in _LAYER:
        place, turned = _LAYER[parts[2]]
        return f"transformer_layer_{parts[1]}/{place}", turned
    return _ENDS.get(".".join(parts), ("", ""))


def _rotary_heads(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`[heads * size, width]` -> `[width, heads, size]`.

    llama.cpp turns neighbours (2 i, 2 i + 1) of a head together, KerasHub the halves
    (i, i + size / 2).
    """
    width, heads, size = shape
    pairs = array.reshape(heads, size // 2, 2, width).swapaxes(1, 2)
    return pairs.reshape(heads * size, width).T.reshape(shape)


_TURNS: dict[str, Callable[[np.ndarray, tuple[int, ...]], np.ndarray]] = {
    "as it is": lambda array, shape: array.reshape(shape),
    "transposed": lambda array, shape: array.T.reshape(shape),
    "rotary heads": _rotary_heads,
}
