"""Log-likelihoods of tokens, against a chain of conditional probabilities by hand."""

import itertools

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from kd_keras.models import likelihood

# p(next | this) of three tokens: a Markov chain is a language model.
LOGITS = np.float32([[0, 1, 2], [3, 0, 0], [1, 1, 4]])


@pytest.fixture(scope="module")
def chain():
    ids = keras.Input((None,), dtype="int32")
    embedding = keras.layers.Embedding(3, 3)
    model = keras.Model(ids, embedding(ids))
    embedding.set_weights([LOGITS])
    return model


def by_hand(tokens):
    table = log_softmax(LOGITS, axis=1)
    return [table[a, b] for a, b in itertools.pairwise(tokens)]


@pytest.mark.parametrize("positions", [1, 7, 2048])
def test_every_token_in_the_order_of_the_sequences(chain, positions):
    sequences = [[0, 1, 2, 2, 1], [2, 0], [1, 1, 0], [0, 2]]
    found = likelihood.token_log_likelihoods(chain, sequences, positions=positions)
    for tokens, row in zip(sequences, found, strict=True):
        np.testing.assert_allclose(row, by_hand(tokens), rtol=1e-5)


def test_what_stands_before_the_first_token(chain):
    (row,) = likelihood.token_log_likelihoods(chain, [[2, 1]], start=1)
    np.testing.assert_allclose(row, by_hand([1, 2, 1]), rtol=1e-5)


@pytest.mark.parametrize(("start", "short"), [(None, [1]), (0, [])])
def test_too_short_a_text_is_named(chain, start, short):
    with pytest.raises(ValueError, match=r"two without `start`.*sequences\[1\] of"):
        likelihood.token_log_likelihoods(chain, [[0, 1], short], start=start)


def test_dropout_is_off():
    ids = keras.Input((None,), dtype="int32")
    embedding = keras.layers.Embedding(3, 3)
    model = keras.Model(ids, keras.layers.Dropout(0.9)(embedding(ids)))
    embedding.set_weights([LOGITS])
    (row,) = likelihood.token_log_likelihoods(model, [[0, 1, 2]])
    np.testing.assert_allclose(row, by_hand([0, 1, 2]), rtol=1e-5)
