"""Every way in which Keras runs a step gives the same numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.distiller import Distiller

SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype("float32")
Y = RNG.integers(0, 3, 24)


def network(width, seed, dtype=None):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(width, "relu", name="hidden", dtype=dtype)(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, dtype=dtype)(hidden))


def fit(optimizer=None, dtype=None, batch_size=8, soft_loss="kl", **compile_options):
    hint = losses.FeatureHint("hidden", "hidden", name="hint")
    distiller = Distiller(
        student=network(4, 1, dtype),
        teacher=network(4, 2),
        temperature=2.0,
        alpha=0.6,
        hints=[hint],
        soft_loss=soft_loss,
    )
    distiller.compile(
        optimizer or keras.optimizers.Adam(0.01), SPARSE, **compile_options
    )
    history = distiller.fit(
        X, Y, epochs=3, batch_size=batch_size, shuffle=False, verbose=0
    ).history
    return history, distiller


@pytest.fixture(scope="module")
def plain():
    return fit()


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"run_eagerly": True}, 1e-5),
        ({"jit_compile": True}, 1e-5),
        ({"steps_per_execution": 2}, 1e-6),
    ],
    ids=["eager", "jit", "steps_per_execution"],
)
def test_same_numbers(plain, options, tolerance):
    history, _ = fit(**options)
    for name, values in plain[0].items():
        np.testing.assert_allclose(history[name], values, rtol=tolerance, err_msg=name)


@pytest.mark.parametrize("soft_loss", ["dist", "decoupled", "jensen_shannon"])
def test_jit_of_the_other_losses(soft_loss):
    histories = [fit(soft_loss=soft_loss, jit_compile=jit)[0] for jit in (True, False)]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(plain, policy):
    dtype = keras.DTypePolicy(policy)
    history, distiller = fit(dtype=dtype)
    # bfloat16 keeps 8 bits: 2^-8 in every logit.
    np.testing.assert_allclose(history["loss"], plain[0]["loss"], rtol=2e-2)
    assert {v.dtype for v in distiller.trainable_variables} == {"float32"}


def test_loss_scaling_unscales_the_update(plain):
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))
    history, _ = fit(optimizer)
    np.testing.assert_allclose(history["loss"], plain[0]["loss"], rtol=1e-5)


def test_a_float16_policy_scales_the_loss():
    keras.config.set_dtype_policy("mixed_float16")
    student = network(4, 1)
    keras.config.set_dtype_policy("float32")
    distiller = Distiller(student=student, teacher=network(4, 2))
    distiller.compile("adam", SPARSE)
    assert isinstance(distiller.optimizer, keras.optimizers.LossScaleOptimizer)
    assert np.isfinite(distiller.fit(X, Y, verbose=0).history["loss"]).all()


def test_gradient_accumulation_equals_a_larger_batch():
    weights = []
    for batch_size, steps in ((8, None), (4, 2)):
        optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps)
        weights.append(fit(optimizer, batch_size=batch_size)[1].get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_moving_average_of_the_weights_is_that_of_keras():
    weights = []
    for wrap in (False, True):
        student = network(4, 1)
        model = (
            Distiller(student=student, teacher=network(4, 2), alpha=0.0)
            if wrap
            else student
        )
        optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
        model.compile(optimizer, SPARSE)
        model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0)
        weights.append(student.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_predict_is_the_student(plain):
    distiller = plain[1]
    np.testing.assert_array_equal(
        distiller.predict(X, verbose=0), distiller.student.predict(X, verbose=0)
    )


def test_validation_logs(plain):
    distiller = plain[1]
    history = distiller.fit(X, Y, validation_data=(X, Y), verbose=0).history
    names = {"loss", "hard_loss", "soft_loss", "hint", "agreement"}
    assert set(history) == names | {f"val_{name}" for name in names}


def test_a_schedule_may_be_set_while_training():
    class Switch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.alpha = keras.optimizers.schedules.PolynomialDecay(
                    1.0, 1, 1.0
                )

    distiller = Distiller(student=network(4, 1), teacher=network(4, 2), alpha=0.0)
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE)
    logs = distiller.fit(X, Y, epochs=2, callbacks=[Switch()], verbose=0).history
    assert logs["loss"][0] == pytest.approx(logs["hard_loss"][0], rel=1e-6)
    assert logs["loss"][1] == pytest.approx(logs["soft_loss"][1], rel=1e-6)


def test_warmup_of_the_decoupled_loss():
    # Steps 0 and 1 of 2: no soft term in the first, half of it in the second.
    distiller = Distiller(
        student=network(4, 1),
        teacher=network(4, 2),
        alpha=1.0,
        soft_loss=losses.DecoupledLoss(warmup_steps=2),
    )
    distiller.compile(keras.optimizers.SGD(0.0), SPARSE)
    logs = distiller.fit(X, Y, epochs=3, batch_size=24, verbose=0).history
    np.testing.assert_allclose(
        logs["loss"], np.array([0, 0.5, 1]) * logs["soft_loss"], rtol=1e-6
    )


def test_training_a_dataset_of_the_tf_data_kind():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    distiller = Distiller(student=network(4, 1), teacher=network(4, 2))
    distiller.compile("adam", SPARSE)
    losses_seen = distiller.fit(data, epochs=30, verbose=0).history["loss"]
    assert losses_seen[-1] < losses_seen[0]
