"""BERT and DistilBERT take raw text."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.datasets import DatasetSpec
from kd_keras.export import save_model

keras_hub = pytest.importorskip("keras_hub")

WORDS = ["the", "un", "##aff", "##able", ",", "!", "creme", "The"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
SIZES = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
REAL_VOCABULARY = (
    pathlib.Path(__file__).parents[3] / "shared/data/vocab/bert-base-uncased-vocab.txt"
)


def _token_ids(text, **options):
    model = models.build("bert", (), 2, **SIZES, **options)
    return model.get_layer("tokens")(tf.constant(text))["token_ids"].numpy()


@pytest.mark.parametrize(
    ("lowercase", "ids"),
    [
        # [CLS] the un ##aff ##able creme ! [SEP] [PAD] [PAD]
        (True, [2, 5, 6, 7, 8, 11, 10, 3, 0, 0]),
        # [CLS] The un ##aff ##able [UNK] ! [SEP] [PAD] [PAD]
        (False, [2, 12, 6, 7, 8, 1, 10, 3, 0, 0]),
    ],
    ids=["uncased", "cased"],
)
def test_tokens_by_hand(lowercase, ids):
    received = _token_ids(
        ["The unaffable crème!"],
        vocabulary=VOCABULARY,
        lowercase=lowercase,
        sequence_length=10,
    )
    np.testing.assert_array_equal(received, [ids])


def test_a_long_text_is_cut_and_an_empty_one_padded():
    received = _token_ids(
        ["the the the the", ""], vocabulary=VOCABULARY, sequence_length=4
    )
    np.testing.assert_array_equal(received, [[2, 5, 5, 3], [2, 3, 0, 0]])


def test_tokens_are_those_of_the_tokenizers_library():
    if not REAL_VOCABULARY.exists():
        pytest.skip(f"needs {REAL_VOCABULARY}")
    from tokenizers import BertWordPieceTokenizer

    texts = [
        "Café déjà-vu: naïve coöperation, isn't it?",
        "antidisestablishmentarianism @user http://x.y/z #tag 1,000.50 €",
        "Ελληνικά и русский 漢字 mixed",
    ]
    oracle = BertWordPieceTokenizer(str(REAL_VOCABULARY), lowercase=True)
    oracle.enable_truncation(64)
    oracle.enable_padding(length=64)
    expected = [encoding.ids for encoding in oracle.encode_batch(texts)]
    received = _token_ids(texts, vocabulary=str(REAL_VOCABULARY), sequence_length=64)
    np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("name", ["bert", "distilbert"])
def test_preset_decides_vocabulary_and_sizes(name, tmp_path):
    family = {"bert": "Bert", "distilbert": "DistilBert"}[name]
    backbone = getattr(keras_hub.models, f"{family}Backbone")(
        vocabulary_size=len(VOCABULARY), max_sequence_length=16, **SIZES
    )
    tokenizer = getattr(keras_hub.models, f"{family}Tokenizer")(
        VOCABULARY, lowercase=True
    )
    backbone.save_to_preset(str(tmp_path))
    tokenizer.save_to_preset(str(tmp_path))
    model = models.build(name, (), 2, pretrained=str(tmp_path), sequence_length=10)
    loaded = model.get_layer("backbone")
    for one, two in zip(loaded.weights, backbone.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    ids = model.get_layer("tokens")(tf.constant(["The unaffable crème!"]))["token_ids"]
    np.testing.assert_array_equal(ids, [[2, 5, 6, 7, 8, 11, 10, 3, 0, 0]])


def test_padding_changes_nothing():
    short = models.build(
        "bert", (), 2, vocabulary=VOCABULARY, sequence_length=5, **SIZES
    )
    long = models.build(
        "bert", (), 2, vocabulary=VOCABULARY, sequence_length=12, **SIZES
    )
    long.set_weights(short.get_weights())
    text = tf.constant(["the unaffable"])
    short_ids = short.get_layer("tokens")(text)["token_ids"]
    assert int(short_ids[0, -1]) == VOCABULARY.index("[SEP]")  # Cut, so not comparable.
    text = tf.constant(["the creme!"])
    np.testing.assert_allclose(short(text), long(text), atol=1e-5)


def test_missing_vocabulary_and_image_input():
    with pytest.raises(ValueError, match="needs a `vocabulary`"):
        models.build("bert", (), 2)
    with pytest.raises(ValueError, match=r"Received: input_shape=\(32, 32, 3\)"):
        models.build("bert", (32, 32, 3), 2, vocabulary=VOCABULARY)


def test_learns_from_raw_text():
    keras.utils.set_random_seed(0)
    model = models.build(
        "distilbert",
        (),
        2,
        vocabulary=VOCABULARY,
        sequence_length=6,
        **{**SIZES, "num_layers": 1},
    )
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    texts = tf.constant(["the creme", "the unaffable", "creme!", "unaffable!"] * 8)
    examples = tf.data.Dataset.from_tensor_slices((texts, [0, 1, 0, 1] * 8)).batch(32)
    model.fit(examples, epochs=30, shuffle=False, verbose=0)
    assert model.evaluate(examples, verbose=0, return_dict=True)["accuracy"] == 1


def test_an_export_is_loaded_by_a_process_without_the_operations(tmp_path):
    model = models.build("bert", (), 2, vocabulary=VOCABULARY, **SIZES)
    spec = DatasetSpec("t", {"text": tf.TensorSpec((), tf.string)}, "y", ("a", "b"), {})
    save_model(model, spec, str(tmp_path / "export"))
    code = """
import sys
import tensorflow as tf
from kd_keras.export import load
raw = load(sys.argv[1]).signatures["serving_raw"]
print(raw(text=tf.constant(["unaffable"]))["probabilities"].numpy().tolist())
"""
    command = [sys.executable, "-c", code, str(tmp_path / "export")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = keras.ops.softmax(model(tf.constant(["unaffable"]))).numpy()
    np.testing.assert_allclose(json.loads(printed.stdout), expected, rtol=1e-5)
