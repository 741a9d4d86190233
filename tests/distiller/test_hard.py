"""Which hard losses fit a head, and how each is divided, by hand."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax

from kd_keras.distiller import hard
from kd_keras.distiller.batch import Batch, Schedule
from kd_keras.distiller.hard import HardPart, check_hard_loss, hard_term
from kd_keras.distiller.outputs import Targets, make_output

losses = keras.losses
SPARSE = losses.SparseCategoricalCrossentropy(from_logits=True)
BINARY = losses.BinaryCrossentropy(from_logits=True)
LOGITS = np.float32([[1, 2, 4], [0, 3, 1], [5, 0, 0]])
LABELS = np.array([2, 0, 0])
HARD = -log_softmax(LOGITS, -1)[[0, 1, 2], LABELS]
WEIGHTS = np.float32([0.5, 2, 3])
MASK = np.array([True, False, True])


def from_logits(y_true, y_pred, from_logits=True):
    return ops.sum(y_pred, -1)


def named(name, default=True):
    def loss(y_true, y_pred, from_logits=default):
        return ops.sum(y_pred, -1)

    loss.__name__ = name
    return loss


@pytest.mark.parametrize(
    ("loss", "head"),
    [
        (None, "softmax"),
        (None, None),
        # An output without a head may have any loss.
        ("binary_crossentropy", None),
        (SPARSE, None),
        (SPARSE, "softmax"),
        (losses.CategoricalCrossentropy(from_logits=True), "softmax"),
        (BINARY, "sigmoid"),
        (losses.BinaryFocalCrossentropy(from_logits=True), "sigmoid"),
        (losses.CategoricalFocalCrossentropy(from_logits=True), "softmax"),
        (named("binary_loss"), "sigmoid"),
        (named("categorical_loss"), "softmax"),
        (named("sparse_categorical_loss"), "softmax"),
        # Of these nobody knows what they read.
        (named("my_loss"), "softmax"),
        (named("my_loss"), "sigmoid"),
        (named("binary_loss", None), "softmax"),
        ("mse", "softmax"),
        ("mse", "sigmoid"),
        (losses.MeanSquaredError(), "sigmoid"),
        (lambda y_true, y_pred: y_pred, "softmax"),
        (functools.partial(from_logits, from_logits=True), "softmax"),
    ],
)
def test_a_loss_that_fits(loss, head):
    assert check_hard_loss(loss, head) is None


SAYS = {
    "softmax": r"keras\.losses\.SparseCategoricalCrossentropy\(from_logits=True\)\.$",
    "one-hot": r"keras\.losses\.CategoricalCrossentropy\(from_logits=True\)\.$",
    "sigmoid": r"keras\.losses\.BinaryCrossentropy\(from_logits=True\)\.$",
}


@pytest.mark.parametrize(
    ("loss", "head", "advice"),
    [
        ("sparse_categorical_crossentropy", "softmax", "softmax"),
        ("categorical_crossentropy", "softmax", "one-hot"),
        ("CategoricalCrossentropy", "softmax", "one-hot"),
        (losses.CategoricalCrossentropy(), "softmax", "one-hot"),
        (losses.binary_crossentropy, "sigmoid", "sigmoid"),
        ("crossentropy", "sigmoid", "sigmoid"),
        ("ce", "softmax", "softmax"),
        ("kl_divergence", "softmax", "softmax"),
        ("KLDivergence", "softmax", "softmax"),
        (losses.KLDivergence(), "softmax", "softmax"),
        (losses.kl_divergence, "sigmoid", "sigmoid"),
        ("poisson", "softmax", "softmax"),
        (losses.Poisson(), "softmax", "softmax"),
        (named("my_loss", False), "sigmoid", "sigmoid"),
        (functools.partial(from_logits, from_logits=False), "softmax", "softmax"),
    ],
)
def test_a_loss_that_reads_probabilities_is_refused(loss, head, advice):
    with pytest.raises(ValueError, match=rf"reads probabilities, .*{SAYS[advice]}"):
        check_hard_loss(loss, head)


@pytest.mark.parametrize(
    ("loss", "head", "advice"),
    [
        (SPARSE, "sigmoid", "BinaryCrossentropy"),
        (losses.CategoricalCrossentropy(from_logits=True), "sigmoid", "BinaryCross"),
        (named("sparse_categorical_loss"), "sigmoid", "BinaryCrossentropy"),
        (BINARY, "softmax", "SparseCategoricalCrossentropy"),
        (named("binary_loss"), "softmax", "SparseCategoricalCrossentropy"),
        (
            functools.partial(named("binary_loss"), from_logits=True),
            "softmax",
            "SparseCategoricalCrossentropy",
        ),
    ],
)
def test_a_loss_of_another_head_is_refused(loss, head, advice):
    other = {"sigmoid": "softmax", "softmax": "sigmoid"}[head]
    message = (
        rf"applies a {other}, which contradicts head='{head}'.*Pass "
        rf"keras\.losses\.{advice}.*or set head='{other}'\."
    )
    with pytest.raises(ValueError, match=message):
        check_hard_loss(loss, head)


def output(labels=LABELS, student=LOGITS, head="softmax", **changes):
    given = {"weights": None, "mask": None, **changes}
    return make_output("a", head, [], student, labels, **given)


def numbers(term):
    return [float(x) for x in term]


def reduced(reduction):
    return losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean"])
def test_a_mean_is_over_the_valid_entries(reduction):
    term = hard_term(output(weights=WEIGHTS, mask=MASK), reduced(reduction))
    expected = 0.5 * HARD[0] + 3 * HARD[2]
    assert numbers(term) == pytest.approx([expected, 2, 2], rel=1e-6)


def test_a_sum_is_divided_by_nothing(monkeypatch):
    monkeypatch.setattr(hard, "replicas", lambda: 4)
    term = hard_term(output(weights=WEIGHTS, mask=MASK), reduced("sum"))
    # Each of four replicas brings a quarter of 1.
    expected = [0.5 * HARD[0] + 3 * HARD[2], 0.25, 2]
    assert numbers(term) == pytest.approx(expected, rel=1e-6)


def test_a_weighted_mean_is_divided_by_the_weights():
    loss = reduced("mean_with_sample_weight")
    term = hard_term(output(weights=WEIGHTS, mask=MASK), loss)
    expected = [0.5 * HARD[0] + 3 * HARD[2], 3.5, 2]
    assert numbers(term) == pytest.approx(expected, rel=1e-6)
    assert numbers(hard_term(output(), loss)) == pytest.approx([HARD.sum(), 3, 3])


@pytest.mark.parametrize("reduction", [None, "none"])
def test_an_unreduced_loss_is_refused(reduction):
    with pytest.raises(ValueError, match="must have a reduction"):
        hard_term(output(), reduced(reduction))


def test_a_class_that_the_loss_ignores_and_a_mask_count_both():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2)
    assert numbers(hard_term(output(), loss)) == pytest.approx(
        [HARD[1] + HARD[2], 2, 2], rel=1e-6
    )
    term = hard_term(output(mask=np.array([True, False, True])), loss)
    assert numbers(term) == pytest.approx([HARD[2], 1, 1], rel=1e-6)


def test_labels_of_a_single_logit_get_its_axis():
    def squares(y_true, y_pred):
        assert y_true.shape == y_pred.shape
        return ops.mean(ops.square(y_true - y_pred), -1)

    given = output(np.float32([1, 2, 3]), np.float32([[2], [4], [0]]))
    assert numbers(hard_term(given, squares)) == [1 + 4 + 9, 3, 3]


def test_labels_of_several_logits_are_left_alone():
    def of_ids(y_true, y_pred):
        assert (y_true.shape, y_pred.shape) == ((3,), (3, 3))
        return ops.cast(y_true, "float32") * y_pred[:, 1]

    # 2 * 2 and two labels of 0.
    assert numbers(hard_term(output(), of_ids)) == [4, 3, 3]

    def of_rows(y_true, y_pred):
        assert y_true.shape == y_pred.shape
        return ops.sum(y_true * y_pred, -1)

    one = output(np.float32([[2], [3], [4]]), np.float32([[2], [4], [0]]))
    assert numbers(hard_term(one, of_rows)) == [4 + 12, 3, 3]


def mean_of(y_true, y_pred):
    return ops.mean(y_pred)


def test_one_number_is_a_mean_over_the_batch():
    assert numbers(hard_term(output(), mean_of)) == pytest.approx([16 / 9 * 3, 3, 3])


@pytest.mark.parametrize("given", [{"weights": WEIGHTS}, {"mask": MASK}], ids=str)
def test_one_number_has_no_weights(given):
    with pytest.raises(ValueError, match=r"Received: mean_of, which gives a scalar"):
        hard_term(output(**given), mean_of)


def test_a_loss_in_another_dtype_is_summed_in_float32():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float16")
    term = hard_term(output(), loss)
    assert term.total.dtype == "float32"
    assert float(term.total) == pytest.approx(HARD.sum(), rel=2e-3)


def test_outputs_with_labels_and_a_loss_are_summed():
    names = {"a": LABELS, "b": LABELS, "c": None}
    outputs = [output(labels)._replace(name=n) for n, labels in names.items()]
    batch = Batch(outputs, Targets(None), Schedule(1.0, 0.25, 0))
    means = HardPart({"a": SPARSE, "c": SPARSE}, {"a": 2.0, "b": 3.0})(batch)
    assert [(m.name, m.scale, m.coefficient) for m in means] == [
        ("hard_loss", 2.0, 0.75)
    ]
    assert len(HardPart(SPARSE, None)(batch)) == 2
    with pytest.raises(ValueError, match="applies a sigmoid"):
        HardPart({"b": BINARY}, None)(batch)
    # Without a head nothing is known of what the output means.
    alone = batch._replace(outputs=[outputs[0]._replace(head=None)])
    assert len(HardPart(SPARSE, None)(alone)) == 1
    alone = batch._replace(outputs=[outputs[0]._replace(head="sigmoid")])
    with pytest.raises(ValueError, match="applies a softmax"):
        HardPart(SPARSE, None)(alone)
