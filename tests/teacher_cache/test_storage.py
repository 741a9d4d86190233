"""How logits lie in a file, byte by byte."""

import types

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax, logsumexp

from kd_keras import losses
from kd_keras.teacher_cache import HiddenStates, SampledIds, TopK
from kd_keras.teacher_cache.storage import Dense

RNG = np.random.default_rng(0)
# `[rows, time, classes]` of three sizes.
LOGITS = 3 * RNG.normal(size=(4, 2, 6)).astype("float32")


def as_bytes(rows):
    return np.frombuffer(rows.tobytes(), np.uint8).reshape(len(rows), -1)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [("uniform", 0.445846), ("renormalize", 1.386294)],
    ids=["uniform", "renormalize"],
)
def test_top_k_against_the_hand_calculation(tail, expected):
    # KL of the cached teacher to the uniform student: the reference case with k=1.
    storage = TopK(1, tail)
    rows = storage.encode(np.log(np.array([[0.7, 0.2, 0.06, 0.04]], np.float32)))
    logits = storage.decode(as_bytes(rows), (4,))
    loss = losses.kl_divergence(logits, tf.zeros((1, 4)), 1.0)
    # log(0.7) and log(0.3) have a float16 step of 2^-12 and 2^-10.
    np.testing.assert_allclose(loss, [expected], atol=5e-4)


def test_top_k_keeps_a_tiny_missing_mass():
    # log p of the others is -30 and -31 up to 1e-13: float32 mass would be 0.
    storage = TopK(1)
    logits = np.array([[0, -30, -31], [-31, 0, -30]], np.float32)
    rows = as_bytes(storage.encode(logits))
    others = -30 + np.log((1 + np.exp(-1)) / 2)
    expected = [[0, others, others], [others, 0, others]]
    np.testing.assert_allclose(
        storage.decode(rows, (3,)), expected, rtol=2**-11, atol=1e-6
    )


def test_top_k_of_tokens_in_a_large_vocabulary():
    storage = TopK(2, "renormalize")
    logits = np.zeros((1, 2, 70_000), np.float32)
    logits[0, 0, [5, 69_999]] = 30.0, 31.0
    logits[0, 1, [0, 66_000]] = 31.0, 30.0
    rows = as_bytes(storage.encode(logits))
    assert rows.shape == (1, 2 * (6 * 2 + 2))
    softmax = tf.nn.softmax(storage.decode(rows, (2, 70_000)))[0]
    larger = 1 / (1 + np.exp(-1))
    expected = [[1 - larger, larger], [larger, 1 - larger]]
    found = [tf.gather(softmax[0], [5, 69_999]), tf.gather(softmax[1], [0, 66_000])]
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 1, "tail": "zero"}], ids=str)
def test_top_k_refuses(options):
    with pytest.raises(ValueError, match="Received: "):
        TopK(**options)


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("float16", 2)])
def test_dense_logits_of_tokens(precision, size):
    storage = Dense(precision)
    rows = storage.encode(LOGITS)
    assert rows.dtype == np.dtype(precision).newbyteorder("<")
    assert as_bytes(rows).shape == (4, 2 * 6 * size)
    found = storage.decode(as_bytes(rows), (2, 6))
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, LOGITS.astype(precision).astype("float32"))


def test_what_a_storage_is_by_default():
    assert Dense() == Dense("float16")
    assert TopK(3) == TopK(3, "uniform")
    assert repr(SampledIds(3)) == "SampledIds(count=3, seed=0)"
    # They are keys of what a cache was made from.
    assert {repr(Dense()), repr(TopK(3))} == {
        "Dense(precision='float16')",
        "TopK(k=3, tail='uniform')",
    }
    assert len({Dense(), Dense("float32"), TopK(3), TopK(3)}) == 3
    assert len({SampledIds(3), SampledIds(3), SampledIds(3, 1), HiddenStates()}) == 3


@pytest.mark.parametrize("tail", ["uniform", "renormalize"])
def test_top_k_of_tokens(tail):
    storage = TopK(2, tail)
    rows = storage.encode(LOGITS)
    assert rows.shape == (4, 2)
    assert as_bytes(rows).shape == (4, 2 * (4 * 2 + 2))
    log_p = log_softmax(LOGITS.astype("float64"), -1)
    expected = np.empty(LOGITS.shape)
    for index in np.ndindex(4, 2):
        *others, second, first = np.argsort(log_p[index])
        kept = sorted(rows[index]["class"].tolist())
        assert kept == sorted([first, second])
        missing = logsumexp(log_p[index][others])
        assert rows[index]["log_missing"] == pytest.approx(missing, rel=2**-11)
        expected[index] = missing - np.log(4) if tail == "uniform" else -1e9
        expected[index][[first, second]] = log_p[index][[first, second]]
    found = storage.decode(as_bytes(rows), (2, 6))
    assert (found.shape, found.dtype) == (LOGITS.shape, "float32")
    np.testing.assert_allclose(found, expected, rtol=2**-10)


def test_a_class_of_log_probability_0_is_among_the_kept():
    # The probability of class 1 is 1 to float16: what is kept is told by its place.
    logits = np.array([[-40.0, 0.0, -40.0]], "float32")
    found = TopK(1, "renormalize").decode(as_bytes(TopK(1).encode(logits)), (3,))
    np.testing.assert_array_equal(found, [[-1e9, 0.0, -1e9]])


@pytest.mark.parametrize(
    ("classes", "index"), [(2**16 - 1, "<u2"), (2**16, "<u2"), (2**16 + 1, "<i4")]
)
def test_a_class_takes_2_bytes_up_to_65536_of_them(classes, index):
    logits = np.zeros((1, classes), "float32")
    logits[0, -1] = 20.0
    rows = TopK(1).encode(logits)
    assert rows["class"].dtype == np.dtype(index)
    assert rows["class"].tolist() == [[classes - 1]]
    found = TopK(1).decode(as_bytes(rows), (classes,))
    assert int(tf.argmax(found[0])) == classes - 1


@pytest.mark.parametrize(
    ("storage", "logits", "message"),
    [
        (Dense(), [[0.0, 70_000.0]], r"float16 cannot hold.* from 0\.0 to 70000\.0"),
        (Dense("float32"), [[0.0, np.nan]], "float32 cannot hold"),
        (TopK(1), [[0.0, 70_000.0]], r"cannot hold.* to 70000\.0"),
        (TopK(1), [[0.0, np.inf, 1.0]], "cannot hold"),
        (TopK(2), [[1.0, 0.0]], r"less than the teacher's 2 classes.*k=2"),
        (TopK(3), [[1.0, 0.0]], r"less than the teacher's 2 classes.*k=3"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_kept_is_refused(storage, logits, message):
    with pytest.raises(ValueError, match=message):
        storage.encode(np.array(logits, "float32"))


def test_one_broken_logit_among_sound_ones_is_found():
    logits = LOGITS.copy()
    logits[2, 1, 3] = 1e6
    with pytest.raises(ValueError, match="float16 cannot hold"):
        Dense().encode(logits)
    with pytest.raises(ValueError, match="cannot hold"):
        # Its log probabilities are beyond float16.
        TopK(1).encode(np.where(logits > 1e5, -1e6, logits) * [1, 1, 1, 1, 1, 1e5])


def test_the_smallest_k_is_1():
    assert TopK(1).k == 1
    with pytest.raises(ValueError, match=r"`k` must be at least 1.*k=0"):
        TopK(0)


def test_other_names_are_refused():
    with pytest.raises(ValueError, match=r"`precision` must be one of .*'float8'"):
        Dense("float8")
    with pytest.raises(ValueError, match=r"`tail` must be one of .*'zero'"):
        TopK(1, "zero")


def test_a_class_is_drawn_as_often_as_its_probability_says():
    probability = np.exp(log_softmax(LOGITS.astype("float64"), -1))
    for count in (1, 7, 50):
        drawn = SampledIds(count).encode(LOGITS)
        assert (drawn.shape, drawn.dtype) == ((4, 2, count), np.dtype("<u2"))
        numbers = np.stack([(drawn == c).sum(-1) for c in range(6)], axis=-1)
        # Points of distance 1 / count: less than one away.
        assert (np.abs(numbers - count * probability) < 1).all()
    seeds = [
        SampledIds(3, seed).decode(as_bytes(SampledIds(3, seed).encode(LOGITS)), (2, 6))
        for seed in range(500)
    ]
    shares = np.exp(seeds)
    # A share's variance is at most 1 / (4 * 3 ** 2), five standard errors of 500.
    np.testing.assert_allclose(shares.mean(0), probability, atol=5 / 6 / 500**0.5)


def test_drawn_ids_are_read_as_their_shares():
    # Sure of class 2: log 1, and no mass elsewhere.
    sure = np.float32([[0, 0, 90, 0]])
    rows = SampledIds(5).encode(sure)
    assert rows.tolist() == [[2] * 5]
    found = SampledIds(5).decode(as_bytes(rows), (4,))
    np.testing.assert_array_equal(found, [[-1e9, -1e9, 0, -1e9]])
    half = SampledIds(4).encode(np.zeros((1, 2), "float32"))
    found = SampledIds(4).decode(as_bytes(half), (2,))
    np.testing.assert_allclose(found, np.log([[0.5, 0.5]]), rtol=1e-6)


@pytest.mark.parametrize("start", [0.0, np.nextafter(1, 0)])
def test_the_ends_of_the_draw_meet_no_class_without_probability(monkeypatch, start):
    # The softmax of -1e4 is 0; a start of almost 1 is rounded to the end of the last.
    generator = types.SimpleNamespace(random=lambda: start)
    monkeypatch.setattr(np.random, "default_rng", lambda seed: generator)
    drawn = SampledIds(7).encode(np.float32([[-1e4, 0, 0, -1e4]]))
    # The points of seven are i / 7 or (i + 1) / 7, the second class begins at 1 / 2.
    expected = [1, 1, 1, 1, 2, 2, 2] if start == 0 else [1, 1, 1, 2, 2, 2, 2]
    assert drawn.tolist() == [expected]


def test_draws_depend_on_the_seed_and_the_row_alone():
    one, other = SampledIds(2, 1), SampledIds(2, 2)
    logits = RNG.normal(size=(50, 9)).astype("float32")
    whole = one.encode(logits)
    parts = [one.encode(logits[:20]), one.encode(logits[20:])]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert (whole != other.encode(logits)).any()


def test_drawn_ids_of_many_classes_take_4_bytes():
    logits = np.zeros((1, 2**16 + 1), "float32")
    logits[0, -1] = 30.0
    rows = SampledIds(2).encode(logits)
    assert rows.dtype == np.dtype("<i4")
    found = SampledIds(2).decode(as_bytes(rows), (2**16 + 1,))
    assert int(tf.argmax(found[0])) == 2**16


def test_what_cannot_be_drawn_from_is_refused():
    for options, message in (
        ({"count": 0}, "`count` must be an integer of 1 or more. Received: count=0"),
        ({"count": 2.5}, "Received: count=2.5"),
        ({"count": 2, "seed": -1}, "`seed` must be an integer of 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            SampledIds(**options)
    with pytest.raises(ValueError, match="cannot hold"):
        SampledIds(2).encode(np.float32([[0, np.inf]]))
