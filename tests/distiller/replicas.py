"""Trains on one device and on two, and prints how far apart they end, as JSON."""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from parts import GroupCentroids, ScoreGap

from kd_keras import losses, mitigation
from kd_keras.distiller import Distiller

CPUS = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    CPUS[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(22, 6)).astype("float32")
Y = RNG.integers(0, 3, 22)
W = RNG.uniform(0, 2, 22).astype("float32")
GROUPS = np.arange(22) % 2
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(width, seed):
    inputs = keras.Input((6,))
    initializer = keras.initializers.GlorotUniform(seed)
    hidden = keras.layers.Dense(
        width, "relu", name="hidden", kernel_initializer=initializer
    )(inputs)
    outputs = keras.layers.Dense(
        3, kernel_initializer=initializer, kernel_regularizer="l2"
    )(hidden)
    return keras.Model(inputs, outputs)


def sequences(seed):
    inputs = keras.Input((2, 3))
    masked = keras.layers.Masking()(inputs)
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.Model(
        inputs, keras.layers.Dense(3, kernel_initializer=initializer)(masked)
    )


def mean_of_kl(teacher_logits, student_logits, temperature):
    return losses.kl_divergence(teacher_logits, student_logits, temperature)


def scalar_soft_loss(teacher_logits, student_logits, temperature):
    return keras.ops.mean(mean_of_kl(teacher_logits, student_logits, temperature))


def scalar_loss(y_true, y_pred):
    return keras.ops.mean(
        keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    )


def per_example_loss(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(
        y_true, y_pred, from_logits=True
    )


HINTS = [
    losses.FeatureHint("hidden", "hidden", "mse", name="mse_hint"),
    losses.FeatureHint("hidden", "hidden", "relational", name="relational_hint"),
]


def mending():
    """Losses over groups; made for each run, since group DRO has a state."""
    return {
        "alpha": 1.0,
        "soft_loss": mitigation.GroupDRO(2, 3, eta=0.5, alpha=[0.2, 0.5, 0.9]),
        "parts": [mitigation.MinDiff(2, "all", 0.3, name="min_diff")],
        "hints": [mitigation.FairFeatures("hidden", "hidden", 2, 3)],
    }


CASES = {
    "plain": {},
    "weighted": {"weight": W},
    "decoupled": {"soft_loss": "decoupled"},
    "dist": {"soft_loss": "dist", "weight": W},
    "jensen_shannon": {"soft_loss": "jensen_shannon"},
    "logit_mse": {"soft_loss": "logit_mse"},
    "standardized_kl": {"soft_loss": "standardized_kl"},
    "function": {"soft_loss": mean_of_kl},
    "keras_loss": {
        "soft_loss": keras.distillation.LogitsDistillation(
            temperature=2.0, loss=keras.losses.KLDivergence()
        )
    },
    "scalar_function": {"soft_loss": scalar_soft_loss},
    "groups": {
        "groups": GROUPS,
        "parts": [ScoreGap("gap")],
        "hints": [GroupCentroids("hidden", "hidden")],
        "weight": W,
    },
    "mending": {"groups": GROUPS, "weight": W, "make": mending},
    "hints": {"hints": HINTS},
    "weighted_hints": {"hints": HINTS, "weight": W},
    "hard_function": {"loss": per_example_loss},
    "hard_scalar": {"loss": scalar_loss},
    "hard_sum": {
        "loss": keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="sum"
        )
    },
    "hard_weighted_mean": {
        "loss": keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        "weight": W,
    },
    "masked": {"sequences": True},
    "chunks": {"sequences": True, "time_chunk": 1, "weight": W},
    "per_example_temperature": {"temperatures": W + 1},
    "per_example_temperature_dist": {"temperatures": W + 1, "soft_loss": "dist"},
    "unlabeled": {"unlabeled": True},
}


def data(weight=None, sequences=False, temperatures=None, unlabeled=False, groups=None):
    x, y = X, Y
    if sequences:
        x = X.reshape(22, 2, 3).copy()
        x[::3, 1] = 0
        y = np.stack([Y, Y[::-1]], -1)
    if temperatures is not None:
        y = {"labels": y, "temperature": temperatures}
    if groups is not None:
        y = {"labels": y, "groups": groups}
    parts = (x,) if unlabeled else (x, y) if weight is None else (x, y, weight)
    # Two replicas share 8, 5, 8 and 1 examples; of the last one, one has none. A single
    # data set, since each is traced anew.
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    return dataset.take(13).batch(8).concatenate(dataset.take(9).batch(8))


def run(strategy, batches, case, eagerly):
    case = dict(case)
    loss = case.pop("loss", SPARSE)
    is_sequences = case.pop("sequences", False)
    with strategy.scope():
        case.update(case.pop("make", dict)())
        if is_sequences:
            student, teacher = sequences(1), sequences(2)
        else:
            student, teacher = network(4, 1), network(7, 2)
        distiller = Distiller(
            student=student,
            teacher=teacher,
            temperature=2.0,
            **{"alpha": 0.6, **case},
        )
        for projection in distiller.projections:
            if projection is not None:
                projection.set_weights([np.linspace(-1, 1, 28).reshape(4, 7)])
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        metrics = None if distiller.time_chunk else ["accuracy"]
        distiller.compile(optimizer, loss, metrics=metrics, run_eagerly=eagerly)
    history = distiller.fit(batches, verbose=0).history
    logs = distiller.evaluate(batches, return_dict=True, verbose=0)
    numbers = [*np.ravel([history[k] for k in sorted(history)]), *logs.values()]
    weights = [np.ravel(weight) for weight in distiller.get_weights()]
    return np.concatenate([numbers, *weights])


def main(names, eagerly=False):
    one = tf.distribute.get_strategy()
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    options = tf.data.Options()
    options.autotune.enabled = False
    of_data = ("weight", "temperatures", "unlabeled", "groups")
    for name in names:
        case = CASES[name]
        batches = data(**{k: case[k] for k in (*of_data, "sequences") if k in case})
        case = {k: v for k, v in case.items() if k not in of_data}
        batches = batches.with_options(options)
        a, b = (run(s, batches, case, eagerly) for s in (one, two))
        # Of numbers above 1 the relative one: float32 has 7 digits.
        difference = np.abs(a - b) / np.maximum(np.abs(a), 1)
        print(json.dumps([name, float(difference.max())]), flush=True)


if __name__ == "__main__":
    # After --but, the names of those that are left out. The others run eagerly: tracing
    # a step on two replicas takes ten seconds.
    _, *named = sys.argv
    but = named[1:] if named[:1] == ["--but"] else []
    if but:
        main([name for name in CASES if name not in but], eagerly=True)
    else:
        main(named or CASES)
