"""The sums behind a mean, by hand; two replicas are in test_distribution.py."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distiller import reduction

VALUES = np.array([[1.0, 2, 4], [8, 16, 32]], "float32")
MASK = np.array([[True, True, False], [False, True, True]])


def numbers(term):
    return [float(x) for x in term]


def test_a_mean_divides_by_the_entries():
    assert numbers(reduction.mean_term(VALUES)) == [63, 6, 6]


def test_weights_do_not_enter_the_divisor():
    weights = np.array([0.5, 3.0], "float32")
    # 0.5 * 7 + 3 * 56, of one weight an example.
    assert numbers(reduction.mean_term(VALUES, weights)) == [171.5, 6, 6]
    assert numbers(reduction.mean_term(VALUES, weights[:, None])) == [171.5, 6, 6]
    each = np.array([[1, 0, 2], [0, 3, 0]], "float32")
    assert numbers(reduction.mean_term(VALUES, each)) == [1 + 8 + 48, 6, 6]


def test_what_the_mask_drops_does_not_count():
    assert numbers(reduction.mean_term(VALUES, mask=MASK)) == [1 + 2 + 16 + 32, 4, 4]
    infinite = np.where(MASK, VALUES, np.inf)
    weights = np.array([0.5, 3.0], "float32")
    found = numbers(reduction.mean_term(infinite, weights, MASK))
    assert found == [0.5 * 3 + 3 * 48, 4, 4]
    # One entry of the mask for a whole example.
    found = numbers(reduction.mean_term(VALUES, mask=np.array([False, True])))
    assert found == [56, 3, 3]


@pytest.mark.parametrize("name", ["weights", "mask"])
def test_what_tells_positions_apart_needs_a_value_for_each(name):
    given = {"weights": VALUES, "mask": MASK}[name]
    with pytest.raises(ValueError, match=r"shape \(2,\), .* of shape \(2, 3\)"):
        reduction.mean_term(VALUES[:, 0], **{name: given})
    # One entry an example has another rank only.
    assert reduction.align_to(given[:, :1], VALUES[:, 0]).shape == (2,)
    assert reduction.align_to(None, VALUES) is None


def test_entries_are_counted():
    assert float(reduction.count_valid(VALUES)) == 6
    assert float(reduction.count_valid(VALUES, MASK)) == 4
    assert float(reduction.count_valid(VALUES, MASK[:, :1])) == 3
    assert reduction.count_valid(VALUES).dtype == "float32"


def test_a_value_that_every_replica_has(monkeypatch):
    monkeypatch.setattr(reduction, "replicas", lambda: 4)
    # Of four replicas each adds a quarter to the value and to the divisor.
    assert numbers(reduction.replicated_term(6.0)) == [1.5, 0.25, 0]
    assert numbers(reduction.replicated_term(6.0, 3.0)) == [1.5, 0.25, 3]


def test_a_value_that_is_a_mean_already():
    term = reduction.own_mean_term(tf.constant(2.5), tf.constant(4.0))
    assert numbers(term) == [10, 4, 4]
    empty = reduction.own_mean_term(tf.constant(np.nan), tf.constant(0.0))
    assert numbers(empty) == [0, 0, 0]


def test_terms_are_divided_by_the_divisors_of_all_replicas(monkeypatch):
    # Another replica brings 6 / 1, 0 / 0 and 1 / 2.
    def of_two(tensors):
        return [t + o for t, o in zip(tensors, ([6.0, 0, 1], [1.0, 0, 2]), strict=True)]

    monkeypatch.setattr(reduction, "all_reduce", of_two)
    totals = [tf.Variable(v) for v in (2.0, 0.0, 4.0)]
    with tf.GradientTape() as tape:
        terms = [
            reduction.Term(tf.convert_to_tensor(total), divisor, 9.0)
            for total, divisor in zip(totals, (3.0, 0.0, 6.0), strict=True)
        ]
        shares, means = reduction.reduce_terms(terms)
        loss = tf.reduce_sum(shares)
    np.testing.assert_allclose(shares, [2 / 4, 0, 4 / 8])
    np.testing.assert_allclose(means, [8 / 4, 0, 5 / 8])
    # Through the shares alone: 1 over the divisor of all.
    np.testing.assert_allclose(tape.gradient(loss, totals), [0.25, 0, 0.125])


def test_one_replica_has_all():
    assert reduction.replicas() == 1
    tensors = [tf.constant(1.0), tf.constant([2.0])]
    assert reduction.all_reduce(tensors) is tensors
    assert reduction.all_gather(tensors) is tensors
    assert reduction.all_gather(None) is None
