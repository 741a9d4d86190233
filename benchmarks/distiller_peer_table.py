"""Runs keras.distillation and kd_keras on the same cases and prints the table."""

import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from kd_keras.distiller import Distiller
from kd_keras.losses import FeatureHint

SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
KL = keras.losses.KLDivergence()
TEACHER = np.array([[1, 2, 3], [4, 5, 6]], "float32")
STUDENT = np.array([[2, 1, 4], [3, 6, 2]], "float32")
X = np.concatenate([TEACHER, STUDENT], -1)
Y = np.array([0, 1])


def linear(kernel, **options):
    """A model that multiplies by the kernel."""
    inputs = keras.Input((len(kernel),))
    layer = keras.layers.Dense(len(kernel[0]), use_bias=False, **options)
    outputs = layer(inputs)
    layer.set_weights([np.asarray(kernel, "float32")])
    return keras.Model(inputs, outputs)


def pair(**options):
    """A student and a teacher whose logits are the halves of x."""
    return linear(np.eye(6, 3, -3), **options), linear(np.eye(6, 3))


def ours(student, teacher, loss=SPARSE, alpha=1.0, **options):
    """A compiled `kd_keras.distiller.Distiller`."""
    distiller = Distiller(student=student, teacher=teacher, alpha=alpha, **options)
    distiller.compile(keras.optimizers.SGD(0.0), loss)
    return distiller


def theirs(student, teacher, soft, loss=SPARSE, alpha=1.0, **options):
    """A compiled `keras.distillation.Distiller`."""
    distiller = keras.distillation.Distiller(
        teacher, student, soft, student_loss_weight=1.0 - alpha, **options
    )
    distiller.compile(keras.optimizers.SGD(0.0), loss)
    return distiller


def logits_loss(temperature, loss=KL):
    """Their soft loss in the form that applies softmax and T^2."""
    return keras.distillation.LogitsDistillation(temperature=temperature, loss=loss)


def evaluate(distiller, x=X, y=Y, **options):
    """Total loss of one evaluation."""
    logs = distiller.evaluate(x, y, verbose=0, return_dict=True, **options)
    return logs["loss"] if "soft_loss" in logs else logs["total_loss"]


def default_loss(temperature):
    peer = keras.distillation.LogitsDistillation(temperature=temperature)
    return (
        evaluate(ours(*pair(), temperature=temperature)),
        evaluate(theirs(*pair(), peer)),
    )


def hard_loss():
    x = np.array([[0, 0, 0, 5, 2, -1]], "float32")
    peer = theirs(
        *pair(), logits_loss(1.0), loss="sparse_categorical_crossentropy", alpha=0.0
    )
    return evaluate(ours(*pair(), alpha=0.0), x, Y[:1]), evaluate(peer, x, Y[:1])


def far_logits():
    x = np.array([[0, 30, 30, 0]], "float32")
    models = [(linear(np.eye(4, 2, -2)), linear(np.eye(4, 2))) for _ in range(2)]
    return (
        evaluate(ours(*models[0], temperature=1.0), x, Y[:1]),
        evaluate(theirs(*models[1], logits_loss(1.0)), x, Y[:1]),
    )


def sigmoid():
    x, y = np.array([[-3.0, 2.0]]), np.array([[0.0]])
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    models = [(linear([[0.0], [1.0]]), linear([[1.0], [0.0]])) for _ in range(2)]
    return (
        evaluate(ours(*models[0], temperature=3.0, head="sigmoid", loss=binary), x, y),
        evaluate(theirs(*models[1], logits_loss(3.0), loss=binary), x, y),
    )


def weights():
    options = {"sample_weight": np.array([2.0, 0.0])}
    return (
        evaluate(ours(*pair(), temperature=3.0), **options),
        evaluate(theirs(*pair(), logits_loss(3.0)), **options),
    )


def tokens():
    """A student and a teacher over sequences, masked where x is 0."""
    inputs = keras.Input((None, 6))
    hidden = keras.layers.Masking()(inputs)
    return tuple(keras.Model(inputs, model(hidden)) for model in map(dense, (3, 0)))


def dense(first):
    layer = keras.layers.Dense(3, use_bias=False)
    layer.build((None, None, 6))
    layer.set_weights([np.eye(6, 3, -first)])
    return layer


def padding():
    x = np.concatenate([X[:1], np.zeros((4, 6), "float32")])[None]
    y = np.zeros((1, 5), int)
    return (
        evaluate(ours(*tokens(), temperature=3.0), x, y),
        evaluate(theirs(*tokens(), logits_loss(3.0)), x, y),
    )


def regularization():
    options = {"kernel_regularizer": keras.regularizers.L2(0.5)}
    return (
        evaluate(ours(*pair(**options), temperature=3.0)),
        evaluate(theirs(*pair(**options), logits_loss(3.0))),
    )


def normalized():
    inputs = keras.Input((6,))
    hidden = keras.layers.BatchNormalization(momentum=0.9, name="norm")(inputs)
    return keras.Model(inputs, keras.layers.Dense(3)(hidden))


def moved_mean(distiller, method):
    """Share of the batch's mean that is in the student's moving mean."""
    getattr(distiller, method)(X, Y, verbose=0)
    return float(distiller.student.get_layer("norm").moving_mean[0] / X[:, 0].mean())


def batch_norm(method):
    feature = keras.distillation.FeatureDistillation(
        teacher_layer_name="norm", student_layer_name="norm"
    )
    hint = FeatureHint("norm", "norm")
    return (
        moved_mean(ours(normalized(), normalized(), hints=[hint]), method),
        moved_mean(theirs(normalized(), normalized(), feature), method),
    )


def of_width(units):
    layers = [keras.Input((6,)), keras.layers.Dense(units), keras.layers.Dense(3)]
    return keras.Sequential(layers)


def file_size():
    """Size of the saved distiller over that of the saved student."""
    sizes = []
    for make in (ours, lambda s, t: theirs(s, t, logits_loss(3.0))):
        student, teacher = of_width(5_000), of_width(50_000)
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(folder, f"{name}.keras") for name in "ds"]
            make(student, teacher).save(files[0])
            student.save(files[1])
            sizes.append(os.path.getsize(files[0]) / os.path.getsize(files[1]))
    return tuple(sizes)


def one_weight():
    """The loss with the weight 5 over the loss without."""
    plain, weighted = ours(*pair(), temperature=3.0), ours(*pair(), temperature=3.0)
    weighted.compile("sgd", SPARSE, loss_weights=[5.0])
    peers = [
        theirs(*pair(), logits_loss(3.0), **options)
        for options in ({}, {"distillation_loss_weights": [5.0]})
    ]
    return (
        evaluate(weighted) / evaluate(plain),
        evaluate(peers[1]) / evaluate(peers[0]),
    )


def change_temperature():
    """The loss after a step at T=1, then temperature = 3."""
    distiller = ours(*pair(), temperature=1.0)
    evaluate(distiller)
    distiller.temperature = 3.0
    soft = logits_loss(1.0)
    peer = theirs(*pair(), soft)
    evaluate(peer)
    soft.temperature = 3.0
    return evaluate(distiller), evaluate(peer)


def epoch_mean():
    x = np.zeros((33, 2), "float32")
    x[:, 1] = np.log(np.expm1([1.0] * 32 + [5.0]))
    models = [(linear(np.eye(2)), linear(np.eye(2))) for _ in range(2)]
    y = np.zeros(33, int)
    return (
        evaluate(ours(*models[0], alpha=0.0), x, y, batch_size=32),
        evaluate(theirs(*models[1], logits_loss(1.0), alpha=0.0), x, y, batch_size=32),
    )


def trainable():
    """Whether the teacher can still be trained afterwards."""
    flags = []
    for make in (ours, lambda s, t: theirs(s, t, logits_loss(3.0))):
        student, teacher = pair()
        make(student, teacher)
        flags.append(float(teacher.trainable))
    return tuple(flags)


def succeeds(run):
    """1 if the call returns a finite loss, 0 if it raises."""
    try:
        return float(np.isfinite(run()))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        print(f"<!-- {type(error).__name__}: {str(error).splitlines()[0]} -->")
        return 0.0


def both_succeed(make, x=X, y=Y):
    """Whether each distiller can evaluate the models that `make` gives."""
    return (
        succeeds(lambda: evaluate(ours(*make()), x, y)),
        succeeds(lambda: evaluate(theirs(*make(), logits_loss(3.0)), x, y)),
    )


def two_heads():
    """A student and a teacher with a dict of outputs."""
    inputs = keras.Input((6,))
    return tuple(
        keras.Model(inputs, {name: keras.layers.Dense(3)(inputs) for name in "ab"})
        for _ in range(2)
    )


def half_precision():
    return linear(np.eye(6, 3, -3), dtype="float16"), linear(np.eye(6, 3))


def resume():
    """Whether save, load and fit works without compiling again."""

    def reload(distiller, teacher):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "d.keras")
            distiller.save(path)
            loaded = keras.saving.load_model(path)
        if isinstance(loaded, Distiller):
            loaded.teacher = teacher
        loaded.fit(X, Y, verbose=0)
        return 1.0

    models = pair()
    return (
        succeeds(lambda: reload(ours(*models), models[1])),
        succeeds(lambda: reload(theirs(*pair(), logits_loss(3.0)), None)),
    )


ROWS = [
    ("1: default soft loss, T=1", 1.208120, lambda: default_loss(1.0)),
    ("1: default soft loss, T=3", 1.346688, lambda: default_loss(3.0)),
    ("2: hard loss of logits [5, 2, -1], y=0", 0.050946, hard_loss),
    ("3: KL of [0, 30] and [30, 0]", 30.0, far_logits),
    ("4: one sigmoid logit, T=3", 2.875854, sigmoid),
    ("5: sample_weight [2, 0], T=3", 0.397776, weights),
    ("6: four padded steps, T=3", 0.397776, padding),
    ("7: L2 of 1.5 added once, T=3", 2.846688, regularization),
    ("9: BatchNorm moves once a step", 0.1, lambda: batch_norm("fit")),
    ("10: evaluate moves no BatchNorm", 0.0, lambda: batch_norm("evaluate")),
    ("11: save, load, fit (1 = works)", 1.0, resume),
    ("12: file size over the student's (about 1)", 1.0, file_size),
    (
        "13: a dict of outputs (1 = works)",
        1.0,
        lambda: both_succeed(two_heads, y={"a": Y, "b": Y}),
    ),
    ("14: one loss with the weight 5", 5.0, one_weight),
    ("15: T from 1 to 3 while running", 1.346688, change_temperature),
    ("16: a float16 student (1 = works)", 1.0, lambda: both_succeed(half_precision)),
    ("17: mean of 32 losses of 1 and one of 5", 1.121212, epoch_mean),
    ("18: teacher.trainable afterwards (1 = yes)", 1.0, trainable),
]


def main():
    """Prints one Markdown row per case."""
    print("| case | expected | ours | theirs |\n|---|---|---|---|")
    for name, expected, run in ROWS:
        values = (expected, *run())
        print(f"| {name} | " + " | ".join(f"{v:.6f}" for v in values) + " |")


if __name__ == "__main__":
    main()
