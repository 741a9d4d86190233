"""Token-level distillation: by hand, in chunks as at once, and what is refused."""

import re

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr, softmax

from kd_keras import Distiller, losses
from kd_keras.datasets.tokens import next_tokens
from kd_keras.distiller import tokens
from kd_keras.distiller.chunks import sum_over_chunks

VOCABULARY, WIDTH, TIME = 7, 4, 5
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, VOCABULARY, (3, TIME))
LABELS = RNG.integers(0, VOCABULARY, (3, TIME))
# Rows of other lengths; the second row's third position is of its prompt.
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 0], [1, 0, 0, 0, 0]], bool)
WEIGHTS = np.array([2.0, 0.5, 3.0])
# Logits of all sizes, so that divergences are far above their rounding.
LARGE = keras.initializers.RandomNormal(stddev=1.0)
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def tied(seed, vocabulary=VOCABULARY, dtype=None):
    """A language model whose head is its embedding, as SmolLM2's."""
    keras.utils.set_random_seed(seed)
    embedding = keras.layers.ReversibleEmbedding(
        vocabulary, WIDTH, embeddings_initializer=LARGE, dtype=dtype
    )
    ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Dense(WIDTH, "tanh", dtype=dtype)(embedding(ids))
    return keras.Model(ids, embedding(hidden, reverse=True))


def untied(seed, vocabulary=VOCABULARY):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(vocabulary, 6, LARGE),
            keras.layers.Dense(
                vocabulary, kernel_initializer=LARGE, kernel_regularizer="l2"
            ),
        ]
    )


def step(time_chunk, student=tied, y=None, weights=WEIGHTS, run="eager", **settings):
    """The logs of one update, and the student's weights after it."""
    teacher = settings.pop("teacher", untied(1))
    distiller = Distiller(
        student=student(2),
        teacher=teacher,
        **{"alpha": 0.7, "temperature": 2.0, "time_chunk": time_chunk, **settings},
    )
    distiller.compile(
        keras.optimizers.SGD(0.5),
        SPARSE,
        run_eagerly=run == "eager",
        jit_compile=False,
    )
    y = {"labels": LABELS, "loss_mask": MASK} if y is None else y
    if np.ndim(weights) == 2:
        weights = dict.fromkeys(y, weights)  # Keras wants one for each entry of y.
    logs = distiller.train_on_batch(IDS, y, sample_weight=weights, return_dict=True)
    evaluated = distiller.evaluate(IDS, y, sample_weight=weights, verbose=0)
    return {**logs, "evaluated": evaluated}, distiller.student.get_weights()


def assert_same(one, other):
    assert one[0].keys() == other[0].keys()
    for name, value in one[0].items():
        np.testing.assert_allclose(value, other[0][name], rtol=1e-5, err_msg=name)
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"soft_loss": "kl", "run": "graph"},
        {"soft_loss": "reverse_kl", "student": untied},
        {"soft_loss": losses.GeneralizedJensenShannonLoss(0.3)},
        {"soft_loss": "decoupled", "weights": WEIGHTS[:, None] * [1, 0, 2, 1, 1]},
        {"teacher": [untied(1), tied(3)], "teacher_weights": [1, 3]},
    ],
    ids=lambda settings: "-".join(settings),
)
def test_chunks_give_the_loss_and_the_update_of_all_positions_at_once(settings):
    whole = step(None, **settings)
    # 5 positions: pieces of 2 leave one over, of 8 are longer than all.
    for chunk in (2, 8):
        assert_same(step(chunk, **settings), whole)


def test_chunks_without_a_mask_or_weights_and_in_a_graph():
    y = {"labels": LABELS, "temperature": np.array([1.0, 2.0, 5.0], "float32")}
    whole = step(None, y=y, weights=None)
    assert_same(step(5, y=y, weights=None), whole)
    assert_same(step(3, y=y, weights=None, run="graph"), whole)


def test_a_frozen_head_stays_and_the_rest_learns_the_same(monkeypatch):
    def frozen(seed):
        model = tied(seed)
        model.layers[1].trainable = False
        return model

    whole = step(None, student=frozen)
    seen = []

    def counted(sums, hidden, values, chunk, number):
        seen.append(len(values))
        return sum_over_chunks(sums, hidden, values, chunk, number)

    monkeypatch.setattr(tokens, "sum_over_chunks", counted)
    assert_same(step(2, student=frozen), whole)
    step(2, student=tied)
    # An update and an evaluation each: no gradient is made of what is not trained.
    assert seen == [0, 0, 1, 1]


def test_cached_logits_and_inputs_of_the_teacher_take_its_place():
    y = {"labels": LABELS, "loss_mask": MASK}
    whole = step(None)
    logits = untied(1)(IDS).numpy()
    assert_same(step(2, teacher=None, y={**y, "teacher_logits": logits}), whole)
    # The head of the teacher alone, which sees its hidden states.
    teacher = untied(1)
    hidden = teacher.layers[0](IDS).numpy()
    for chunk in (None, 2):
        cached = {**y, "teacher_inputs": hidden}
        assert_same(step(chunk, teacher=teacher.layers[-1], y=cached), whole)


def test_a_half_precision_student():
    def student(seed):
        return tied(seed, dtype="mixed_bfloat16")

    whole, chunked = step(None, student=student), step(2, student=student)
    for name in ("hard_loss", "soft_loss", "loss"):
        np.testing.assert_allclose(chunked[0][name], whole[0][name], rtol=1e-5)
    for a, b in zip(chunked[1], whole[1], strict=True):
        # bfloat16 has 8 bits: gradients of chunks are rounded before they are added.
        np.testing.assert_allclose(a, b, atol=0.02)


FORWARD, REVERSE, JENSEN_SHANNON = "kl", "reverse_kl", 0.25


@pytest.mark.parametrize("chunk", [None, 1, 2])
@pytest.mark.parametrize("soft_loss", [FORWARD, REVERSE, JENSEN_SHANNON])
def test_by_hand_with_unequal_weights_and_a_mask(soft_loss, chunk):
    # Two sequences of three positions; one padded at the end, one with a prompt.
    teacher = np.array([[0, 4, 2], [1, 3, 3]])[..., None] * np.array([1.0, 0, -0.5])
    student = np.array([[2, 1, 5], [0, 2, 1]])[..., None] * np.array([0.5, 1, 0])
    mask, weights = np.array([[1, 1, 0], [0, 1, 1]]), np.array([2.0, 3.0])
    labels, temperature = np.array([[0, 2, 1], [1, 1, 0]]), 2.0
    p, q = softmax(teacher / 2, -1), softmax(student / 2, -1)
    mixture = 0.25 * p + 0.75 * q
    soft = {
        FORWARD: rel_entr(p, q).sum(-1),
        REVERSE: rel_entr(q, p).sum(-1),
        JENSEN_SHANNON: (0.25 * rel_entr(p, mixture) + 0.75 * rel_entr(q, mixture)).sum(
            -1
        ),
    }[soft_loss]
    hard = -np.take_along_axis(log_softmax(student, -1), labels[..., None], -1)[..., 0]
    # Weights multiply and do not divide; four positions count.
    row_weights = mask * weights[:, None]
    expected_hard = (row_weights * hard).sum() / 4
    expected_soft = (row_weights * soft).sum() / 4 * temperature**2

    model = keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(3)])
    model.layers[-1].set_weights([np.eye(3), np.zeros(3)])
    if soft_loss == JENSEN_SHANNON:
        soft_loss = losses.GeneralizedJensenShannonLoss(0.25)
    distiller = Distiller(
        student=model, temperature=2.0, alpha=0.4, soft_loss=soft_loss, time_chunk=chunk
    )
    distiller.compile("sgd", SPARSE, run_eagerly=True)
    y = {"labels": labels, "loss_mask": mask, "teacher_logits": teacher}
    logs = distiller.test_on_batch(student, y, sample_weight=weights, return_dict=True)
    assert logs["hard_loss"] == pytest.approx(expected_hard, rel=1e-5)
    assert logs["soft_loss"] == pytest.approx(expected_soft, rel=1e-5)
    assert logs["loss"] == pytest.approx(
        0.6 * expected_hard + 0.4 * expected_soft, rel=1e-5
    )


def test_compiled_metrics_leave_out_what_the_mask_does():
    student = untied(2)
    right = student(IDS).numpy().argmax(-1)
    labels = np.where(MASK, right, (right + 1) % VOCABULARY)
    labels[0, 0] = (right[0, 0] + 1) % VOCABULARY
    distiller = Distiller(student=student, teacher=untied(1))
    distiller.compile("sgd", SPARSE, metrics=["accuracy"], run_eagerly=True)
    y = {"labels": labels, "loss_mask": MASK}
    logs = distiller.test_on_batch(IDS, y, return_dict=True)
    assert logs["accuracy"] == pytest.approx(8 / 9)


def test_the_next_token_of_what_is_neither_padding_nor_prompt_nor_ignored():
    tokens = np.array([[5, 6, 7, 8, 9, 0], [0, 5, 6, 3, 8, 2]])
    padding = np.array([[1, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1]])
    prompt = np.array([[1, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]])
    x, y = next_tokens(
        tokens, padding_mask=padding, prompt_mask=prompt, ignored_ids=[3]
    )
    np.testing.assert_array_equal(x, [[5, 6, 7, 8, 9], [0, 5, 6, 3, 8]])
    # Row 0: 6 is of the prompt, 0 is padding. Row 1: 5 follows padding, 3 is ignored.
    counts = [[0, 1, 1, 1, 0], [0, 1, 0, 1, 1]]
    np.testing.assert_array_equal(y["loss_mask"], np.array(counts, bool))
    np.testing.assert_array_equal(y["labels"], [[0, 7, 8, 9, 0], [0, 6, 0, 8, 2]])
    x, y = next_tokens(tokens)
    np.testing.assert_array_equal(y["labels"], tokens[:, 1:])
    assert y["loss_mask"].numpy().all()
    with pytest.raises(ValueError, match=r"at least 2 tokens.*\(3, 1\)"):
        next_tokens(tokens.reshape(-1, 1)[:3])


@pytest.mark.parametrize("chunk", [None, 2])
def test_another_vocabulary_is_refused_with_both_sizes(chunk):
    with pytest.raises(ValueError, match=r"teacher of 1,100 tokens, a student of 7\."):
        step(chunk, teacher=untied(1, 1100))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time_chunk": 0}, r"time_chunk=0"),
        ({"time_chunk": 2.5}, r"time_chunk=2.5"),
        ({"soft_loss": "dist"}, r"with 'DistLoss', which compares positions"),
        ({"hints": [losses.FeatureHint("a", "b")]}, r"with 'b_hint'"),
    ],
)
def test_what_has_no_chunks_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Distiller(**{"student": untied(2), "time_chunk": 2, **settings})


def test_a_student_that_cannot_be_cut_before_its_head_is_refused():
    inputs = keras.Input((3, 2))
    recurrent = keras.layers.LSTM(2, return_sequences=True)(inputs)
    with pytest.raises(ValueError, match=r"`student` must be .*a LSTM as last layer"):
        Distiller(student=keras.Model(inputs, recurrent), time_chunk=2)


@pytest.mark.parametrize("shape", [(4,), (5, 5, 4)])
def test_logits_that_are_no_sequence_are_refused(shape):
    student = keras.Sequential([keras.Input(shape), keras.layers.Dense(3)])
    logits = re.escape(str((None, *shape[:-1], 3)))
    with pytest.raises(ValueError, match=rf"\[batch, time, vocabulary\].*{logits}"):
        Distiller(student=student, time_chunk=2)


def test_the_size_of_chunks_is_saved():
    distiller = Distiller(student=untied(2), time_chunk=2)
    assert Distiller.from_config(distiller.get_config()).time_chunk == 2


def test_metrics_and_sums_are_refused_in_chunks():
    distiller = Distiller(student=untied(2), time_chunk=2)
    with pytest.raises(ValueError, match=r"`metrics` read all logits.*\['accuracy'\]"):
        distiller.compile("sgd", SPARSE, metrics=["accuracy"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    with pytest.raises(ValueError, match=r"reduction='sum'"):
        distiller.compile("sgd", loss)
