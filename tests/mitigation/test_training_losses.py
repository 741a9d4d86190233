"""Losses that mend while training, against sums over the examples by hand."""

import inspect
import itertools

import keras
import numpy as np
import pytest
from loss_inputs import GROUPS, LABELS, STUDENT, TEACHER, WEIGHTS, inputs
from scipy.special import expit, log_softmax, softmax

from kd_keras.distiller import Distiller
from kd_keras.losses import DistLoss, LossPart
from kd_keras.mitigation import (
    BalancedKD,
    BalancedSoftmax,
    FairFeatures,
    GroupDRO,
    MinDiff,
    MixedLoss,
    ada_alpha,
)
from kd_keras.mitigation.membership import crossed

HARD = -log_softmax(STUDENT, -1)[np.arange(8), LABELS]


def kl(teacher, student, temperature=2.0):
    log_p, log_q = (log_softmax(z / temperature, -1) for z in (teacher, student))
    return (np.exp(log_p) * (log_p - log_q)).sum(-1)


# T = 2: the soft term is four times the divergence.
SOFT = 4 * kl(TEACHER, STUDENT)


def close(found, expected, rtol=2e-6):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=rtol, atol=1e-7)


def test_the_mixed_loss_is_the_loss_of_the_distiller():
    close(MixedLoss(alpha=0.3)(inputs()), 0.7 * HARD + 0.3 * SOFT)
    close(
        MixedLoss(alpha=0.3, scale_by_temperature_squared=False)(inputs()),
        0.7 * HARD + 0.3 * SOFT / 4,
    )


def test_each_class_has_its_own_alpha():
    alphas = np.array([0.9, 0.1])
    share = alphas[LABELS]
    close(MixedLoss(alpha=alphas)(inputs()), (1 - share) * HARD + share * SOFT)


def test_labels_may_be_one_hot_or_a_column():
    part = MixedLoss(alpha=[0.9, 0.1])
    expected = part(inputs())
    for labels in (np.eye(2)[LABELS], LABELS[:, None]):
        close(part(inputs(labels=labels)), expected)


def test_one_temperature_for_each_example():
    temperature = np.linspace(1, 3, 8).astype("float32")
    soft = [
        t**2 * kl(a, b, t)
        for t, a, b in zip(temperature, TEACHER, STUDENT, strict=True)
    ]
    close(MixedLoss(alpha=1.0)(inputs(temperature=temperature)), soft)


def test_a_sigmoid_head_mixes_binary_losses():
    logits, teacher = STUDENT[:, :1], TEACHER[:, :1]
    both = [np.concatenate([0 * z, z], -1) for z in (teacher, logits)]
    probability = expit(logits[:, 0])
    hard = -np.log(np.where(LABELS == 1, probability, 1 - probability))
    found = MixedLoss(alpha=[0.2, 0.6])(
        inputs(student=logits, teacher=teacher, head="sigmoid")
    )
    share = np.array([0.2, 0.6])[LABELS]
    close(found, (1 - share) * hard + share * 4 * kl(*both))


def test_the_teacher_is_trusted_as_far_as_it_is_right():
    # Class 0: 3 of 4 right; class 1: 1 of 2; class 2: never.
    labels = [0, 0, 0, 0, 1, 1, 2]
    predicted = [0, 0, 0, 1, 1, 0, 1]
    np.testing.assert_allclose(ada_alpha(labels, predicted), [0.75, 0.5, 0.0])
    np.testing.assert_allclose(ada_alpha(labels, predicted, 0.6), [0.15, 0.0, 0.0])


GROUP_LOSSES = [
    np.average((0.2 * HARD + 0.8 * SOFT)[g == GROUPS], weights=WEIGHTS[g == GROUPS])
    for g in (0, 1)
]


def test_group_dro_weights_the_groups():
    part = GroupDRO(groups=2, eta=0.5)
    # Evaluation moves nothing.
    close(part(inputs()), 0.5 * sum(GROUP_LOSSES))
    close(part.shares, [0.5, 0.5])
    moved = np.exp(0.5 * np.array(GROUP_LOSSES))
    moved /= moved.sum()
    close(part(inputs(training=True)), moved @ GROUP_LOSSES)
    close(part.shares, moved)


def test_a_group_that_is_not_in_the_batch_keeps_its_share():
    part = GroupDRO(groups=3, eta=0.5)
    close(part(inputs(training=True)), part.shares.numpy()[:2] @ GROUP_LOSSES)
    grown = np.array([*np.exp(0.5 * np.array(GROUP_LOSSES)), 1.0])
    close(part.shares, grown / grown.sum())


def test_group_dro_over_groups_and_classes():
    part = GroupDRO(groups=2, classes=2, alpha=0.0, eta=1.0)
    losses = []
    for label, group in itertools.product((0, 1), (0, 1)):
        own = (label == LABELS) & (group == GROUPS)
        losses.append(np.average(HARD[own], weights=WEIGHTS[own]))
    moved = np.exp(losses) / np.exp(losses).sum()
    close(part(inputs(training=True)), moved @ losses)
    close(part.shares, moved)


def test_group_dro_favours_small_groups_by_the_adjustment():
    part = GroupDRO(groups=2, eta=1.0, adjustment=2.0, counts=[100, 4], alpha=0.8)
    found = part(inputs(training=True))
    moved = np.exp(np.array(GROUP_LOSSES) + 2 / np.sqrt([100, 4]))
    moved /= moved.sum()
    close(part.shares, moved)
    close(found, moved @ GROUP_LOSSES)


def test_group_dro_of_sequences_takes_every_step_for_an_entry():
    steps = np.stack([STUDENT, STUDENT[::-1]], 1)
    labels = np.stack([LABELS, LABELS[::-1]], 1)
    weights = np.stack([WEIGHTS, 0 * WEIGHTS], 1)
    weights[0, 1] = 2
    losses = -np.take_along_axis(log_softmax(steps, -1), labels[..., None], -1)[..., 0]
    found = GroupDRO(groups=2, alpha=0.0)(
        inputs(student=steps, teacher=steps, labels=labels, weights=weights)
    )
    means = [
        np.average(losses[g == GROUPS], weights=weights[g == GROUPS]) for g in (0, 1)
    ]
    close(found, 0.5 * sum(means))


def mmd(a, b, weights_a, weights_b, kernel):
    """E k(a, a') + E k(b, b') - 2 E k(a, b), pair by pair."""

    def mean(x, y, u, v):
        pairs = list(itertools.product(range(len(x)), range(len(y))))
        total = sum(u[i] * v[j] * kernel(x[i], y[j]) for i, j in pairs)
        return total / (sum(u) * sum(v))

    return (
        mean(a, a, weights_a, weights_a)
        + mean(b, b, weights_b, weights_b)
        - 2 * mean(a, b, weights_a, weights_b)
    )


@pytest.mark.parametrize("on", ["positives", "negatives", "all"])
def test_min_diff_of_two_groups(on):
    scores = softmax(STUDENT, -1)[:, 1]
    of = {"positives": LABELS == 1, "negatives": LABELS == 0, "all": LABELS >= 0}[on]
    a, b = (of & (g == GROUPS) for g in (0, 1))
    expected = mmd(
        *(scores[a], scores[b], WEIGHTS[a], WEIGHTS[b]),
        lambda s, t: np.exp(-((s - t) ** 2) / 0.3**2),
    )
    assert expected > 0.01
    close(MinDiff(groups=2, on=on, length=0.3)(inputs()), expected, rtol=1e-5)
    # A third group that is not there changes nothing.
    close(MinDiff(groups=3, on=on, length=0.3)(inputs()), expected, rtol=1e-5)


def test_min_diff_of_three_classes_and_a_dict_of_groups():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(12, 3)).astype("float32"), np.arange(12) % 3
    groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1, 2])
    scores, ones = softmax(logits, -1), np.ones(12)
    found = MinDiff(groups=3, on="positives", attribute="sex")(
        inputs(
            student=logits,
            labels=labels,
            groups={"sex": groups},
            weights=np.float32(ones),
        )
    )
    values = []
    for label, (g, h) in itertools.product(range(3), [(0, 1), (0, 2), (1, 2)]):
        a, b = ((labels == label) & (groups == k) for k in (g, h))
        pair = (scores[a, label], scores[b, label], ones[a], ones[b])
        values.append(mmd(*pair, lambda s, t: np.exp(-((s - t) ** 2) / 0.01)))
    close(found, np.mean(values), rtol=1e-5)


def test_min_diff_reads_labels_that_are_one_hot_or_a_column():
    part = MinDiff(groups=2, on="positives", length=0.3)
    expected = part(inputs())
    for labels in (np.eye(2)[LABELS], LABELS[:, None]):
        close(part(inputs(labels=labels)), expected)


@pytest.mark.parametrize("on", ["positives", "negatives", "all"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_min_diff_of_a_sigmoid_head_takes_each_output_for_itself(outputs, on):
    labels = np.stack([LABELS, [1, 1, 0, 0, 1, 1, 0, 1]], 1)[:, :outputs]
    found = MinDiff(groups=2, on=on, length=0.3)(
        inputs(student=STUDENT[:, :outputs], labels=labels, head="sigmoid")
    )
    values = []
    for score, label in zip(expit(STUDENT).T, labels.T, strict=False):
        of = {"positives": label == 1, "negatives": label == 0, "all": label >= 0}[on]
        a, b = (of & (g == GROUPS) for g in (0, 1))
        pair = (score[a], score[b], WEIGHTS[a], WEIGHTS[b])
        values.append(mmd(*pair, lambda s, t: np.exp(-((s - t) ** 2) / 0.3**2)))
    close(found, np.mean(values), rtol=1e-5)


def test_min_diff_needs_labels_unless_all_are_compared():
    assert MinDiff(groups=2, on="all").needs == ("groups",)
    for on in ("positives", "negatives"):
        assert MinDiff(groups=2, on=on).needs == ("labels", "groups")


def test_min_diff_of_one_group_is_nothing():
    assert float(MinDiff(groups=2)(inputs(groups=0 * GROUPS))) == 0


def test_fair_features():
    rng = np.random.default_rng(1)
    teacher = 50 + rng.normal(size=(8, 2, 3)).astype("float32")
    student = 50 + 2 * rng.normal(size=(8, 2, 3)).astype("float32")
    hint = FairFeatures("a", "b", groups=2, classes=2, sigma=0.7)
    found = hint(inputs(student=student, teacher=teacher, head=None))
    teacher, student = teacher.reshape(8, 6), student.reshape(8, 6)
    squares = ((teacher[:, None] - student[None]) ** 2).sum(-1)
    mean = np.average(squares, weights=np.outer(WEIGHTS, WEIGHTS))

    def kernel(x, y):
        return np.exp(-((x - y) ** 2).sum() / (2 * 0.7 * mean))

    expected = 0.0
    for label, group in itertools.product((0, 1), (0, 1)):
        everybody, own = label == LABELS, (label == LABELS) & (group == GROUPS)
        expected += 0.5 * mmd(
            *(teacher[everybody], student[own], WEIGHTS[everybody], WEIGHTS[own]),
            kernel,
        )
    close(found, expected, rtol=1e-4)


def test_fair_features_do_not_read_what_has_no_weight():
    hint = FairFeatures("a", "b", groups=2, classes=2)
    weights = WEIGHTS.copy()
    weights[0] = 0
    broken = TEACHER.copy()
    broken[0] = np.inf
    expected = hint(inputs(weights=weights))
    close(hint(inputs(weights=weights, teacher=broken)), expected)


def test_balanced_distillation_divides_the_teacher_by_the_frequencies():
    counts = np.array([90, 10])
    p = softmax(TEACHER / 2, -1) / counts
    p /= p.sum(-1, keepdims=True)
    log_q = log_softmax(STUDENT / 2, -1)
    expected = (p * (np.log(p) - log_q)).sum(-1)
    close(BalancedKD(counts)(inputs()), expected)


def test_balanced_distillation_of_sequences_is_that_of_each_step():
    student, teacher = (np.stack([z, z[::-1], 2 * z], 1) for z in (STUDENT, TEACHER))
    found = BalancedKD([90, 10])(inputs(student=student, teacher=teacher))
    p = softmax(teacher / 2, -1) / [90, 10]
    p /= p.sum(-1, keepdims=True)
    expected = (p * (np.log(p) - log_softmax(student / 2, -1))).sum(-1)
    assert expected.shape == (8, 3)
    close(found, expected)


def test_balanced_softmax_adds_the_log_of_the_frequencies():
    counts = np.array([90, 10])
    likelihood = np.exp(STUDENT) * counts
    likelihood /= likelihood.sum(-1, keepdims=True)
    expected = -np.log(likelihood[np.arange(8), LABELS])
    close(BalancedSoftmax(counts).call(LABELS, keras.ops.array(STUDENT)), expected)
    close(BalancedSoftmax(counts)(LABELS, STUDENT), expected.mean())


GIVEN = [
    (
        MixedLoss,
        {"alpha": [0.1, 0.9], "soft_loss": "logit_mse", "name": "mixed", "weight": 2},
    ),
    (
        GroupDRO,
        {
            **{"groups": 2, "classes": 2, "eta": 0.1, "counts": [1, 2, 3, 4]},
            **{"adjustment": 1, "attribute": "sex", "alpha": 0.5, "weight": 0.5},
            **{"soft_loss": BalancedKD([3, 4]), "name": "dro"},
            "scale_by_temperature_squared": False,
        },
    ),
    (GroupDRO, {"groups": 2, "hard_loss": BalancedSoftmax([2, 3])}),
    (
        MinDiff,
        {
            **{"groups": 3, "on": "all", "length": 0.2, "attribute": "sex"},
            **{"name": "diff", "weight": 3},
        },
    ),
    (
        FairFeatures,
        {
            **{"teacher_layer": "a", "student_layer": "b", "groups": 2, "classes": 3},
            **{"sigma": 0.5, "attribute": "sex", "teacher_index": 1, "name": "mfd"},
            "weight": 3,
        },
    ),
    (BalancedKD, {"counts": [1, 2], "name": "b", "weight": 0.5}),
    (BalancedSoftmax, {"counts": [1, 2], "name": "c", "reduction": "sum"}),
]
PARTS = [kind(**given) for kind, given in GIVEN if kind is not BalancedSoftmax]


@pytest.mark.parametrize(("kind", "given"), GIVEN)
def test_settings_are_those_that_were_given(kind, given):
    config = kind(**given).get_config()
    assert {name: config[name] for name in given} == given


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_settings_survive_serialization(part):
    config = keras.saving.serialize_keras_object(part)
    assert inspect.signature(type(part)).parameters.keys() <= config["config"].keys()
    loaded = keras.saving.deserialize_keras_object(config)
    assert type(loaded) is type(part)
    assert keras.saving.serialize_keras_object(loaded) == config
    # Another object with variables of its own.
    assert not {id(v) for v in part.variables} & {id(v) for v in loaded.variables}


@pytest.mark.parametrize("kind", dict.fromkeys([BalancedSoftmax, *map(type, PARTS)]))
def test_files_name_a_loss_with_its_package(kind):
    assert keras.saving.get_registered_name(kind) == f"kd_keras>{kind.__name__}"


def linear():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MixedLoss(alpha=[0.5, 1.5]), r"`alpha` of a MixedLoss must be in"),
        (lambda: MixedLoss(alpha=[[0.5, 0.5]]), "one number or one for each class"),
        (lambda: MixedLoss(alpha=[]), "one number or one for each class"),
        (lambda: MixedLoss(soft_loss=DistLoss()), "value of its own"),
        (lambda: GroupDRO(groups=2, soft_loss="dist"), r"value of its own.*'dist'"),
        (lambda: GroupDRO(groups=0), "`groups` of a GroupDRO must be a whole number"),
        (lambda: GroupDRO(groups=2, eta=-1), "`eta` of a GroupDRO"),
        (
            lambda: GroupDRO(groups=2, adjustment=1),
            "`counts` of a GroupDRO must have 2",
        ),
        (lambda: MinDiff(groups=1), "`groups` of a MinDiff must be .* at least 2"),
        (lambda: MinDiff(groups=2, on="men"), "`on` of a MinDiff must be one of"),
        (lambda: MinDiff(groups=2, length=0), "`length` of a MinDiff"),
        (lambda: FairFeatures("a", "b", 2, 2, 0), "`sigma` of a FairFeatures"),
        (lambda: FairFeatures("a", "b", 2, 1), "`classes` of a FairFeatures"),
        (lambda: BalancedKD([3, 0]), "`counts` of a BalancedKD .* all above 0"),
        (lambda: BalancedSoftmax([3]), "at least two classes"),
        (lambda: ada_alpha([0, 2], [0, 2]), "none of 1"),
        (lambda: ada_alpha([0], [[0.5]]), "Pass classes, not logits"),
        (lambda: ada_alpha([0], [0], 2), "`offset` must be"),
        (
            lambda: Distiller(student=linear(), soft_loss=GroupDRO(2)),
            r"`alpha` must be 1 .* GroupDRO\. Received: alpha=0\.8",
        ),
        (
            lambda: MinDiff(2, attribute="sex")(inputs(groups={"race": GROUPS})),
            r"must be one of the groups .*\['race'\].* attribute='sex'",
        ),
        (
            lambda: MinDiff(2)(inputs(student=STUDENT[:, None])),
            "one prediction for each example",
        ),
        (
            lambda: GroupDRO(2, classes=2)(inputs(head="sigmoid")),
            "one class per example",
        ),
    ],
)
def test_what_is_not_allowed_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_soft_loss_that_gives_one_number_is_refused():
    def mean(teacher, student, temperature):
        return keras.ops.mean(student)

    with pytest.raises(ValueError, match=r"a scalar of mean\. Do not sum"):
        MixedLoss(soft_loss=mean)(inputs())


def test_every_part_is_one():
    assert all(isinstance(part, LossPart) for part in PARTS)


@pytest.mark.parametrize(
    ("part", "defaults"),
    [
        (
            MixedLoss(),
            {
                "alpha": 0.8,
                "soft_loss": "kl",
                "hard_loss": None,
                "scale_by_temperature_squared": True,
                "name": "MixedLoss",
                "weight": 1.0,
            },
        ),
        (
            GroupDRO(1),
            {
                "classes": None,
                "eta": 0.01,
                "adjustment": 0.0,
                "counts": None,
                "attribute": None,
                "alpha": 0.8,
                "soft_loss": "kl",
                "hard_loss": None,
                "scale_by_temperature_squared": True,
                "name": "GroupDRO",
                "weight": 1.0,
            },
        ),
        (
            MinDiff(2),
            {
                "on": "negatives",
                "length": 0.1,
                "attribute": None,
                "name": "MinDiff",
                "weight": 1.0,
            },
        ),
        (
            FairFeatures("a", "b", 1, 2),
            {
                "sigma": 1.0,
                "attribute": None,
                "weight": 1.0,
                "teacher_index": 0,
                "name": "b_hint",
            },
        ),
        (BalancedKD([1, 2]), {"name": "BalancedKD", "weight": 1.0}),
        (
            BalancedSoftmax([1, 2]),
            {"name": "balanced_softmax", "reduction": "sum_over_batch_size"},
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_not_given_has_its_documented_value(part, defaults):
    config = part.get_config()
    assert {name: config[name] for name in defaults} == defaults


@pytest.mark.parametrize(
    ("part", "compares", "softens", "has_hard_loss"),
    [
        (MixedLoss(), False, False, True),
        (GroupDRO(2), True, False, True),
        (MinDiff(2), True, False, False),
        (FairFeatures("a", "b", 2, 2), True, False, False),
        (BalancedKD([1, 2]), False, True, False),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_the_distiller_is_told_of_a_part(part, compares, softens, has_hard_loss):
    assert part.whole_batch is compares
    assert part.uses_temperature is softens
    assert part.has_hard_loss is has_hard_loss


def test_what_a_loss_remembers_is_not_trained_and_not_rounded():
    before = keras.config.floatx()
    keras.config.set_floatx("float16")
    try:
        alphas, shares = GroupDRO(groups=2, alpha=[0.1234567, 1]).variables
    finally:
        keras.config.set_floatx(before)
    close(alphas, [0.1234567, 1], rtol=1e-6)
    for variable, name in ((alphas, "alphas"), (shares, "group_shares")):
        assert (variable.name, variable.trainable) == (name, False)
        assert variable.dtype == "float32"
    # Every replica sees the whole batch.
    assert shares.aggregation == "only_first_replica"


class SquaredDifference(LossPart):
    """A soft loss that does not soften."""

    uses_temperature = False

    def __call__(self, inputs):
        return keras.ops.mean((inputs.teacher - inputs.student) ** 2, axis=-1)


def test_a_soft_loss_without_a_temperature_has_no_factor_of_it():
    found = MixedLoss(alpha=1.0, soft_loss=SquaredDifference())(inputs())
    close(found, ((TEACHER - STUDENT) ** 2).mean(-1))


def test_another_loss_of_the_labels():
    hard = BalancedSoftmax([90, 10])
    expected = 0.3 * hard.call(LABELS, keras.ops.array(STUDENT)) + 0.7 * SOFT
    close(MixedLoss(alpha=0.7, hard_loss=hard)(inputs()), expected)


STEPS = np.stack([STUDENT, STUDENT[::-1], 2 * STUDENT], 1)
TAUGHT = np.stack([TEACHER, -TEACHER, TEACHER[::-1]], 1)
LABELS_OF_STEPS = np.stack([LABELS, LABELS[::-1], 1 - LABELS], 1)


@pytest.mark.parametrize(
    "labels",
    [LABELS_OF_STEPS, LABELS_OF_STEPS[..., None], np.eye(2)[LABELS_OF_STEPS]],
    ids=["classes", "column", "one-hot"],
)
def test_steps_of_sequences_are_mixed_each_for_itself(labels):
    found = MixedLoss(alpha=[0.9, 0.1])(
        inputs(student=STEPS, teacher=TAUGHT, labels=labels)
    )
    share = np.array([0.9, 0.1])[LABELS_OF_STEPS]
    hard = -np.take_along_axis(log_softmax(STEPS, -1), LABELS_OF_STEPS[..., None], -1)[
        ..., 0
    ]
    close(found, (1 - share) * hard + share * 4 * kl(TAUGHT, STEPS), rtol=1e-5)


@pytest.mark.parametrize(
    "labels", [LABELS_OF_STEPS, LABELS_OF_STEPS[..., None]], ids=["classes", "column"]
)
def test_steps_of_a_sigmoid_head_are_mixed_each_for_itself(labels):
    student, teacher = STEPS[..., :1], TAUGHT[..., :1]
    found = MixedLoss(alpha=[0.2, 0.6])(
        inputs(student=student, teacher=teacher, labels=labels, head="sigmoid")
    )
    both = [np.concatenate([0 * z, z], -1) for z in (teacher, student)]
    probability = expit(student[..., 0])
    hard = -np.log(np.where(LABELS_OF_STEPS == 1, probability, 1 - probability))
    share = np.array([0.2, 0.6])[LABELS_OF_STEPS]
    close(found, (1 - share) * hard + share * 4 * kl(*both), rtol=1e-5)


def test_group_dro_of_sequences_over_groups_and_classes():
    hard = -np.take_along_axis(log_softmax(STEPS, -1), LABELS_OF_STEPS[..., None], -1)[
        ..., 0
    ]
    weights = WEIGHTS[:, None] * [1.0, 0.5, 2.0]
    means = []
    for label, group in itertools.product((0, 1), (0, 1)):
        own = (label == LABELS_OF_STEPS) & (group == GROUPS)[:, None]
        means.append(np.average(hard[own], weights=weights[own]))
    found = GroupDRO(groups=2, classes=2, alpha=0.0)(
        inputs(
            student=STEPS,
            teacher=TAUGHT,
            labels=LABELS_OF_STEPS,
            weights=np.float32(weights),
        )
    )
    close(found, np.mean(means), rtol=1e-5)


def test_an_adjustment_does_not_move_a_group_that_is_not_in_the_batch():
    # Of the first two groups in all weight .4 and .55; nobody of the third is anywhere.
    part = GroupDRO(groups=3, eta=1.0, adjustment=2.0, counts=[100, 1, 0])
    found = part(inputs(weights=WEIGHTS / 10, training=True))
    grown = np.exp(np.array(GROUP_LOSSES) + 2 / np.sqrt([100, 1]))
    moved = np.array([*grown, 1.0]) / (grown.sum() + 1)
    close(part.shares, moved)
    close(found, moved[:2] @ GROUP_LOSSES)


def test_large_steps_do_not_overflow():
    part = GroupDRO(groups=3, eta=1000.0)
    close(part(inputs(training=True)), max(GROUP_LOSSES))
    assert max(GROUP_LOSSES) > min(GROUP_LOSSES) + 0.05
    close(part.shares, [*(np.array(GROUP_LOSSES) == max(GROUP_LOSSES)), 0])


def fair_features(num_groups=2, sigma=1.0, **fields):
    """The loss of two layers, and what it is by pairs of examples."""
    given = {"student": STUDENT, "teacher": TEACHER, "groups": GROUPS} | fields
    hint = FairFeatures("a", "b", groups=num_groups, classes=2, sigma=sigma)
    found = hint(inputs(head=None, **given))
    teacher, student = (given[n].astype(float) for n in ("teacher", "student"))
    squares = ((teacher[:, None] - student[None]) ** 2).sum(-1)
    scale = 2 * sigma * np.average(squares, weights=np.outer(WEIGHTS, WEIGHTS))
    expected = 0.0
    for label, group in itertools.product((0, 1), range(num_groups)):
        everybody, own = label == LABELS, (label == LABELS) & (group == given["groups"])
        if own.any():
            expected += 0.5 * mmd(
                *(teacher[everybody], student[own], WEIGHTS[everybody], WEIGHTS[own]),
                lambda x, y: np.exp(-((x - y) ** 2).sum() / scale),
            )
    return found, expected


@pytest.mark.parametrize("size", [1e-4, 1.0])
def test_fair_features_do_not_depend_on_a_scale_or_on_absent_groups(size):
    # Group 1 has no class 0, and nobody is in the group 2.
    groups = np.where(LABELS == 0, 0, GROUPS)
    found, expected = fair_features(
        3, 0.7, student=STUDENT * size, teacher=TEACHER * size, groups=groups
    )
    assert expected > 0.01
    close(found, expected, rtol=1e-4)


def test_fair_features_far_from_zero_are_as_near_to_each_other():
    far = np.float32(1000)
    found, expected = fair_features(student=STUDENT + far, teacher=TEACHER + far)
    close(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    "labels", [LABELS[:, None], np.eye(2)[LABELS]], ids=["column", "one-hot"]
)
def test_fair_features_read_labels_in_other_forms(labels):
    found, expected = fair_features(labels=labels)
    close(found, expected, rtol=1e-5)


def test_a_class_that_is_predicted_and_has_no_examples():
    with pytest.raises(ValueError, match="none of 2"):
        ada_alpha([0, 1], [0, 2])


def test_codes_of_classes_and_groups_together():
    labels, groups = (keras.ops.array(v) for v in ([0, 1, 2, 1], [1, 0, -1, 1]))
    np.testing.assert_array_equal(crossed(labels, groups, 2), [1, 2, -1, 3])
    # A third group of two would be the first one of the next class.
    np.testing.assert_array_equal(crossed([0, 1], np.array([2, 1]), 2), [-1, 3])
