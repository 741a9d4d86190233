"""The installed Keras is what kd_keras.keras_internals takes it for."""

import ast
import gc
import inspect
import pathlib

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import keras_internals

ROOT = pathlib.Path(__file__).resolve().parents[1]
INTERNALS = ROOT / "kd_keras/keras_internals.py"
OTHERS = sorted({*(ROOT / "kd_keras").rglob("*.py")} - {INTERNALS})
# Public methods of named tuples.
PUBLIC = {"_replace", "_fields", "_asdict", "_make"}
X = np.array([[1.0, 2.0], [0.0, 0.0]], "float32")


def _names_of_our_own():
    """Names with an underscore that kd_keras itself defines."""
    own = set(PUBLIC)
    for path in OTHERS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                own.add(node.attr)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                own.add(node.target.id)
    return own


def _uses(source, own):
    """Uses of Keras' private names in a source text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom | ast.Import):
            modules = [alias.name for alias in node.names]
            modules.append(getattr(node, "module", None) or "")
            if any(name.startswith("keras.src") for name in modules):
                yield "keras.src"
        elif isinstance(node, ast.Attribute):
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and node.attr not in own:
                yield node.attr
            if node.attr == "call" and isinstance(node.ctx, ast.Store):
                yield "call ="
        elif isinstance(node, ast.Constant) and node.value in ("_keras_mask", "call"):
            yield node.value


def test_no_other_file_uses_what_is_private():
    own = _names_of_our_own()
    found = {p.name: list(_uses(p.read_text(), own)) for p in OTHERS}
    assert {name: uses for name, uses in found.items() if uses} == {}
    assert {"keras.src", "call", "_keras_mask", "_loss_tracker"} <= set(
        _uses(INTERNALS.read_text(), own)
    )


def test_every_name_of_the_file_is_tested_here():
    names = {
        node.name
        for node in ast.parse(INTERNALS.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    }
    tested = set(_attributes_of("keras_internals"))
    assert names == tested


def _attributes_of(module):
    for node in ast.walk(ast.parse(pathlib.Path(__file__).read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == module:
            yield node.attr


def test_masks_are_attached_to_outputs_and_losses():
    x = X[None]
    masked = keras.layers.Dense(3)(keras.layers.Masking()(x))
    np.testing.assert_array_equal(keras_internals.mask_of(masked), [[True, False]])
    assert keras_internals.mask_of(keras.layers.Dense(3)(x)) is None
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    values = loss.call(np.array([0, 1]), tf.zeros((2, 3)))
    np.testing.assert_array_equal(keras_internals.mask_of(values), [True, False])


def test_metrics_read_the_mask_that_is_set():
    predicted = tf.constant([[0.9, 0.1], [0.9, 0.1]])
    keras_internals.set_mask(predicted, tf.constant([True, False]))
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    accuracy.update_state(tf.constant([0, 1]), predicted)
    assert accuracy.result() == 1.0


class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="block")
        self.inner = keras.Sequential([keras.layers.Dense(2)], name="inner")

    def call(self, inputs):
        return self.inner(inputs)


def test_layers_in_are_the_direct_ones():
    block = Block()
    assert keras_internals.layers_in(block) == [block.inner]
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(3)(block(inputs)))
    assert keras_internals.layers_in(model) == model.layers


def test_what_is_before_a_layer_in_each_of_its_calls():
    inputs, others = keras.Input((4,)), keras.Input((4,))
    shared, added = keras.layers.Dense(4), keras.layers.Add()
    first, second = shared(inputs), shared(others)
    total = added([first, second])
    assert keras_internals.layer_behind(total) is added
    calls = keras_internals.inputs_of_calls(shared)
    assert [[id(x) for x in call] for call in calls] == [[id(inputs)], [id(others)]]
    ((left, right),) = keras_internals.inputs_of_calls(added)
    assert (left is first, right is second) == (True, True)
    one = keras.Model(inputs, first)
    ((only,),) = keras_internals.inputs_of_calls(shared, one)
    assert only is inputs


def test_what_is_functional():
    inputs = keras.Input((2,))
    layer = keras.layers.Dense(1)
    assert keras_internals.is_functional(keras.Model(inputs, layer(inputs)))
    assert not keras_internals.is_functional(keras.Sequential([inputs, layer]))


def test_inputs_that_no_layer_reads():
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    some = keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(b))
    assert keras_internals.unread_inputs(some) == ["a"]
    both = keras.layers.Concatenate()([a, b])
    assert keras_internals.unread_inputs(keras.Model({"a": a, "b": b}, both)) == []
    only = keras.Input((2,))
    model = keras.Model(only, keras.layers.Dense(1)(only))
    assert keras_internals.unread_inputs(model) == []
    # What else is made of the inputs does not matter; what a `call` reads may.
    keras.layers.Dense(1)(a)
    some({"a": a, "b": b})
    assert keras_internals.unread_inputs(some) == ["a"]
    own = type("Own", (type(some),), {})({"a": a, "b": b}, some.output)
    assert keras_internals.unread_inputs(own) == []


def test_the_call_behind_an_output():
    ids = keras.Input((4,), dtype="int32")
    embedding = keras.layers.ReversibleEmbedding(5, 2)
    states = embedding(ids)
    found = keras_internals.call_behind(embedding(states, reverse=True))
    assert (found[0] is embedding, found[1] is states) == (True, True)
    assert found[2] == {"reverse": True}


def test_the_operation_behind_an_output():
    inputs = keras.Input((4,))
    first, second = keras.layers.Dense(3), keras.layers.Dense(4)
    inner = keras.Sequential([keras.Input((4,)), second, keras.layers.Reshape((2, 2))])
    squeezed = keras.ops.squeeze(keras.layers.Reshape((4, 1))(second(inputs)), -1)
    identity = keras.layers.Activation("linear")(first(inputs))
    model = keras.Model(
        inputs, [first(inputs), inner(inputs), squeezed, identity[:, 0], inputs]
    )
    behind = [keras_internals.operation_behind(output) for output in model.outputs]
    assert behind[:4] == [first, second, second, first]
    assert isinstance(behind[4], keras.layers.InputLayer)
    sigmoid = keras.ops.reshape(keras.ops.sigmoid(first(inputs)), (-1, 3, 1))
    behind = keras_internals.operation_behind(sigmoid)
    assert type(behind).__name__ == "Sigmoid"


def test_symbolic_outputs_of_a_function_of_several_models():
    first, second = (keras.Sequential([keras.layers.Dense(n)]) for n in (3, 4))
    outputs = keras_internals.symbolic_outputs(
        lambda x: {"a": first(x), "b": [second(x)]}, keras.Input((2,))
    )
    shapes = keras.tree.map_structure(lambda output: output.shape, outputs)
    assert (outputs["a"].shape, outputs["b"][0].shape) == ((None, 3), (None, 4))
    assert isinstance(outputs["a"], keras.KerasTensor), shapes


@pytest.mark.parametrize("symbolic", [True, False])
def test_a_layer_runs_the_call_that_is_put_in_its_place(symbolic):
    layer, other = (keras.layers.Dense(2, kernel_initializer="ones") for _ in range(2))

    def twice(inputs, training=None):
        return 2 * keras.layers.Dense.call(layer, inputs)

    def outputs():
        if not symbolic:
            return layer(X[:1])[0].numpy().tolist()
        inputs = keras.Input((2,))
        return keras.Model(inputs, layer(inputs)).predict(X[:1], verbose=0)[0].tolist()

    assert outputs() == [3, 3]
    assert keras_internals.replace_call(layer, twice) is None
    assert outputs() == [6, 6]
    assert other(X[:1])[0].numpy().tolist() == [3, 3]
    # As a recording does over a fused call.
    before = keras_internals.replace_call(layer, lambda *args, **_: 3 * twice(*args))
    assert before is twice
    assert outputs() == [18, 18]
    keras_internals.replace_call(layer, before)
    assert layer.call is twice
    keras_internals.replace_call(layer, None)
    assert "call" not in vars(layer)
    assert outputs() == [3, 3]
    assert keras_internals.replace_call(layer, None) is None


def linear(cls=keras.Model, **attributes):
    inputs = keras.Input((2,))
    model = cls(inputs, keras.layers.Dense(1)(inputs))
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


def test_the_loss_tracker_is_logged_and_reset():
    model = linear()
    model.compile(loss="mse")
    tracker = keras_internals.loss_tracker(model)
    assert (type(tracker), tracker.name) == (keras.metrics.Mean, "loss")
    assert any(metric is tracker for metric in model.metrics)
    tracker.update_state(3.0)
    assert model.get_metrics_result() == {"loss": 3.0}
    model.reset_metrics()
    assert model.get_metrics_result() == {"loss": 0.0}


class OwnStep(keras.Model):
    """A model whose compiled loss is never called."""

    def call(self, inputs):
        return inputs

    def compute_loss(self, *args, **kwargs):
        raise ArithmeticError("compute_loss")

    def train_step(self, data):
        keras_internals.loss_tracker(self).update_state(5.0)
        return self.get_metrics_result()


def _steps():
    """The graphs of traced steps that something in the process holds."""
    keras.backend.clear_session()
    gc.collect()
    graphs = [o for o in gc.get_objects() if isinstance(o, tf.Graph)]
    return [id(graph) for graph in graphs if "one_step" in getattr(graph, "name", "")]


@pytest.mark.parametrize("let_go", [True, False])
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: "sgd",
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()),
    ],
    ids=["plain", "loss_scale"],
)
def test_a_traced_step_goes_with_its_model(optimizer, let_go):
    before = _steps()
    model = linear()
    model.compile(optimizer(), loss="mse")
    if let_go:
        keras_internals.let_steps_go(model.optimizer)
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    del model
    # TensorFlow keeps one otherwise; where it no longer does, this goes.
    assert (len(_steps()) > len(before)) == (not let_go)


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_forgotten_loss_is_not_built_under_a_strategy(forgotten):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = OwnStep()
        model.compile("sgd", "mse", jit_compile=False)
        if forgotten:
            keras_internals.forget_compiled_loss(model)
    if forgotten:
        logs = model.fit(X, X, verbose=0).history
        assert logs == {"loss": [5.0]}
        assert [metric.name for metric in model.metrics] == ["loss"]
        return
    # What makes it necessary.
    with pytest.raises(ArithmeticError, match="compute_loss"):
        model.fit(X, X, verbose=0)


def test_compiled_metrics_are_unbuilt_until_they_see_labels():
    model = linear()
    model.compile(loss="mse", metrics=["mae"], weighted_metrics=["mse"])
    tracker, compiled = model.metrics
    assert keras_internals.is_unbuilt(compiled, model)
    assert not keras_internals.is_unbuilt(tracker, model)
    with pytest.raises(ValueError, match="not yet been built"):
        compiled.result()
    model.evaluate(X, X[:, :1], verbose=0)
    assert not keras_internals.is_unbuilt(compiled, model)


class FirstOfAll(keras_internals.SymbolicBuildModel):
    """Takes a batch of zeros for the first one."""

    def __init__(self, batch):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.batch = batch
        self.asked = []

    def call(self, inputs):
        return self.dense(inputs)

    def first_batch(self, iterator, data_batch):
        self.asked.append((iterator is not None, data_batch is not None))
        return self.batch


@pytest.mark.parametrize("batch", [None, (tf.zeros((1, 2)), tf.zeros((1, 1)))])
def test_a_model_is_built_from_the_batch_that_it_picks(batch):
    for name in ("_maybe_symbolic_build", "_symbolic_build"):
        parameters = inspect.signature(getattr(keras.Model, name)).parameters
        defaults = {p.name: p.default for p in parameters.values()}
        assert defaults.pop("self") is inspect.Parameter.empty
        assert defaults == {"iterator": None, "data_batch": None}
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = FirstOfAll(batch)
        model.compile("adam", "mse", jit_compile=False)
        model._maybe_symbolic_build(data_batch=(X, X[:, :1]))
    assert model.dense.kernel.shape == (2, 1)
    assert model.optimizer.built
    model.fit(X, X[:, :1], verbose=0)
    model.evaluate(X, X[:, :1], verbose=0)
    model.train_on_batch(X, X[:, :1])
    # Once a call, before the first step.
    iterators = [(True, False)] * 2
    assert model.asked == [(False, True), *iterators, (False, True)]


@pytest.mark.parametrize("kind", ["train", "test"])
def test_fit_makes_and_calls_the_function_of_a_step(kind):
    """What kd_keras.distiller overrides under its public names."""
    made, called = [], []

    def step(iterator):
        called.append(next(iterator))
        return {"loss": 5.0}

    class Own(OwnStep):
        def make(self, force=False):
            made.append(force)
            setattr(self, f"{kind}_function", step)

    setattr(Own, f"make_{kind}_function", Own.make)
    make = getattr(keras.Model, f"make_{kind}_function")
    assert inspect.signature(make).parameters["force"].default is False
    model = Own()
    model.compile("sgd", jit_compile=False)
    assert getattr(model, f"{kind}_function") is None
    run = model.fit if kind == "train" else model.evaluate
    run(X, X, verbose=0)
    assert (made, len(called)) == ([False], 1)


class Box:
    """Keras does not look into objects that are none of its own."""

    def __init__(self, model):
        self.model = model


class Holder(keras_internals.HidingModel):
    hidden = ("guest",)

    @property
    def guest(self):
        return self.box.model

    @guest.setter
    def guest(self, model):
        self.box = Box(model)


class OpenHolder(keras.Model):
    """What Keras does where nothing is hidden."""


@pytest.mark.parametrize("cls", [Holder, OpenHolder])
def test_what_is_hidden_is_neither_tracked_nor_saved(cls, tmp_path):
    guest = linear()
    host = cls()
    host.own = keras.layers.Dense(1)
    host.guest = guest
    host.own.build((None, 2))
    host.built = True
    assert host.guest is guest
    hides = cls is Holder
    assert len(host.weights) == (2 if hides else 4)
    assert ("guest" in dir(host)) is not hides
    host.save_weights(tmp_path / "host.weights.h5")
    arrays = []
    with h5py.File(tmp_path / "host.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                arrays.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
    assert len(arrays) == (2 if hides else 4)
