"""Optimizers and learning rates by their formulas."""

import keras
import numpy as np
import pytest

from kd_keras import training


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("step", [1.0, 1.0, 0.1, 0.01]),
        # (1 + cos(pi * step / 40)) / 2
        ("cosine", [1.0, 0.853553, 0.5, 0.146447]),
        ("linear", [1.0, 0.75, 0.5, 0.25]),
    ],
)
def test_schedules(schedule, rates):
    made = training.optimizer(
        "sgd", learning_rate=1.0, schedule=schedule, total_steps=40
    )
    # A boundary step still has the old rate, so look just behind it.
    for step, rate in zip((0, 10, 20, 30), rates, strict=True):
        made.iterations.assign(step + (schedule == "step"))
        np.testing.assert_allclose(float(made.learning_rate), rate, rtol=1e-5)


def test_warm_up_rises_to_the_schedule_and_is_saved_with_the_model(tmp_path):
    made = training.optimizer(
        "sgd", learning_rate=2.0, schedule="linear", total_steps=30, warmup_steps=10
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(made, "mse")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").optimizer
    # 2 step / 10, then 2 (30 - step) / 20.
    for step, rate in {0: 0.0, 5: 1.0, 9: 1.8, 10: 2.0, 20: 1.0, 30: 0.0}.items():
        for optimizer in (made, loaded):
            optimizer.iterations.assign(step)
            np.testing.assert_allclose(float(optimizer.learning_rate), rate, rtol=1e-6)


def test_unknown_names_list_what_there_is():
    options = {"learning_rate": 0.1, "schedule": "constant", "total_steps": 10}
    with pytest.raises(ValueError, match=r"'adams'.*adam, adamw, sgd"):
        training.optimizer("adams", **options)
    with pytest.raises(ValueError, match=r"'cos'.*constant, cosine, linear, step"):
        training.optimizer("adam", **options | {"schedule": "cos"})


def rates(made, steps):
    found = []
    for step in steps:
        made.iterations.assign(step)
        found.append(float(made.learning_rate))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # 0.4 (1 + cos(pi * step / 40)) / 2
        ("cosine", {0: 0.4, 10: 0.3414214, 40: 0.0}),
        ("linear", {0: 0.4, 10: 0.3, 40: 0.0, 50: 0.0}),
        # Up to 20, up to 30, and behind them.
        ("step", {0: 0.4, 20: 0.4, 21: 0.04, 30: 0.04, 31: 0.004}),
        ("constant", {0: 0.4, 50: 0.4}),
    ],
)
def test_schedules_begin_at_the_learning_rate(schedule, expected):
    made = training.optimizer(
        "adam", learning_rate=0.4, schedule=schedule, total_steps=40
    )
    found = rates(made, expected)
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-5, atol=1e-8)


def test_a_step_of_a_total_that_does_not_divide():
    # 43 // 2 and 129 // 4.
    made = training.optimizer("sgd", learning_rate=1.0, schedule="step", total_steps=43)
    found = rates(made, [21, 22, 32, 33])
    np.testing.assert_allclose(found, [1.0, 0.1, 0.1, 0.01], rtol=1e-5)


def test_a_warm_up_that_is_all_of_the_training():
    made = training.optimizer(
        "sgd", learning_rate=1.0, schedule="cosine", total_steps=10, warmup_steps=10
    )
    # One step is left for the cosine.
    np.testing.assert_allclose(rates(made, [5, 10, 11]), [0.5, 1, 0], atol=1e-6)


def test_what_comes_after_the_warm_up_begins_at_its_last_step():
    rate = training.WarmUp(1.0, 10, 0.5)
    found = [float(rate(step)) for step in (0, 9, 10, 11)]
    np.testing.assert_allclose(found, [0, 0.9, 0.5, 0.5], rtol=1e-6)
    later = keras.optimizers.schedules.PolynomialDecay(4.0, 4, 0.0)
    rate = training.WarmUp(1.0, 10, later)
    found = [float(rate(step)) for step in (9, 10, 11, 14)]
    np.testing.assert_allclose(found, [0.9, 4, 3, 0], rtol=1e-6)


def test_a_warm_up_is_saved_under_its_name():
    made = training.WarmUp(2.0, 5, keras.optimizers.schedules.CosineDecay(2.0, 9))
    saved = keras.saving.serialize_keras_object(made)
    assert saved["registered_name"] == "kd_keras>WarmUp"
    restored = keras.saving.deserialize_keras_object(saved)
    assert (restored.peak, restored.steps) == (2.0, 5)
    assert restored.after.get_config() == made.after.get_config()


@pytest.mark.parametrize(
    ("name", "cls", "options"),
    [
        ("sgd", keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
        ("adam", keras.optimizers.Adam, {"beta_1": 0.5}),
        ("adamw", keras.optimizers.AdamW, {"weight_decay": 0.2}),
    ],
)
def test_an_optimizer_gets_its_options(name, cls, options):
    made = training.optimizer(
        name, learning_rate=0.25, schedule="constant", total_steps=4, **options
    )
    assert type(made) is cls
    assert float(made.learning_rate) == 0.25
    assert {key: getattr(made, key) for key in options} == options
