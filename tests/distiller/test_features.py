"""Hints between layers of models of every kind."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import LABELS, SPARSE, X, reads_student, reads_teacher

from kd_keras.distiller import Distiller, features
from kd_keras.distiller.batch import Batch, Schedule
from kd_keras.distiller.features import HintParts
from kd_keras.distiller.outputs import Targets, make_output
from kd_keras.keras_internals import set_mask
from kd_keras.losses import FeatureHint
from kd_keras.models.normalization import fuse_batch_normalization

FEATURES = np.array([[1.0, 0, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]], "float32")


def with_hidden(kernel, nested=False):
    """Multiplies by the kernel, in a layer "hidden", then by zeros."""
    hidden = keras.layers.Dense(
        len(kernel[0]),
        use_bias=False,
        name="hidden",
        kernel_initializer=lambda shape, dtype: keras.ops.convert_to_tensor(
            kernel, dtype
        ),
    )
    head = keras.layers.Dense(3, kernel_initializer="zeros")
    inputs = keras.Input((6,))
    if nested:
        inner = keras.Model(inputs, hidden(inputs), name="backbone")
        outer = keras.Input((6,))
        return keras.Model(outer, head(inner(outer)))
    return keras.Model(inputs, head(hidden(inputs)))


class WithBackbone(keras.Model):
    def __init__(self, kernel):
        super().__init__()
        self.backbone = with_hidden(kernel)
        self.backbone.name = "backbone"
        self.head = keras.layers.Dense(3)
        self(FEATURES)

    def call(self, inputs):
        return self.head(self.backbone(inputs))


def hint_log(student, teacher, hint, **kwargs):
    distiller = Distiller(student=student, teacher=teacher, alpha=0.0, hints=[hint])
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE, run_eagerly=True)
    return distiller.evaluate(FEATURES, LABELS, return_dict=True, verbose=0, **kwargs)


TWICE = 2 * np.eye(6, dtype="float32")
ONCE = np.eye(6, dtype="float32")


@pytest.mark.parametrize(
    ("student", "teacher", "paths"),
    [
        (lambda: with_hidden(ONCE), lambda: with_hidden(TWICE), ("hidden", "hidden")),
        (
            lambda: with_hidden(ONCE),
            lambda: with_hidden(TWICE, nested=True),
            ("backbone/hidden", "hidden"),
        ),
        (
            lambda: WithBackbone(ONCE),
            lambda: WithBackbone(TWICE),
            ("backbone/hidden", "backbone/hidden"),
        ),
    ],
    ids=["functional", "nested", "subclassed"],
)
def test_hint_by_path(student, teacher, paths):
    # Features differ by [1, 0...] and [0, 2, 0...]: (1 / 6 + 4 / 6) / 2.
    logs = hint_log(student(), teacher(), FeatureHint(*paths, weight=3.0, name="hint"))
    assert logs["hint"] == pytest.approx(5 / 12, rel=1e-6)
    assert logs["loss"] == pytest.approx(logs["hard_loss"] + 3 * 5 / 12, rel=1e-6)


def test_hint_is_weighted_by_example():
    hint = FeatureHint("hidden", "hidden", name="hint")
    logs = hint_log(
        with_hidden(ONCE),
        with_hidden(TWICE),
        hint,
        sample_weight=np.array([2.0, 0.0]),
    )
    assert logs["hint"] == pytest.approx(1 / 6, rel=1e-6)


@pytest.mark.parametrize("loss", ["cosine", "relational"])
def test_scaled_features_are_equal_to_these(loss):
    hint = FeatureHint("hidden", "hidden", loss, name="hint")
    logs = hint_log(with_hidden(ONCE), with_hidden(TWICE), hint)
    assert logs["hint"] == pytest.approx(0, abs=1e-6)


def test_attention_transfer_between_images_of_other_widths():
    def convolution(filters):
        inputs = keras.Input((4, 4, 1))
        hidden = keras.layers.Conv2D(
            filters, 1, kernel_initializer="ones", name="hidden"
        )(inputs)
        pooled = keras.layers.GlobalAveragePooling2D()(hidden)
        return keras.Model(inputs, keras.layers.Dense(3)(pooled))

    hint = FeatureHint("hidden", "hidden", "attention_transfer", name="hint")
    distiller = Distiller(student=convolution(2), teacher=convolution(5), hints=[hint])
    assert distiller.projections == [None]
    distiller.compile("sgd", SPARSE)
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 1))
    logs = distiller.evaluate(images, LABELS, return_dict=True, verbose=0)
    # Equal kernels give proportional maps.
    assert logs["hint"] == pytest.approx(0, abs=1e-6)


def test_padded_steps_do_not_enter_a_hint():
    def model(factor):
        inputs = keras.Input((2, 6))
        hidden = keras.layers.Dense(
            6, use_bias=True, bias_initializer="ones", name="hidden"
        )(keras.layers.Masking()(inputs))
        result = keras.Model(inputs, keras.layers.Dense(3)(hidden))
        result.get_layer("hidden").kernel.assign(factor * ONCE)
        return result

    hint = FeatureHint("hidden", "hidden", name="hint")
    distiller = Distiller(student=model(1.0), teacher=model(3.0), hints=[hint])
    distiller.compile("sgd", SPARSE)
    x = np.zeros((1, 2, 6), "float32")
    x[0, 0, 0] = 1
    logs = distiller.evaluate(x, np.zeros((1, 2), int), return_dict=True, verbose=0)
    # The valid step differs by [2, 0...].
    assert logs["hint"] == pytest.approx(4 / 6, rel=1e-6)


def test_hint_of_a_second_teacher():
    hint = FeatureHint("hidden", "hidden", teacher_index=1, name="hint")
    teachers = [reads_teacher(), with_hidden(TWICE)]
    logs = hint_log(with_hidden(ONCE), teachers, hint)
    assert logs["hint"] == pytest.approx(5 / 12, rel=1e-6)


def test_layers_are_left_as_they_were():
    student, teacher = with_hidden(ONCE), with_hidden(TWICE)
    hint_log(student, teacher, FeatureHint("hidden", "hidden"))
    for model in (student, teacher):
        assert "call" not in vars(model.get_layer("hidden"))


def fused_model(seed):
    """Ends in zeros, behind a batch normalization in one kernel."""
    inputs = keras.Input((4, 4, 3))
    initializer = keras.initializers.GlorotUniform(seed)
    x = keras.layers.Conv2D(5, 1, kernel_initializer=initializer)(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.ops.relu(x))
    outputs = keras.layers.Dense(3, kernel_initializer=initializer)(x)
    model = keras.Model(inputs, outputs)
    return fuse_batch_normalization(model, inference=True)


IMAGES = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype("float32")
CLASSES = np.arange(8) % 3


def test_a_fused_layer_stays_fused_behind_a_hint():
    models = {}
    for hinted in (True, False):
        student, teacher = fused_model(1), fused_model(2)
        calls = [m.get_layer("norm").call for m in (student, teacher)]
        # A hint without weight records and changes nothing else.
        hints = [FeatureHint("norm", "norm", weight=0.0)] if hinted else []
        distiller = Distiller(student=student, teacher=teacher, hints=hints)
        distiller.compile(keras.optimizers.SGD(0.5), SPARSE, jit_compile=False)
        distiller.fit(IMAGES, CLASSES, batch_size=4, shuffle=False, verbose=0)
        assert [m.get_layer("norm").call for m in (student, teacher)] == calls
        for model in (student, teacher):
            graph = tf.function(model).get_concrete_function(IMAGES).graph
            assert any("FusedBatchNorm" in op.type for op in graph.get_operations())
        models[hinted] = student
    # Two updates by equal gradients.
    for one, other in zip(models[True].weights, models[False].weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(models[True](IMAGES), models[False](IMAGES))


@pytest.mark.parametrize("eagerly", [True, False])
def test_a_fused_layer_stays_fused_when_a_step_fails(eagerly):
    def fail(*args, **kwargs):
        raise ArithmeticError("in the step")

    student, teacher = fused_model(1), fused_model(2)
    layers = [model.get_layer("norm") for model in (student, teacher)]
    # Fails while the student runs: recording has begun and not ended.
    broken = student.layers[-1]
    own_call, calls = broken.call, [layer.call for layer in layers]
    distiller = Distiller(
        student=student, teacher=teacher, hints=[FeatureHint("norm", "norm")]
    )
    distiller.compile("sgd", SPARSE, run_eagerly=eagerly, jit_compile=False)
    broken.call = fail
    with pytest.raises(ArithmeticError, match="in the step"):
        distiller.fit(IMAGES, CLASSES, verbose=0)
    assert [layer.call for layer in layers] == calls
    broken.call = own_call
    distiller.fit(IMAGES, CLASSES, verbose=0)
    assert [layer.call for layer in layers] == calls


def test_unknown_layer_is_refused():
    with pytest.raises(ValueError, match=r"`student_layer` must name a layer.*'nope'"):
        Distiller(
            student=reads_student(),
            teacher=reads_teacher(),
            hints=[FeatureHint("head0", "nope")],
        )


def test_features_at_other_positions_are_refused():
    def model(size):
        inputs = keras.Input((6,))
        hidden = keras.layers.Reshape((size, 6 // size), name="hidden")(inputs)
        return keras.Model(
            inputs, keras.layers.Dense(3)(keras.layers.Flatten()(hidden))
        )

    with pytest.raises(ValueError, match=r"needs features with the same positions"):
        Distiller(
            student=model(2), teacher=model(3), hints=[FeatureHint("hidden", "hidden")]
        )


def test_a_subclassed_student_gets_its_projection_at_the_first_batch():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(2, name="hidden")
            self.head = keras.layers.Dense(3)

        def call(self, inputs):
            return self.head(self.hidden(inputs))

    hint = FeatureHint("hidden", "hidden", name="hint")
    distiller = Distiller(student=Plain(), teacher=with_hidden(TWICE), hints=[hint])
    distiller.compile("adam", SPARSE)
    logs = distiller.fit(X, LABELS, epochs=20, verbose=0).history
    assert distiller.projections[0].kernel.shape == (2, 6)
    assert logs["hint"][-1] < logs["hint"][0]


def test_a_hint_of_a_missing_teacher_is_refused():
    hint = FeatureHint("hidden", "hidden", teacher_index=1)
    with pytest.raises(ValueError, match=r"found no output to read.*1 teacher\(s\)"):
        Distiller(student=with_hidden(ONCE), teacher=with_hidden(TWICE), hints=[hint])


@pytest.mark.parametrize("names", [("a", "a"), ("agreement", None)])
def test_hints_need_names_of_their_own(names):
    hints = [FeatureHint("hidden", "hidden", name=name) for name in names]
    twice = rf"`hints` need names.*\['{names[0]}'\]"
    with pytest.raises(ValueError, match=twice):
        Distiller(student=with_hidden(np.eye(6, 4)), hints=hints)


def test_another_teacher_of_another_width():
    hint = FeatureHint("hidden", "hidden")
    distiller = Distiller(
        student=with_hidden(ONCE), teacher=with_hidden(TWICE[:, :4]), hints=[hint]
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE)
    distiller.fit(FEATURES, LABELS, verbose=0)
    distiller.attach_teacher(with_hidden(TWICE[:, :4]), allow_different=True)
    distiller.fit(FEATURES, LABELS, verbose=0)
    for width in (5, 6):
        distiller.attach_teacher(with_hidden(TWICE[:, :width]), allow_different=True)
        with pytest.raises(
            ValueError, match=rf"\(None, {width}\).*projection \(6, 4\)"
        ):
            distiller.fit(FEATURES, LABELS, verbose=0)


# `[batch, time, channels]`; squared differences: [[0.5, 8], [4.5, 0], [0.5, 2]].
TIMED_TEACHER = np.float32([[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[0, 1], [2, 3]]])
TIMED_STUDENT = np.float32([[[2, 2], [3, 0]], [[5, 9], [7, 8]], [[1, 1], [0, 3]]])
TIMED_MASK = np.array([[True, False], [True, True], [False, False]])


class Seen(FeatureHint):
    """Keeps what it is given."""

    needs = ("teacher", "labels", "groups")
    whole_batch = True

    def __call__(self, inputs):
        self.inputs = inputs
        return keras.ops.sum(inputs.student)


def mean_of(hint, outputs=1, mask=None, step=0, training=False, **targets):
    """What the hint adds to the loss between the features above."""
    student = keras.ops.convert_to_tensor(TIMED_STUDENT)
    if mask is not None:
        set_mask(student, keras.ops.convert_to_tensor(mask))
    logits, labels = np.zeros((3, 2), "float32"), targets.pop("labels", None)
    output = make_output("a", None, [], logits, labels, None, None)
    batch = Batch(
        [output] * outputs,
        Targets(None, **targets),
        Schedule(1.0, 0.0, step),
        [TIMED_TEACHER],
        [student],
        training=training,
    )
    (mean,) = HintParts([hint], [])(batch)
    return mean


def sums(mean):
    return [float(number) for number in mean.term]


def test_a_hint_is_a_mean_over_examples_and_positions():
    class Warm(FeatureHint):
        def warmup(self, step):
            return step / 10

    mean = mean_of(Warm("layer", "layer", weight=3.0, name="hint"), step=2)
    assert (mean.name, mean.scale) == ("hint", 1.0)
    assert mean.coefficient == pytest.approx(0.6)
    assert sums(mean) == [15.5, 6, 6]


def test_positions_that_are_padded_or_of_no_weight_do_not_count():
    hint = FeatureHint("layer", "layer")
    weights = np.float32([[2], [1], [0]])
    assert sums(mean_of(hint, sample_weight=weights)) == [2 * 8.5 + 4.5, 6, 6]
    assert sums(mean_of(hint, mask=TIMED_MASK)) == [0.5 + 4.5, 3, 3]
    both = mean_of(hint, mask=TIMED_MASK, sample_weight=weights[:, 0])
    assert sums(both) == [2 * 0.5 + 4.5, 3, 3]
    # One value for an example, whose padded positions are zeros in both models.
    attention = mean_of(
        FeatureHint("layer", "layer", "attention_transfer"), mask=TIMED_MASK
    )
    assert sums(attention)[1:] == [3, 3]
    maps = [
        np.float32([[1, 0], [61, 113], [0, 0]]),
        np.float32([[1, 0], [106, 113], [0, 0]]),
    ]
    maps = [m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1) for m in maps]
    assert sums(attention)[0] == pytest.approx(((maps[0] - maps[1]) ** 2).mean(1).sum())


def test_a_hint_over_groups_is_given_what_the_batch_brings():
    hint, groups = Seen("layer", "layer", name="seen"), np.array([0, 1, 1])
    labels, weights = np.array([1, 0, 1]), np.float32([2, 1, 0])
    given = {"labels": labels, "groups": groups}
    mean = mean_of(hint, mask=TIMED_MASK, sample_weight=weights, training=True, **given)
    assert sums(mean) == [2 + 2 + 5 + 9 + 7 + 8 - 0, 1, 3]
    np.testing.assert_array_equal(hint.inputs.weights, weights)
    np.testing.assert_array_equal(hint.inputs.labels, labels)
    np.testing.assert_array_equal(hint.inputs.groups, groups)
    assert hint.inputs.training is True
    keep = TIMED_MASK[..., None]
    np.testing.assert_array_equal(hint.inputs.student, TIMED_STUDENT * keep)
    np.testing.assert_array_equal(hint.inputs.teacher, TIMED_TEACHER * keep)
    mean_of(hint, **given)
    np.testing.assert_array_equal(hint.inputs.weights, [1, 1, 1])
    assert hint.inputs.training is False
    # Of two outputs none is the one whose labels are meant.
    with pytest.raises(ValueError, match="without labels for the hint 'seen'"):
        mean_of(hint, outputs=2, **given)


ONE, COLUMN = np.float32([1, 2]), np.float32([[3], [5]])
STEPS = np.float32([[0, 3, 6], [1, 1, 4]])
IMAGE = np.float32([[[0, 2], [4, 6]], [[1, 1], [1, 5]]])


@pytest.mark.parametrize(
    ("given", "rows", "expected"),
    [
        (ONE, (2,), [1, 2]),
        (COLUMN, (2,), [3, 5]),
        ({"a": ONE, "b": None, "c": COLUMN}, (2,), [2, 3.5]),
        (ONE, (2, 3), [[1], [2]]),
        (COLUMN, (2, 7, 7), [[[3]], [[5]]]),
        # Positions that are those of the features, whose number may be unknown.
        (STEPS, (2, 3), STEPS),
        (STEPS[..., None], (None, None), STEPS),
        (IMAGE, (2, 2, 2), IMAGE),
        ([ONE, STEPS], (2, 3), [[0.5, 2, 3.5], [1.5, 1.5, 3]]),
        # Elsewhere an example has their mean.
        (STEPS, (2,), [3, 2]),
        (STEPS, (2, 2), [[3], [2]]),
        (STEPS, (2, 3, 3), [[[3]], [[2]]]),
        (IMAGE, (2, 2), [[3], [2]]),
        ([ONE, STEPS], (2,), [2, 2]),
        (None, (2,), None),
        ({"a": None}, (2, 3), None),
    ],
)
def test_weights_are_those_of_the_outputs(given, rows, expected):
    found = features._weights(given, rows)
    assert (found is None) == (expected is None)
    if expected is not None:
        np.testing.assert_array_equal(found, expected)


def test_positions_of_other_weights_count_by_them():
    weights = np.float32([[2, 0], [1, 3], [0, 0]])
    # Times the squared differences above.
    mean = mean_of(FeatureHint("layer", "layer"), sample_weight=weights)
    assert sums(mean) == [2 * 0.5 + 4.5, 6, 6]
    both = mean_of(
        FeatureHint("layer", "layer"), sample_weight=weights, mask=TIMED_MASK
    )
    assert sums(both) == [2 * 0.5 + 4.5, 3, 3]
    # Examples that are compared whole have weights of 1, 2 and 0.
    hint = FeatureHint("layer", "layer", "attention_transfer")
    given, expected = (
        sums(mean_of(hint, sample_weight=np.float32(of))) for of in (weights, [1, 2, 0])
    )
    assert given == expected
    hint = Seen("layer", "layer", name="seen")
    groups = {"labels": np.zeros(3), "groups": np.zeros(3)}
    mean_of(hint, sample_weight=weights, **groups)
    np.testing.assert_array_equal(hint.inputs.weights, [1, 2, 0])


def test_a_step_of_no_weight_adds_nothing_to_a_hint_in_fit():
    def model(factor):
        inputs = keras.Input((None, 6))
        hidden = keras.layers.Dense(6, use_bias=False, name="hidden")
        result = keras.Model(inputs, keras.layers.Dense(3)(hidden(inputs)))
        hidden.kernel.assign(factor * ONCE)
        return result

    hint = FeatureHint("hidden", "hidden", name="hint")
    distiller = Distiller(student=model(1.0), teacher=model(3.0), hints=[hint])
    distiller.compile("sgd", SPARSE)
    x = np.zeros((1, 2, 6), "float32")
    x[0, :, 0] = 1, 5
    labels, weights = np.zeros((1, 2), int), np.float32([[3, 0]])
    logs = distiller.evaluate(
        x, labels, sample_weight=weights, return_dict=True, verbose=0
    )
    # The first of two steps differs by [2, 0...].
    assert logs["hint"] == pytest.approx(3 * (4 / 6) / 2, rel=1e-6)
