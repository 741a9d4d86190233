"""Models, structures of outputs, labels, weights and metrics in every combination."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import LABELS, SPARSE, STUDENT, Subclassed, X, linear, reads_teacher
from scipy.special import log_softmax

from kd_keras.distiller import Distiller

HARD = -log_softmax(STUDENT, -1)[[0, 1], LABELS]
SOFT = np.array([0.397776, 2.295599])  # Case 1 at T=3.
ALPHA = 0.25
TOTAL = (1 - ALPHA) * HARD + ALPHA * SOFT

# A second output has the roles of both models exchanged: same hard loss as its
# student's logits, and the divergence below, in NumPy.
TEACHER_KERNEL, STUDENT_KERNEL = np.eye(6, 3), np.eye(6, 3, -3)


def total_of(teacher, student):
    log_p, log_q = log_softmax(teacher / 3, -1), log_softmax(student / 3, -1)
    soft = 9 * (np.exp(log_p) * (log_p - log_q)).sum(-1)
    hard = -log_softmax(student, -1)[[0, 1], LABELS]
    return (1 - ALPHA) * hard + ALPHA * soft


SECOND = total_of(X[:, 3:], X[:, :3])
WEIGHTS = np.array([0.5, 2.0])


def build(kind, kernels, activation=None, as_dict=False):
    if kind == "subclassed":
        model = Subclassed(kernels, as_dict=as_dict, activation=activation)
        model(X)
        return model
    if len(kernels) == 1 and not as_dict:
        return linear(kernels[0], kind, activation)
    inputs = keras.Input((6,))
    outputs = {}
    for i, kernel in enumerate(kernels):
        layer = keras.layers.Dense(
            3, use_bias=False, activation=activation, name=f"head{i}"
        )
        outputs[f"head{i}"] = layer(inputs)
        layer.set_weights([kernel])
    return keras.Model(inputs, outputs if as_dict else list(outputs.values()))


def masked(kind, kernels, activation=None):
    """A model over one step and one padded step."""
    layers = [
        keras.layers.Dense(3, use_bias=False, activation=activation, name=f"head{i}")
        for i in range(len(kernels))
    ]
    if kind == "subclassed":
        model = MaskedSubclassed(layers)
    elif kind == "sequential":
        model = keras.Sequential([keras.Input((2, 6)), keras.layers.Masking(), *layers])
    else:
        inputs = keras.Input((2, 6))
        outputs = [layer(keras.layers.Masking()(inputs)) for layer in layers]
        model = keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])
    for layer, kernel in zip(layers, kernels, strict=True):
        layer.set_weights([kernel])
    return model


class MaskedSubclassed(keras.Model):
    def __init__(self, heads):
        super().__init__()
        self.masking = keras.layers.Masking()
        self.heads = heads
        self(np.zeros((1, 2, 6), "float32"))

    def call(self, inputs):
        outputs = [head(self.masking(inputs)) for head in self.heads]
        return outputs if len(outputs) > 1 else outputs[0]


@pytest.mark.parametrize("weighting", ["plain", "weighted", "masked"])
@pytest.mark.parametrize("teacher_outputs", ["logits", "probabilities"])
@pytest.mark.parametrize(
    ("kind", "outputs"),
    [
        ("functional", 1),
        ("functional", 2),
        ("sequential", 1),
        ("subclassed", 1),
        ("subclassed", 2),
    ],
)
def test_matrix(kind, outputs, teacher_outputs, weighting):
    student_kernels = [STUDENT_KERNEL, TEACHER_KERNEL][:outputs]
    teacher_kernels = [TEACHER_KERNEL, STUDENT_KERNEL][:outputs]
    per_example = TOTAL + (SECOND if outputs == 2 else 0)
    x, labels, weights = X, LABELS, None
    activation = "softmax" if teacher_outputs == "probabilities" else None
    make = masked if weighting == "masked" else build
    student = make(kind, student_kernels)
    teacher = make(kind, teacher_kernels, activation)
    if weighting == "masked":
        x, labels = np.stack([X, 0 * X], 1), np.stack([LABELS, LABELS], 1)
    if weighting == "weighted":
        weights, per_example = WEIGHTS, WEIGHTS * per_example
    distiller = Distiller(
        student=student,
        teacher=teacher,
        temperature=3,
        alpha=ALPHA,
        teacher_outputs=teacher_outputs,
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE, run_eagerly=True)
    labels = [labels] * outputs if outputs > 1 else labels
    logs = distiller.fit(x, labels, sample_weight=weights, verbose=0).history
    assert logs["loss"][0] == pytest.approx(per_example.mean(), rel=2e-5)
    logs = distiller.evaluate(
        x, labels, sample_weight=weights, verbose=0, return_dict=True
    )
    assert logs["loss"] == pytest.approx(per_example.mean(), rel=2e-5)


@pytest.fixture
def two_heads():
    student = build("functional", [STUDENT_KERNEL, TEACHER_KERNEL], as_dict=True)
    teacher = build("functional", [TEACHER_KERNEL, STUDENT_KERNEL], as_dict=True)
    return Distiller(student=student, teacher=teacher, temperature=3, alpha=ALPHA)


BOTH = {"head0": LABELS, "head1": LABELS}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"loss": SPARSE}, TOTAL + SECOND),
        ({"loss": {"head0": SPARSE, "head1": SPARSE}}, TOTAL + SECOND),
        (
            {"loss": SPARSE, "loss_weights": {"head0": 2.0, "head1": 3.0}},
            2 * TOTAL + 3 * SECOND,
        ),
        (
            {"loss": {"head0": SPARSE}},
            TOTAL + SECOND - (1 - ALPHA) * -log_softmax(X[:, :3], -1)[[0, 1], LABELS],
        ),
    ],
    ids=["shared", "per output", "weights", "one output only"],
)
def test_losses_of_several_outputs(two_heads, arguments, expected):
    two_heads.compile("sgd", **arguments)
    logs = two_heads.evaluate(X, BOTH, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(np.mean(expected), rel=1e-5)


def test_sample_weight_per_output(two_heads):
    two_heads.compile("sgd", SPARSE)
    weights = {"head0": np.array([2.0, 0.0]), "head1": np.array([0.0, 2.0])}
    data = tf.data.Dataset.from_tensors((X, BOTH, weights))
    logs = two_heads.evaluate(data, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(TOTAL[0] + SECOND[1], rel=1e-5)


def test_an_output_without_head_has_no_soft_term():
    inputs = keras.Input((6,))
    value = keras.layers.Dense(1, name="value", kernel_initializer="zeros")(inputs)
    logits = linear(STUDENT_KERNEL)(inputs)
    student = keras.Model(inputs, {"class": logits, "value": value})
    teacher = keras.Model(inputs, {"class": reads_teacher()(inputs)})
    distiller = Distiller(
        student=student,
        teacher=teacher,
        temperature=3,
        alpha=ALPHA,
        head={"class": "softmax", "value": None},
    )
    distiller.compile("sgd", {"class": SPARSE, "value": "mse"})
    labels = {"class": LABELS, "value": np.array([1.0, 3.0])}
    logs = distiller.evaluate(X, labels, verbose=0, return_dict=True)
    # Squared error of a prediction of 0: (1 + 9) / 2.
    assert logs["loss"] == pytest.approx(TOTAL.mean() + (1 - ALPHA) * 5, rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "loss"),
    [
        (LABELS, SPARSE),
        (LABELS[:, None], SPARSE),
        (LABELS.astype("float32"), SPARSE),
        (np.eye(3)[LABELS], keras.losses.CategoricalCrossentropy(from_logits=True)),
    ],
    ids=["sparse", "column", "float", "one-hot"],
)
@pytest.mark.parametrize("soft_loss", ["kl", "decoupled"])
def test_forms_of_labels(labels, loss, soft_loss):
    distiller = Distiller(
        student=linear(STUDENT_KERNEL),
        teacher=reads_teacher(),
        temperature=3,
        alpha=0.0,
        soft_loss=soft_loss,
    )
    distiller.compile("sgd", loss, metrics=["accuracy"])
    logs = distiller.evaluate(X, labels, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(HARD.mean(), rel=1e-5)
    # Predictions 2 and 1.
    assert logs["accuracy"] == 0.5


def test_dict_and_tuple_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    both = keras.layers.Concatenate()([a, b])
    for inputs in ({"a": a, "b": b}, (a, b)):
        student = keras.Model(inputs, linear(STUDENT_KERNEL)(both))
        teacher = keras.Model(inputs, reads_teacher()(both))
        distiller = Distiller(
            student=student, teacher=teacher, temperature=3, alpha=ALPHA
        )
        distiller.compile("sgd", SPARSE)
        x = (X[:, :3], X[:, 3:])
        if isinstance(inputs, dict):
            x = {"a": x[0], "b": x[1]}
        logs = distiller.evaluate(x, LABELS, verbose=0, return_dict=True)
        assert logs["loss"] == pytest.approx(TOTAL.mean(), rel=1e-5)


@pytest.mark.parametrize("form", ["x", "(x,)"])
def test_unlabeled_batches_have_the_soft_term_only(form):
    distiller = Distiller(
        student=linear(STUDENT_KERNEL),
        teacher=reads_teacher(),
        temperature=3,
        alpha=ALPHA,
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE, metrics=["accuracy"])
    data = tf.data.Dataset.from_tensors(X if form == "x" else (X,))
    labeled = tf.data.Dataset.from_tensors((X, LABELS))
    logs = distiller.fit(data, validation_data=labeled, verbose=0).history
    assert logs["loss"] == [pytest.approx(ALPHA * SOFT.mean(), rel=1e-5)]
    assert logs["val_loss"] == [pytest.approx(TOTAL.mean(), rel=1e-5)]
    assert logs["val_accuracy"] == [0.5]


def test_unlabeled_batches_do_not_dilute_the_hard_loss():
    distiller = Distiller(
        student=linear(STUDENT_KERNEL), teacher=reads_teacher(), alpha=ALPHA
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE)
    distiller.train_on_batch(X, LABELS)
    distiller.make_train_function()
    distiller.train_function(iter([(X,)]))
    hard_loss = float(distiller.get_metrics_result()["hard_loss"])
    assert hard_loss == pytest.approx(HARD.mean(), rel=1e-5)


def test_teacher_logits_from_the_data():
    distiller = Distiller(student=linear(STUDENT_KERNEL), temperature=3, alpha=ALPHA)
    distiller.compile("sgd", SPARSE, metrics=["accuracy"])
    y = {"labels": LABELS, "teacher_logits": X[:, :3].astype("float16")}
    logs = distiller.evaluate(X, y, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(TOTAL.mean(), rel=1e-5)
    assert logs["accuracy"] == 0.5
    unlabeled = {"teacher_logits": X[:, :3]}
    logs = distiller.evaluate(X, unlabeled, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(ALPHA * SOFT.mean(), rel=1e-5)


def test_a_temperature_per_example():
    # Row 1 at T=3, row 2 at T=1 from NumPy.
    log_p, log_q = log_softmax(X[1, :3]), log_softmax(X[1, 3:])
    second = (np.exp(log_p) * (log_p - log_q)).sum()
    distiller = Distiller(
        student=linear(STUDENT_KERNEL), teacher=reads_teacher(), alpha=1.0
    )
    distiller.compile("sgd", SPARSE)
    y = {"labels": LABELS, "temperature": np.array([3.0, 1.0])}
    logs = distiller.evaluate(X, y, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx((SOFT[0] + second) / 2, rel=1e-5)


@pytest.mark.parametrize(
    "metrics",
    [
        ["accuracy"],
        [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        {"head0": "accuracy"},
        [[keras.metrics.SparseCategoricalAccuracy(name="accuracy")]],
    ],
    ids=["string", "object", "dict", "nested"],
)
def test_metrics_and_weighted_metrics(metrics):
    distiller = Distiller(student=linear(STUDENT_KERNEL), teacher=reads_teacher())
    distiller.compile(
        "sgd",
        SPARSE,
        metrics=metrics,
        weighted_metrics=[keras.metrics.SparseCategoricalAccuracy(name="weighted")],
    )
    logs = distiller.evaluate(
        X, LABELS, sample_weight=np.array([3.0, 1.0]), verbose=0, return_dict=True
    )
    # Only the second of the two predictions, 2 and 1, is right.
    assert (logs["accuracy"], logs["weighted"]) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum", (WEIGHTS * HARD).sum()),
        ("sum_over_batch_size", (WEIGHTS * HARD).mean()),
        ("mean_with_sample_weight", (WEIGHTS * HARD).sum() / WEIGHTS.sum()),
    ],
)
def test_reductions_of_the_hard_loss(reduction, expected):
    distiller = Distiller(
        student=linear(STUDENT_KERNEL), teacher=reads_teacher(), alpha=0.0
    )
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction
    )
    distiller.compile("sgd", loss)
    logs = distiller.evaluate(
        X, LABELS, sample_weight=WEIGHTS, verbose=0, return_dict=True
    )
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS[:, None]], ids=["1d", "2d"])
def test_a_function_that_gives_one_loss_a_sequence(weights):
    inputs = keras.Input((2, 3))
    logits = keras.layers.Dense(3, use_bias=False, kernel_initializer="identity")
    distiller = Distiller(
        student=keras.Model(inputs, logits(inputs)),
        teacher=keras.Model(inputs, inputs),
        alpha=0.0,
    )
    distiller.compile(
        "sgd", lambda labels, logits: keras.ops.mean(logits**2, axis=(1, 2))
    )
    logs = distiller.evaluate(
        np.stack([STUDENT, X[:, :3]]),
        np.zeros((2, 2)),
        sample_weight=weights,
        verbose=0,
        return_dict=True,
    )
    # Means of squares 70 / 6 and 91 / 6, weighted by 0.5 and 2.
    assert logs["loss"] == pytest.approx(217 / 12, rel=1e-5)


def test_a_function_that_sums_over_positions_with_weights_is_refused():
    inputs = keras.Input((2, 3))
    logits = keras.layers.Dense(3, use_bias=False, kernel_initializer="identity")
    distiller = Distiller(
        student=keras.Model(inputs, logits(inputs)), teacher=keras.Model(inputs, inputs)
    )
    distiller.compile("sgd", lambda labels, logits: keras.ops.mean(logits, axis=(1, 2)))
    with pytest.raises(ValueError, match="one value for each position that has a weig"):
        distiller.evaluate(
            np.stack([STUDENT, X[:, :3]]),
            np.zeros((2, 2)),
            sample_weight=np.ones((2, 2)),
            verbose=0,
        )


def test_alpha_0_trains_as_keras_does():
    histories = []
    for wrap in (False, True):
        model = linear(STUDENT_KERNEL)
        model = (
            Distiller(student=model, teacher=reads_teacher(), alpha=0.0)
            if wrap
            else model
        )
        model.compile("adam", SPARSE)
        logs = model.fit(
            X,
            LABELS,
            sample_weight=WEIGHTS,
            epochs=4,
            batch_size=1,
            verbose=0,
            shuffle=False,
        ).history
        histories.append(logs["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-6)


def test_a_class_ignored_by_the_hard_loss():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    distiller = Distiller(
        student=linear(STUDENT_KERNEL), teacher=reads_teacher(), alpha=0.0
    )
    distiller.compile("sgd", loss)
    logs = distiller.evaluate(X, LABELS, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(HARD[0], rel=1e-5)
