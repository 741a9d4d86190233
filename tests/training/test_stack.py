"""A member of a stack ends where it would have ended alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import Distiller, models, teacher_cache, training
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.datasets.batches import GROUPS, WEIGHT
from kd_keras.distiller.supervised import Supervised
from kd_keras.mitigation import GroupDRO
from kd_keras.training import Member

FEATURES = {
    "age": tf.TensorSpec((), tf.float32),
    "job": tf.TensorSpec((), tf.string),
    "skills": tf.TensorSpec((3,), tf.string),
    "region": tf.TensorSpec((), tf.int64),
}
SPEC = DatasetSpec(
    "people", FEATURES, "label", ("no", "yes"), {"sex": ("a", "b")}, example_id="id"
)
# The last batch of an epoch is smaller.
BATCH = 16
SIZES = {"train": 73, "validation": 40}


def _split(size, seed):
    draw = np.random.default_rng(seed)
    columns = {
        "age": draw.normal(40, 10, size).astype(np.float32),
        "job": draw.choice(["cook", "clerk", "nurse"], size),
        "skills": draw.choice(["x", "y", ""], (size, 3)),
        "region": draw.integers(0, 4, size),
        "sex": draw.integers(0, 2, size),
        "id": np.array([f"{seed}-{i}" for i in range(size)]),
    }
    columns["label"] = (columns["age"] > 40).astype(np.int64)
    return tf.data.Dataset.from_tensor_slices(columns)


@pytest.fixture(scope="module")
def dataset():
    splits = {name: _split(size, i) for i, (name, size) in enumerate(SIZES.items())}
    return Dataset(SPEC, splits)


@pytest.fixture(scope="module")
def caches(dataset, tmp_path_factory):
    """Seed -> logits of its teacher for the splits validation and train."""
    found = {}
    for seed in (0, 1):
        keras.utils.set_random_seed(100 + seed)
        teacher = models.build("mlp", FEATURES, 2, hidden_units=(8,))
        # Logits far from zero, so that T matters.
        teacher.layers[-1].kernel.assign(5.0 * teacher.layers[-1].kernel)
        found[seed] = tuple(
            teacher_cache.build(
                str(tmp_path_factory.mktemp("cache")),
                teacher,
                dataset.splits[split],
                SPEC,
                storage="float32",
            )
            for split in ("validation", "train")
        )
    return found


def _student(seed, dropout=0.0):
    keras.utils.set_random_seed(seed)
    return models.build("mlp", FEATURES, 2, hidden_units=(6,), dropout=dropout)


def _compiled(trainer, optimizer):
    trainer.compile(
        optimizer(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    return trainer


def _adam():
    # Its rate changes from step to step.
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 15))


OPTIMIZERS = {
    "adam": _adam,
    "adamw": lambda: keras.optimizers.AdamW(1e-2, weight_decay=0.1),
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
}
SETTINGS = [(0, 1.0, 0.8), (1, 1.0, 0.8), (0, 4.0, 0.5), (1, 10.0, 1.0)]


def _distilled(setting, optimizer=_adam, **options):
    seed, temperature, alpha = setting
    student = _student(seed, options.pop("dropout", 0.0))
    distiller = Distiller(
        student=student, temperature=temperature, alpha=alpha, **options
    )
    return _compiled(distiller, optimizer)


def _members(caches, settings=SETTINGS):
    return [Member(str(s), s[0], caches[s[0]]) for s in settings]


def _fit_stack(dataset, caches, make, path, epochs=2, settings=SETTINGS, **options):
    trainers = [make(setting) for setting in settings]
    stack = training.Stack(trainers[0], [training.state_of(t) for t in trainers])
    history = training.fit_stack(
        stack,
        _members(caches, settings),
        dataset,
        path=str(path),
        epochs=epochs,
        batch_size=BATCH,
        **options,
    )
    return stack, history


def _fit_alone(dataset, caches, trainer, seed, directory, epochs=2):
    splits = dict(dataset.splits)
    cache = None
    if caches:
        cache = caches[seed][1]
        splits["validation"] = caches[seed][0].join(splits["validation"])
    return training.fit(
        trainer,
        Dataset(SPEC, splits),
        directory=str(directory),
        epochs=epochs,
        batch_size=BATCH,
        seed=seed,
        cache=cache,
    )


def _state(trainer):
    counted = {id(variable) for variable in trainer.metrics_variables}
    own = [variable for variable in trainer.variables if id(variable) not in counted]
    return own + trainer.optimizer.variables


def _begin_as(trainer, fresh):
    """Makes a trainer what another one is, so that its step is traced once."""
    trainer.optimizer.build(trainer.trainable_variables)
    fresh.optimizer.build(fresh.trainable_variables)
    for variable, value in zip(_state(trainer), _state(fresh), strict=True):
        variable.assign(value)


def _logits(model, dataset):
    batch = next(iter(dataset.splits["train"].batch(SIZES["train"])))
    return model(SPEC.inputs(batch), training=False).numpy()


def _assert_alike(dataset, caches, make, tmp_path, **options):
    stack, histories = _fit_stack(
        dataset, caches, make, tmp_path / "backup.npz", **options
    )
    alone = make(SETTINGS[0])
    begin = _logits(alone.student, dataset)
    for i, setting in enumerate(SETTINGS):
        _begin_as(alone, make(setting))
        history = _fit_alone(dataset, caches, alone, setting[0], tmp_path / str(i))
        expected = _logits(alone.student, dataset)
        np.testing.assert_allclose(
            _logits(stack.student(i), dataset), expected, rtol=0, atol=1e-5
        )
        assert np.abs(expected - begin).max() > 0.01
        for one, two in zip(histories[i], history, strict=True):
            assert one == pytest.approx(two, abs=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_distilled_members(dataset, caches, tmp_path, optimizer):
    def make(setting):
        return _distilled(setting, OPTIMIZERS[optimizer])

    _assert_alike(dataset, caches, make, tmp_path)


def test_members_with_a_regularizer(dataset, caches, tmp_path):
    def make(setting):
        keras.utils.set_random_seed(setting[0])
        regular = keras.regularizers.L2(0.1)
        inputs = keras.Input((), name="age")
        x = keras.layers.Reshape((1,))(inputs / 40.0)
        logits = keras.layers.Dense(2, kernel_regularizer=regular)(x)
        student = keras.Model({"age": inputs}, logits)
        distiller = Distiller(student=student, temperature=setting[1])
        return _compiled(distiller, _adam)

    _assert_alike(dataset, caches, make, tmp_path)


def test_members_with_dropout(dataset, caches, tmp_path):
    def make(setting):
        return _distilled(setting, dropout=0.3)

    _assert_alike(dataset, caches, make, tmp_path)


def test_members_with_weights_and_groups(dataset, caches, tmp_path):
    def given(example):
        code = example["sex"]
        return {**example, GROUPS: code, WEIGHT: tf.cast(code, tf.float32) + 0.5}

    def make(setting):
        loss = GroupDRO(groups=2, classes=2, eta=0.5, alpha=setting[2])
        return _distilled((*setting[:2], 1.0), soft_loss=loss)

    # alpha is an argument of the loss, and the same for all members.
    settings = [(seed, temperature, 0.8) for seed, temperature, _ in SETTINGS]
    splits = {name: split.map(given) for name, split in dataset.splits.items()}
    weighted = Dataset(SPEC, splits)
    stack, _ = _fit_stack(weighted, caches, make, tmp_path / "b.npz", settings=settings)
    alone = make(SETTINGS[0])
    for i, setting in enumerate(settings):
        _begin_as(alone, make(setting))
        _fit_alone(weighted, caches, alone, setting[0], tmp_path / str(i))
        np.testing.assert_allclose(
            _logits(stack.student(i), dataset),
            _logits(alone.student, dataset),
            rtol=0,
            atol=1e-5,
        )


def test_members_without_a_teacher(dataset, tmp_path):
    def make(setting):
        return _compiled(Supervised(_student(setting[0])), _adam)

    trainers = [make(setting) for setting in SETTINGS[:2]]
    stack = training.Stack(trainers[0], [training.state_of(t) for t in trainers])
    members = [Member(str(seed), seed) for seed in (0, 1)]
    path = str(tmp_path / "b.npz")
    training.fit_stack(stack, members, dataset, path=path, epochs=2, batch_size=BATCH)
    for seed in (0, 1):
        # As a study trains it: without kd_keras.
        alone = _compiled(_student(seed), _adam)
        _fit_alone(dataset, None, alone, seed, tmp_path / str(seed))
        np.testing.assert_allclose(
            _logits(stack.student(seed), dataset),
            _logits(alone, dataset),
            rtol=0,
            atol=1e-5,
        )


def test_some_members_go_on_after_a_kill(dataset, caches, tmp_path):
    path = tmp_path / "b.npz"

    def crash(epoch, history):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        _fit_stack(dataset, caches, _distilled, path, 3, on_epoch_end=crash)
    assert training.members_of_backup(str(path)) == [str(s) for s in SETTINGS]
    whole, expected = _fit_stack(dataset, caches, _distilled, tmp_path / "w.npz", 3)
    left = [3, 1]
    settings = [SETTINGS[i] for i in left]
    rest, found = _fit_stack(dataset, caches, _distilled, path, 3, settings)
    for i, index in enumerate(left):
        assert len(found[i]) == 3
        for one, two in zip(found[i], expected[index], strict=True):
            assert one == pytest.approx(two, abs=1e-6)
        np.testing.assert_allclose(
            _logits(rest.student(i), dataset),
            _logits(whole.student(index), dataset),
            rtol=0,
            atol=1e-6,
        )


def test_what_is_measured_joins_the_logs(dataset, caches, tmp_path):
    seen = []

    def measure(epoch, member, logits):
        seen.append((epoch, member, logits.shape))
        return {"val_mine": float(member)}

    _, history = _fit_stack(
        dataset, caches, _distilled, tmp_path / "b.npz", 1, measure=measure
    )
    assert seen == [(0, i, (SIZES["validation"], 2)) for i in range(len(SETTINGS))]
    assert [logs[0]["val_mine"] for logs in history] == [0.0, 1.0, 2.0, 3.0]


def _with_activity():
    student = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, activity_regularizer="l2")]
    )
    return _compiled(Distiller(student=student), _adam)


def _with_teacher():
    return _distilled(SETTINGS[0], teacher=_student(5))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: _compiled(_student(0), _adam), "has a train_step of its own"),
        (_with_teacher, "its teacher runs in every step"),
        (_with_activity, "has an activity regularizer"),
        (
            lambda: _distilled(SETTINGS[0], lambda: keras.optimizers.Lamb(1e-3)),
            "the optimizer Lamb may update entries together",
        ),
        (
            lambda: _distilled(SETTINGS[0], lambda: keras.optimizers.SGD(clipnorm=1.0)),
            "the optimizer.s clipnorm is of a whole model",
        ),
    ],
)
def test_what_cannot_be_stacked_is_refused(make, why):
    trainer = make()
    with pytest.raises(ValueError, match=f"`trainer` cannot be stacked: .*{why}"):
        training.Stack(trainer, [training.state_of(trainer)])


class Adding(keras.layers.Layer):
    """Adds to the loss, in its call."""

    def call(self, x):
        self.add_loss(keras.ops.mean(x))
        return x


def test_a_layer_that_adds_a_loss_is_refused():
    inputs = keras.Input((2,))
    regular = keras.layers.Dense(2, kernel_regularizer="l2")
    batch = [np.zeros((1, 3, 2), "float32"), np.zeros((1, 3), int)]
    for layers, refused in (((regular,), False), ((Adding(), regular), True)):
        x = inputs
        for layer in layers:
            x = layer(x)
        trainer = _compiled(Supervised(keras.Model(inputs, x)), _adam)
        # One member alone.
        stack = training.Stack(trainer, [training.state_of(trainer)])
        if not refused:
            stack.train_batch(*batch)
            continue
        with pytest.raises(ValueError, match="a layer of the student calls add_loss"):
            stack.train_batch(*batch)


def test_metrics_begin_anew():
    def made(seed):
        keras.utils.set_random_seed(seed)
        student = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        return _compiled(Supervised(student), _adam)

    trainers = [made(0), made(1)]
    stack = training.Stack(trainers[0], [training.state_of(t) for t in trainers])
    x = np.random.default_rng(0).normal(size=(2, 2, 5, 2)).astype("float32")
    y = np.array([[0, 1, 0, 1, 1]] * 2)
    logits = [stack.test_batch(given, y) for given in x]
    mean = stack.logs()
    stack.reset_metrics()
    last = stack.test_batch(x[1], y)
    np.testing.assert_array_equal(last, logits[1])
    for i, logs in enumerate(stack.logs()):
        right = [(np.asarray(z[i]).argmax(-1) == y[i]).mean() for z in logits]
        assert logs["accuracy"] == pytest.approx(right[1])
        assert mean[i]["accuracy"] == pytest.approx(np.mean(right))
        # What a member answers is what its student does.
        np.testing.assert_allclose(
            stack.student(i)(x[1, i]), logits[1][i], rtol=1e-5, atol=1e-6
        )
