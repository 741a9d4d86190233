"""A GGUF file's language model against llama.cpp's arithmetic, in NumPy."""

import gguf
import keras
import numpy as np
import pytest
from scipy.special import softmax
from tiny_llama import (
    BASE,
    EPSILON,
    HEADS,
    KEY_HEADS,
    LAYERS,
    SIZE,
    TOKENS,
    VOCABULARY,
    add_tokenizer,
    tensors,
    write,
)

from examples import distill_language_model
from kd_keras import Distiller, models
from kd_keras.datasets.tokens import next_tokens
from kd_keras.distiller.heads import split_if_possible
from kd_keras.models import gguf_files, llama

IDS = np.random.default_rng(1).integers(0, VOCABULARY, (2, 6))


def normalized(x, scale):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON) * scale


def rotated(x):
    """Neighbours of a head `[batch, time, heads, size]` as complex numbers."""
    frequency = BASE ** (-np.arange(0, SIZE, 2) / SIZE)
    angle = np.arange(x.shape[1])[:, None] * frequency
    turned = (x[..., ::2] + 1j * x[..., 1::2]) * np.exp(1j * angle)[:, None]
    return np.stack([turned.real, turned.imag], -1).reshape(x.shape)


def logits(weights, ids, layers=range(LAYERS)):
    x = weights["token_embd"][ids].astype(np.float64)
    batch, time = ids.shape
    for i in layers:
        w = {
            k.split(".")[2]: v for k, v in weights.items() if k.startswith(f"blk.{i}.")
        }
        h = normalized(x, w["attn_norm"])
        q, k, v = (
            (h @ w[name].T).reshape(batch, time, -1, SIZE)
            for name in ("attn_q", "attn_k", "attn_v")
        )
        shared = HEADS // KEY_HEADS
        k, v = np.repeat(rotated(k), shared, 2), np.repeat(v, shared, 2)
        scores = np.einsum("bthd,bshd->bhts", rotated(q), k) / np.sqrt(SIZE)
        scores = np.where(np.tri(time, dtype=bool), scores, -np.inf)
        seen = np.einsum("bhts,bshd->bthd", softmax(scores, -1), v)
        x = x + seen.reshape(batch, time, -1) @ w["attn_output"].T
        h = normalized(x, w["ffn_norm"])
        gate = h @ w["ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["ffn_up"].T)) @ w["ffn_down"].T
    head = weights.get("output", weights["token_embd"])
    return normalized(x, weights["output_norm"]) @ head.T


@pytest.mark.parametrize(("tied", "kind"), [(True, "F32"), (False, "Q8_0")])
def test_logits_are_those_of_the_file(tmp_path, tied, kind):
    path = str(tmp_path / "tiny.gguf")
    read = write(path, tensors(tied), gguf.GGMLQuantizationType[kind])
    model = models.build("llama", (), VOCABULARY, pretrained=path)
    expected = logits(read, IDS)
    assert np.ptp(expected) > 2
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)
    assert split_if_possible(model) is not None
    assert isinstance(model, keras.Model)


def test_files_that_do_not_fit_are_refused(tmp_path):
    path, plain = str(tmp_path / "a.gguf"), gguf.GGMLQuantizationType.F32
    with pytest.raises(ValueError, match=r"must be a file \*.gguf. Received: 'a.npz'"):
        models.build("llama", (), 13, pretrained="a.npz")
    with pytest.raises(ValueError, match=r"readable GGUF file. Received: .*a.gguf"):
        models.build("llama", (), 13, pretrained=path)
    arrays = tensors(True)
    write(path, arrays, plain, "gemma")
    with pytest.raises(ValueError, match=r"architecture 'llama'.*with 'gemma'"):
        models.build("llama", (), 13, pretrained=path)
    write(path, arrays, plain)
    with pytest.raises(ValueError, match=r"vocabulary of .*, 13. Received: 14"):
        models.build("llama", (), 14, pretrained=path)
    write(path, {**arrays, "blk.0.attn_q_norm": np.ones(8, np.float32)}, plain)
    with pytest.raises(
        ValueError, match=r"lacks. Received: 'blk.0.attn_q_norm.weight'"
    ):
        models.build("llama", (), 13, pretrained=path)
    del arrays["blk.1.ffn_up"]
    write(path, arrays, plain)
    with pytest.raises(ValueError, match=r"lacks tensors.*layer_1/feedforward_inter"):
        models.build("llama", (), 13, pretrained=path)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("layers", [[0, 1], [1], [0]])
def test_a_student_is_cut_from_its_teacher(tmp_path, tied, layers):
    path = str(tmp_path / "tiny.gguf")
    read = write(path, tensors(tied), gguf.GGMLQuantizationType.F32)
    teacher = models.build("llama", (), VOCABULARY, pretrained=path)
    student = llama.cut(teacher, layers)
    expected = logits(read, IDS, layers)
    np.testing.assert_allclose(student(IDS), expected, rtol=1e-4, atol=1e-4)
    before = np.array(teacher(IDS))
    for weight in student.weights:  # Copies, so the teacher stays as it is.
        weight.assign(np.zeros(weight.shape))
    np.testing.assert_array_equal(teacher(IDS), before)


@pytest.mark.parametrize("layers", [[], [2], [-1], [1, 0], [0, 0]])
def test_layers_that_are_not_there_are_named(tmp_path, layers):
    path = str(tmp_path / "tiny.gguf")
    write(path, tensors(True), gguf.GGMLQuantizationType.F32)
    teacher = models.build("llama", (), VOCABULARY, pretrained=path)
    with pytest.raises(
        ValueError, match=r"`layers` must be rising numbers from 0 to 1"
    ):
        llama.cut(teacher, layers)


def _tokenizer(path, **kind):
    writer = gguf.GGUFWriter(path, "llama")
    add_tokenizer(writer, **kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(
    ("pre", "ids"),
    # SmolLM takes digits one by one; GPT-2 merges them.
    [("smollm", [7, 3, 8, 6, 4, 5, 0]), ("gpt-2", [7, 3, 8, 6, 9, 0])],
)
def test_a_text_is_cut_as_the_files_merges_say(tmp_path, pre, ids):
    made = gguf_files.tokenizer(_tokenizer(str(tmp_path / "a.gguf"), pre=pre))
    assert made.encode("abc ab 12<|end|>").ids == ids
    assert made.decode(ids) == "abc ab 12"
    assert made.get_vocab_size() == len(TOKENS)


@pytest.mark.parametrize(
    "kind", [{"pre": "llama-bpe"}, {"model": "llama"}], ids=["pre", "model"]
)
def test_other_tokenizers_are_refused(tmp_path, kind):
    path = _tokenizer(str(tmp_path / "a.gguf"), **kind)
    with pytest.raises(ValueError, match=r"'gpt-2' or 'smollm'. Received: .*llama"):
        gguf_files.tokenizer(path)


def test_the_example_distils_a_student(tmp_path, monkeypatch, capsys):
    gguf_file, text = str(tmp_path / "a.gguf"), tmp_path / "a.txt"
    write(gguf_file, tensors(True), gguf.GGMLQuantizationType.F32, tokenizer=True)
    text.write_text("abcdef" * 400)
    monkeypatch.setattr(distill_language_model, "WINDOW", 32)
    before, after = distill_language_model.main(gguf_file, str(text))
    assert f"{before:,.0f} before, {after:,.0f} after" in capsys.readouterr().out
    # Each token says the next one, which a few steps find out.
    assert after < before


def test_lora_alone_is_distilled(tmp_path):
    write(str(tmp_path / "m.gguf"), tensors(True), gguf.GGMLQuantizationType.F32)
    teacher = models.build("llama", (), VOCABULARY, pretrained=str(tmp_path / "m.gguf"))
    student = llama.cut(teacher, [0])
    student.layers[1].enable_lora(rank=2)
    before = {weight.path: weight.numpy() for weight in student.weights}
    distiller = Distiller(student=student, teacher=teacher, alpha=1.0, temperature=2.0)
    distiller.compile(keras.optimizers.SGD(1.0))
    x, y = next_tokens(IDS)
    # The second factor is zero in the beginning, and the first has no gradient then.
    history = distiller.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    changed = {w.path for w in student.weights if (w.numpy() != before[w.path]).any()}
    assert changed == {w.path for w in student.trainable_weights}
    # Queries and values of one layer, two factors each.
    assert sorted(path.rpartition("/")[2] for path in changed) == [
        *("lora_kernel_a", "lora_kernel_a", "lora_kernel_b", "lora_kernel_b")
    ]
