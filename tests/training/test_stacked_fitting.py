"""A stack is fitted batch by batch, measured, and goes on from its backup."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax, softmax

from kd_keras import Distiller, teacher_cache, training
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.distiller.supervised import Supervised
from kd_keras.training import Member, stacked_fitting

SPEC = DatasetSpec(
    "points", {"x": tf.TensorSpec((2,), tf.float32)}, "y", ("no", "yes"), {}
)
SIZES = {"train": 10, "validation": 7}
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
KERNELS = [np.array([[1.0, 0], [0, 1]]), np.array([[0.0, 2], [1, -1]])]
MEMBERS = [Member("one", 0), Member("two", 1)]


def columns(split):
    draw = np.random.default_rng(SIZES[split])
    x = draw.normal(size=(SIZES[split], 2)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


@pytest.fixture(scope="module")
def dataset():
    splits = {}
    for name, size in SIZES.items():
        x, y = columns(name)
        rows = {"x": x, "y": y, "id": [f"{name}{i}" for i in range(size)]}
        splits[name] = tf.data.Dataset.from_tensor_slices(rows)
    return Dataset(SPEC, splits)


def student(kernel):
    inputs = keras.Input((2,))
    layer = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([kernel])
    return model


def stack(kernels=KERNELS, make=Supervised):
    trainers = [make(student=student(kernel)) for kernel in kernels]
    for trainer in trainers:
        trainer.compile(keras.optimizers.SGD(0.5), SPARSE, jit_compile=False)
    return training.Stack(trainers[0], [training.state_of(t) for t in trainers])


def fit(dataset, path, members=MEMBERS, made=None, **options):
    """What is fitted, and its history."""
    made = stack(KERNELS[: len(members)]) if made is None else made
    options = {"epochs": 1, "batch_size": 4, **options}
    return made, training.fit_stack(made, members, dataset, path=str(path), **options)


def descended(kernel):
    """The kernel after an epoch in the order of the file, and the mean loss."""
    x, y = columns("train")
    total = 0.0
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        logits = x[rows] @ kernel
        total -= log_softmax(logits, -1)[range(len(logits)), y[rows]].sum()
        error = softmax(logits, -1) - np.eye(2)[y[rows]]
        kernel = kernel - 0.5 * x[rows].T @ error / len(error)
    return kernel, total / SIZES["train"]


def test_without_shuffling_it_is_gradient_descent_in_the_order_of_the_file(
    dataset, tmp_path
):
    made, history = fit(dataset, tmp_path / "b.npz", shuffle_buffer=1)
    x, y = columns("validation")
    for i, kernel in enumerate(KERNELS):
        expected, loss = descended(kernel)
        (found,) = made.student(i).get_weights()
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        measured = -log_softmax(x @ expected, -1)[range(len(y)), y].mean()
        assert [set(logs) for logs in history[i]] == [{"loss", "val_loss"}]
        assert history[i][0]["loss"] == pytest.approx(loss, rel=1e-5)
        assert history[i][0]["val_loss"] == pytest.approx(measured, rel=1e-5)
    shuffled, _ = fit(dataset, tmp_path / "s.npz")
    (found,) = shuffled.student(1).get_weights()
    assert np.abs(found - descended(KERNELS[1])[0]).max() > 1e-3


def test_the_logits_of_a_split_of_several_batches(dataset, tmp_path, monkeypatch):
    # Of 3, 3 and 1.
    monkeypatch.setattr(stacked_fitting, "EVALUATION_BATCH", 3)
    seen = {}

    def measure(epoch, member, logits):
        seen[epoch, member] = logits
        return {"mine": 10.0 * epoch + member}

    made, history = fit(dataset, tmp_path / "b.npz", epochs=2, measure=measure)
    assert list(seen) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for i in range(2):
        assert [logs["mine"] for logs in history[i]] == [i, 10.0 + i]
        logits = columns("validation")[0] @ made.student(i).get_weights()[0]
        np.testing.assert_allclose(seen[1, i], logits, rtol=1e-5, atol=1e-6)


def test_it_goes_on_behind_the_last_epoch_of_its_backup(dataset, tmp_path):
    path = tmp_path / "b.npz"

    def further(members, epochs):
        seen = []

        def end(epoch, history):
            seen.append((epoch, [len(logs) for logs in history]))

        _, history = fit(dataset, path, members, epochs=epochs, on_epoch_end=end)
        return seen, history

    seen, first = further(MEMBERS, 2)
    assert seen == [(0, [1, 1]), (1, [2, 2])]
    assert training.members_of_backup(str(path)) == ["one", "two"]
    seen, history = further(MEMBERS, 3)
    assert seen == [(2, [3, 3])]
    assert [logs[:2] for logs in history] == [logs[:2] for logs in first]
    # Some of its members; and one that it has not, for which all begin anew.
    seen, rest = further(MEMBERS[1:], 3)
    assert (seen, rest) == ([], history[1:])
    assert further([MEMBERS[0], Member("three", 2)], 1)[0] == [(0, [1, 1])]


def with_about(path, change):
    with np.load(path) as arrays:
        arrays = dict(arrays)
    about = json.loads(str(arrays.pop("about")))
    change(about, arrays)
    np.savez(path, about=np.array(json.dumps(about)), **arrays)


def pickle_about(path):
    with np.load(path) as arrays:
        arrays = dict(arrays)
    np.savez(path, **arrays | {"about": arrays["about"].astype(object)})


@pytest.mark.parametrize(
    "damage",
    [
        pickle_about,
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: np.savez(path, state0=np.zeros(2)),
        lambda path: with_about(path, lambda about, _: about["history"].pop()),
        lambda path: with_about(
            path, lambda _, arrays: arrays.update(state0=np.zeros((2, 3, 3)))
        ),
        lambda path: with_about(
            path, lambda _, arrays: arrays.update(state0=np.zeros((1, 2, 2)))
        ),
        lambda path: with_about(
            path, lambda _, arrays: arrays.pop(f"state{len(arrays) - 1}")
        ),
    ],
    ids=["pickled", "cut", "empty", "no text", "logs", "shape", "members", "fewer"],
)
def test_a_backup_that_cannot_be_used_is_named(dataset, tmp_path, damage):
    path = tmp_path / "b.npz"
    fit(dataset, path)
    damage(path)
    with pytest.raises(ValueError, match=rf"The backup {path} cannot be used: .*"):
        fit(dataset, path)


@pytest.fixture(scope="module")
def caches(dataset, tmp_path_factory):
    keras.utils.set_random_seed(0)
    return tuple(
        teacher_cache.build(
            str(tmp_path_factory.mktemp(split)),
            student(4 * KERNELS[0]),
            dataset.splits[split],
            SPEC,
            storage="float32",
        )
        for split in ("validation", "train")
    )


def test_members_of_one_cache_learn_from_it(dataset, tmp_path, caches):
    members = [Member(name, seed, caches) for name, seed, _ in MEMBERS]
    made = stack(make=lambda student: Distiller(student=student, temperature=2.0))
    _, history = fit(dataset, tmp_path / "b.npz", members, made)
    x, _ = columns("validation")
    log_p = log_softmax(x @ (4 * KERNELS[0]) / 2, -1)
    for i in range(2):
        log_q = log_softmax(x @ made.student(i).get_weights()[0] / 2, -1)
        expected = 4 * (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()
        assert history[i][0]["val_soft_loss"] == pytest.approx(expected, rel=1e-4)


def test_what_cannot_be_fitted_is_refused(dataset, tmp_path, caches):
    with pytest.raises(ValueError, match=r"`epochs` must be at least 1.*: 0\."):
        fit(dataset, tmp_path / "b.npz", epochs=0)
    some = [Member("one", 0, caches), Member("two", 1)]
    with pytest.raises(ValueError, match=r"must all have caches.*: 1 of 2 with cach"):
        fit(dataset, tmp_path / "b.npz", some)
