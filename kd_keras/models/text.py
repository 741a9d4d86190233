"""BERT and DistilBERT classifiers, through KerasHub, from raw text to logits."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kd_keras import files
from kd_keras.models import layers
from kd_keras.models.hub import import_keras_hub

# KerasHub's name of the family, and the published dropout before the logits.
FAMILIES = {"bert": ("Bert", 0.1), "distilbert": ("DistilBert", 0.2)}


def build(
    input_shape: tuple[()],
    num_classes: int,
    *,
    family: str,
    preset: str = "",
    vocabulary: str | Sequence[str] = (),
    lowercase: bool = True,
    sequence_length: int = 128,
    num_layers: int = 12,
    num_heads: int = 12,
    hidden_dim: int = 768,
    intermediate_dim: int = 3072,
    max_sequence_length: int = 512,
    name: str | None = None,
) -> keras.Model:
    """A classifier with its tokenizer inside.

    Args:
      input_shape: `()`, one text.
      num_classes: number of logits.
      family: "bert" or "distilbert".
      preset: pretrained weights, vocabulary and sizes: name of a KerasHub preset or a
        folder in its or in the Transformers format. Empty: random weights, and the
        vocabulary and the sizes given here.
      vocabulary: WordPieces by id, or a file with one a line; must have [PAD], [UNK],
        [CLS], [SEP] and [MASK].
      lowercase: read text without case and accents, as "uncased" vocabularies want it.
        With a preset, the preset decides.
      sequence_length: number of tokens that a text is cut or padded to.
      num_layers: number of encoder layers.
      num_heads: number of attention heads; divides `hidden_dim`.
      hidden_dim: width of a token.
      intermediate_dim: width of the hidden layer after the attention.
      max_sequence_length: number of positions, at least `sequence_length`.
      name: name of the model.

    Returns:
      A model from texts, string `[batch]`, to logits `[batch, num_classes]`.

    Raises:
      ValueError: if there is neither preset nor vocabulary, or the input is no text.

    Source: https://arxiv.org/abs/1810.04805 and https://arxiv.org/abs/1910.01108; the
    heads are those of the Transformers library.
    """
    if tuple(input_shape):
        raise ValueError(
            "A text classifier takes one string per example, input_shape=(). "
            f"Received: input_shape={input_shape}."
        )
    prefix, dropout = FAMILIES[family]
    backbone_class = getattr(import_keras_hub().models, f"{prefix}Backbone")
    tokenizer = _tokenizer(prefix, preset, vocabulary, lowercase)
    if preset:
        backbone = backbone_class.from_preset(preset, name="backbone")
    else:
        backbone = backbone_class(
            vocabulary_size=tokenizer.vocabulary_size(),
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            intermediate_dim=intermediate_dim,
            max_sequence_length=max_sequence_length,
            name="backbone",
        )
    text = keras.Input((), dtype="string", name="text")
    x = _pool(family, backbone, Tokens(tokenizer, sequence_length, name="tokens")(text))
    x = keras.layers.Dropout(dropout)(x)
    logits = layers.logits(x, num_classes, kernel_initializer=_truncated())
    return keras.Model(text, logits, name=name or family)


def _tokenizer(
    prefix: str, preset: str, vocabulary: str | Sequence[str], lowercase: bool
) -> Any:
    cls = getattr(import_keras_hub().models, f"{prefix}Tokenizer")
    if preset:
        stored = cls.from_preset(preset)
        vocabulary, lowercase = stored.get_vocabulary(), stored.lowercase
    elif not vocabulary:
        raise ValueError(
            "A text classifier without a `preset` needs a `vocabulary`: a list of "
            "WordPieces, or a file with one a line, such as vocab.txt of "
            "bert-base-uncased."
        )
    if isinstance(vocabulary, str):
        vocabulary = files.read_text(vocabulary).splitlines()
    # The uncased models were trained on text without accents; KerasHub keeps them
    # unless it is told.
    return cls(vocabulary, lowercase=lowercase, strip_accents=lowercase)


def _pool(family: str, backbone: Any, tokens: dict[str, Any]) -> Any:
    if family == "bert":
        segments = keras.ops.zeros_like(tokens["token_ids"])
        return backbone({**tokens, "segment_ids": segments})["pooled_output"]
    return keras.layers.Dense(
        backbone.hidden_dim,
        activation="relu",
        kernel_initializer=_truncated(),
        name="pooled_dense",
    )(backbone(tokens)[:, 0])


def _truncated() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


@keras.saving.register_keras_serializable(package="kd_keras")
class Tokens(keras.layers.Layer):
    """Cuts texts into tokens: [CLS], the text's, [SEP], [PAD] to a fixed length.

    Args:
      tokenizer: a `keras_hub.tokenizers.WordPieceTokenizer` with these tokens. Its
        vocabulary is saved inside the model.
      sequence_length: number of tokens of every text.

    Input: texts, string `[batch]`. Output: `token_ids`, int32, and `padding_mask`,
    bool, each `[batch, sequence_length]`.
    """

    def __init__(self, tokenizer: Any, sequence_length: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length

    def call(self, text: Any) -> dict[str, Any]:
        # Called eagerly, KerasHub's tokenizer would return lists.
        ids = tf.function(self.tokenizer)(text)
        ids = ids[:, : self.sequence_length - 2]
        start, end = self.tokenizer.start_token_id, self.tokenizer.end_token_id
        ends = tf.ones_like(text, tf.int32)[:, None]
        ids = tf.concat([start * ends, ids, end * ends], axis=1)
        mask = tf.sequence_mask(ids.row_lengths(), self.sequence_length)
        pad = self.tokenizer.pad_token_id
        shape = (None, self.sequence_length)
        return {"token_ids": ids.to_tensor(pad, shape=shape), "padding_mask": mask}

    def compute_output_spec(self, text: Any) -> dict[str, Any]:
        shape = (*text.shape, self.sequence_length)
        return {
            "token_ids": keras.KerasTensor(shape, "int32"),
            "padding_mask": keras.KerasTensor(shape, "bool"),
        }

    def build(self, input_shape: Any) -> None:
        """Builds nothing: a loaded model has no vocabulary yet when this is called."""

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            tokenizer=keras.saving.serialize_keras_object(self.tokenizer),
            sequence_length=self.sequence_length,
        )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Tokens":
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})
