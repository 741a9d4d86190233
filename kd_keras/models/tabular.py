"""Models of numeric and categorical features: an MLP, and wide and deep."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from kd_keras.models import layers


def build_mlp(
    features: Mapping[str, tf.TensorSpec],
    num_classes: int,
    *,
    hidden_units: Sequence[int] = (256, 128),
    dropout: float = 0.0,
    num_bins: int = 1000,
    embedding_dim: int = 8,
    reads: Sequence[str] = (),
    name: str | None = None,
) -> keras.Model:
    """Dense layers over standardized numbers and embedded categories.

    Nothing has to be fitted to the data beforehand: batch normalization standardizes
    the numbers, and categories are hashed, unseen ones too.

    Args:
      features: feature -> its spec, a scalar or a vector: floats are numbers, strings
        and integers categories. Of a vector of categories the mean embedding counts;
        "" and -1 in it are no values.
      num_classes: number of logits.
      hidden_units: widths of the hidden layers.
      dropout: dropout rate after each of them.
      num_bins: number of hash bins of a categorical feature.
      embedding_dim: width of a category's embedding.
      reads: the features that count, "age_missing" beside "age"; none means all. A
        teacher may read what a student will not have when it is served (Lopez-Paz et
        al. 2016, https://arxiv.org/abs/1511.03643); the export asks for what is read
        alone.
      name: name of the model.

    Returns:
      A model from a dict of features, each `[batch]`, to logits
      `[batch, num_classes]`.

    Raises:
      ValueError: if a feature is no scalar or vector, or neither number nor category,
        or `reads` names one that is not there.
    """
    inputs = _inputs(features, reads, most=1)
    x = _deep(_read(inputs, reads), hidden_units, dropout, num_bins, embedding_dim)
    logits = layers.logits(x, num_classes)
    return keras.Model(inputs, logits, name=name or "mlp")


def build_wide_and_deep(
    features: Mapping[str, tf.TensorSpec],
    num_classes: int,
    *,
    hidden_units: Sequence[int] = (1024, 512, 256),
    dropout: float = 0.0,
    num_bins: int = 1000,
    embedding_dim: int = 32,
    reads: Sequence[str] = (),
    name: str | None = None,
) -> keras.Model:
    """A deep part as in `build_mlp` and a linear part over categories and their pairs.

    Args:
      features: as in `build_mlp`, scalars alone.
      num_classes: number of logits.
      hidden_units: widths of the deep part's hidden layers.
      dropout: dropout rate after each of them.
      num_bins: number of hash bins of a categorical feature, and of a pair of them.
      embedding_dim: width of a category's embedding in the deep part.
      reads: as in `build_mlp`.
      name: name of the model.

    Returns:
      A model from a dict of features, each `[batch]`, to logits
      `[batch, num_classes]`.

    Raises:
      ValueError: as `build_mlp`.

    Source: Cheng et al. 2016, https://arxiv.org/abs/1606.07792, sections 3 and 4.
    """
    inputs = _inputs(features, reads, most=0)
    read = _read(inputs, reads)
    deep = _deep(read, hidden_units, dropout, num_bins, embedding_dim)
    terms = [layers.logits(deep, num_classes)]
    categories = [x for x in read.values() if not _is_number(x)]
    bins = [keras.layers.Hashing(num_bins)(x) for x in categories]
    bins += [
        keras.layers.HashedCrossing(num_bins)(pair)
        for pair in itertools.combinations(categories, 2)
    ]
    # A linear layer over one-hot bins.
    terms += [keras.layers.Embedding(num_bins, num_classes, "zeros")(x) for x in bins]
    logits = keras.layers.Add(dtype="float32")(terms) if bins else terms[0]
    return keras.Model(inputs, logits, name=name or "wide_and_deep")


def _inputs(
    features: Mapping[str, tf.TensorSpec], reads: Sequence[str], most: int
) -> dict[str, Any]:
    """Inputs of all features; those that are read must have at most this rank."""
    unknown = sorted({*reads} - {*features})
    if isinstance(reads, str) or unknown:
        raise ValueError(
            f"`reads` must be a list of features, of {list(features)}. Received: "
            f"{reads!r}."
        )
    for name in reads or features:
        feature = features[name]
        dtype = feature.dtype
        known = dtype.is_floating or dtype.is_integer or dtype == tf.string
        if feature.shape.rank not in range(most + 1) or not known:
            kinds = ("scalar features", "scalar features and vectors")[most]
            raise ValueError(
                f"This tabular model takes {kinds}, floats as numbers, strings and "
                f"integers as categories. Received: {name!r}: {feature}."
            )
    return {
        name: keras.Input(tuple(feature.shape), name=name, dtype=feature.dtype.name)
        for name, feature in features.items()
    }


def _read(inputs: Mapping[str, Any], reads: Sequence[str]) -> dict[str, Any]:
    return {name: x for name, x in inputs.items() if not reads or name in reads}


def _is_number(x: Any) -> bool:
    return "float" in x.dtype


def _deep(
    inputs: Mapping[str, Any],
    hidden_units: Sequence[int],
    dropout: float,
    num_bins: int,
    embedding_dim: int,
) -> Any:
    # Each number by itself: int8 has one scale for what is joined, in which dollars
    # would leave no step for years.
    columns = [_standardized(x) for x in inputs.values() if _is_number(x)]
    for feature, x in inputs.items():
        if not _is_number(x):
            plain = feature.isascii() and feature.isidentifier()
            name = (
                f"embedded_{feature}" if plain else None
            )  # TensorFlow takes no other.
            embedding = keras.layers.Embedding(num_bins, embedding_dim, name=name)
            columns.append(_embedded(x, embedding, num_bins))
    x = keras.ops.concatenate(columns, axis=-1)
    for units in hidden_units:
        x = keras.layers.Dense(units, activation="relu")(x)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    return x


def _standardized(x: Any) -> Any:
    column = keras.ops.expand_dims(x, -1) if x.ndim == 1 else x
    return keras.layers.BatchNormalization()(column)


def _embedded(x: Any, embedding: Any, num_bins: int) -> Any:
    """The embedding of a category, or the mean one of a vector of categories."""
    if x.ndim == 1:
        return embedding(keras.layers.Hashing(num_bins)(x))
    missing = "" if x.dtype == "string" else -1
    # The first bin is that of missing values alone.
    bins = keras.layers.Hashing(num_bins, mask_value=missing)(x)
    seen = keras.ops.expand_dims(keras.ops.cast(bins > 0, "float32"), -1)
    total = keras.ops.sum(seen * embedding(bins), axis=1)
    return total / keras.ops.maximum(keras.ops.sum(seen, axis=1), 1.0)
