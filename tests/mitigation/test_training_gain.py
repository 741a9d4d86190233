"""Problems on which plain distillation fails somebody, and a method must help."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distiller import Distiller
from kd_keras.mitigation import (
    BalancedKD,
    BalancedSoftmax,
    FairFeatures,
    GroupDRO,
    MinDiff,
    MixedLoss,
    ada_alpha,
    group_balancing,
    reweighing,
)

SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
STEPS = 150


def trained(x, y, weights=None, *, student=None, loss=SPARSE, **options):
    """Classes that a student predicts after full-batch steps."""
    keras.utils.set_random_seed(0)
    student = student or keras.Sequential(
        [keras.Input(x.shape[1:]), keras.layers.Dense(2)]
    )
    distiller = Distiller(student=student, temperature=2.0, **options)
    distiller.compile(keras.optimizers.Adam(0.1), loss, jit_compile=False)
    batch = (x, y) if weights is None else (x, y, np.float32(weights))
    batches = tf.data.Dataset.from_tensors(batch).repeat(STEPS)
    distiller.fit(batches, shuffle=False, verbose=0)
    return np.argmax(student(x), axis=-1)


# A weak feature says the class. A strong one says the group, and 95 % of a class are in
# its own group: 190, 10, 10, 190.
RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1], 200)
GROUPS = np.concatenate([np.repeat([0, 1], [190, 10]), np.repeat([0, 1], [10, 190])])
NOISE = RNG.normal(size=(400, 2))
X = np.float32((2 * np.stack([LABELS, GROUPS], -1) - 1) * [1.0, 3.0] + NOISE)
# Its teacher fell for it, too.
TEACHER = np.float32(np.stack([0 * X[:, 0], X @ [1.0, 1.5]], -1))
Y = {"labels": LABELS, "teacher_logits": TEACHER, "groups": GROUPS}


def worst(predicted):
    """Lowest accuracy of a group and class."""
    right = predicted == LABELS
    return min(
        right[(c == LABELS) & (g == GROUPS)].mean() for c in (0, 1) for g in (0, 1)
    )


def false_positive_gap(predicted):
    rates = [predicted[(LABELS == 0) & (g == GROUPS)].mean() for g in (0, 1)]
    return abs(rates[0] - rates[1])


@pytest.fixture(scope="module")
def plain():
    return trained(X, Y, alpha=0.2)


def test_plain_distillation_fails_the_small_groups(plain):
    assert worst(plain) <= 0.4
    assert false_positive_gap(plain) >= 0.5
    assert (plain == LABELS).mean() >= 0.9


@pytest.mark.parametrize("weigh", [group_balancing, reweighing])
def test_weights_help_the_worst_group(plain, weigh):
    predicted = trained(X, Y, weigh(LABELS, GROUPS), alpha=0.2)
    assert worst(predicted) >= worst(plain) + 0.2


def test_group_dro_helps_the_worst_group(plain):
    loss = GroupDRO(groups=2, classes=2, eta=0.1, alpha=0.2)
    predicted = trained(X, Y, soft_loss=loss, alpha=1.0)
    assert worst(predicted) >= worst(plain) + 0.2


def test_min_diff_brings_the_false_positives_together(plain):
    part = MinDiff(groups=2, on="negatives", weight=10.0)
    predicted = trained(X, Y, parts=[part], alpha=0.2)
    assert false_positive_gap(predicted) <= false_positive_gap(plain) / 2


def test_features_of_a_fair_teacher_help_the_worst_group(plain):
    def model(kernel=None):
        inputs = keras.Input((2,))
        features = keras.layers.Dense(2, name="features", use_bias=False)
        outputs = keras.layers.Dense(2)(features(inputs))
        result = keras.Model(inputs, outputs)
        if kernel is not None:
            features.set_weights([np.float32(kernel)])
        return result

    teacher = model([[1, -1], [0, 0]])  # It does not see the group.
    hint = FairFeatures("features", "features", groups=2, classes=2, weight=30.0)
    predicted = trained(X, Y, student=model(), teacher=teacher, hints=[hint], alpha=0.2)
    assert worst(predicted) >= worst(plain) + 0.2


# One feature; 190 examples of class 0 and 10 of class 1.
RARE = np.repeat([0, 1], [190, 10])
RARE_X = np.float32(2 * RARE + np.random.default_rng(1).normal(size=200))[:, None]
# The true log odds of class 1, with and without what is common.
ODDS = 2 * RARE_X[:, 0] - 2 + np.log(10 / 190)
RARE_Y = {
    "labels": RARE,
    "teacher_logits": np.float32(np.stack([0 * ODDS, ODDS], -1)),
}


def recall(predicted):
    """Of the rare class."""
    return predicted[RARE == 1].mean()


def test_plain_distillation_fails_the_rare_class_and_balance_helps():
    counts = [190, 10]
    missed = recall(trained(RARE_X, RARE_Y, alpha=0.5))
    assert missed <= 0.6
    of_teacher = trained(RARE_X, RARE_Y, alpha=1.0, soft_loss=BalancedKD(counts))
    assert recall(of_teacher) >= missed + 0.2
    of_labels = trained(RARE_X, RARE_Y, alpha=0.1, loss=BalancedSoftmax(counts))
    assert recall(of_labels) >= missed + 0.2


def test_a_teacher_that_misses_a_class_is_not_trusted_there():
    labels = np.repeat([0, 1], 100)
    x = np.float32(4 * labels + np.random.default_rng(2).normal(size=200))[:, None]
    always_0 = np.tile(np.float32([3, -3]), (200, 1))
    y = {"labels": labels, "teacher_logits": always_0}

    def found(predicted):
        return predicted[labels == 1].mean()

    assert found(trained(x, y, alpha=0.8)) <= 0.1
    alphas = ada_alpha(labels, always_0.argmax(-1))
    mixed = MixedLoss(alphas)
    assert found(trained(x, y, soft_loss=mixed, alpha=1.0)) >= 0.9
