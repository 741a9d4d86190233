"""FairnessMonitor on a real Distiller, against values worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.callbacks import FairnessMonitor
from kd_keras.datasets import DatasetSpec
from kd_keras.distiller import Distiller

SPEC = DatasetSpec(
    name="hand",
    features={"x": tf.TensorSpec((1,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={"color": ("red", "blue"), "size": ("small", "large")},
)
# The student predicts class 1 for x > 0, the teacher for x > 2.
EXAMPLES = {
    "x": np.array([[1.0], [3], [-1], [-1], [1], [-1], [-1], [-1], [3]], np.float32),
    "y": np.array([1, 1, 0, 0, 1, 1, 0, 0, 0]),
    "color": np.array([0, 0, 0, 0, 1, 1, 1, 1, -1]),
    "size": np.array([0, 1, 0, 1, 0, 1, 0, 1, 0]),
    "id": np.array([f"id{i}" for i in range(9)]),
}


def threshold_model(threshold):
    """Logits [0, x - threshold]."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    model.layers[0].set_weights(
        [np.array([[0.0, 1.0]]), np.array([0.0, -float(threshold)])]
    )
    return model


def distiller():
    model = Distiller(student=threshold_model(0), teacher=threshold_model(2))
    # A learning rate of 0 keeps the predictions that the numbers below assume.
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def batches(batch_size=4):
    return tf.data.Dataset.from_tensor_slices(EXAMPLES).batch(batch_size)


def fit(model, *callbacks, epochs=1):
    return model.fit(
        EXAMPLES["x"], EXAMPLES["y"], epochs=epochs, callbacks=callbacks, verbose=0
    )


@pytest.mark.parametrize("batch_size", [1, 4, 9])
def test_logs_equal_hand_worked_values(batch_size):
    history = fit(
        distiller(), FairnessMonitor(batches(batch_size), SPEC, min_examples=1)
    ).history
    # red: y 1100 p 1100, blue: y 1100 p 1000; selection 2/4 and 1/4, TPR 1 and 1/2.
    assert history["val_dpd_color"] == [0.25]
    assert history["val_eod_color"] == [0.5]
    # small: y 10100 p 10101, large: y 1010 p 1000. The example without a color is
    # small: FPR 1/3 and 0, TPR 1 and 1/2, selection 3/5 and 1/4.
    assert history["val_dpd_size"] == [pytest.approx(3 / 5 - 1 / 4, abs=1e-12)]
    assert history["val_eod_size"] == [0.5]
    # red 1, blue 3/4, small 4/5, large 3/4.
    assert history["val_worst_group_accuracy"] == [0.75]
    # Student and teacher differ on the two examples with x = 1.
    assert history["val_agreement"] == [pytest.approx(7 / 9, abs=1e-12)]


def test_measures_every_second_epoch():
    history = fit(
        distiller(), FairnessMonitor(batches(), SPEC, every=2, min_examples=1), epochs=5
    )
    assert len(history.history["loss"]) == 5
    assert len(history.history["val_dpd_color"]) == 2


def test_logits_at_hand_have_a_row_for_each_example():
    monitor = FairnessMonitor(batches(), SPEC, min_examples=1)
    # red: y 1100 p 1100, blue: y 1100 p 1000, as above.
    positive = np.array([1, 1, 0, 0, 1, 0, 0, 0, 0])
    logs = monitor.measure(np.stack([1 - positive, positive], 1))
    assert "val_dpd_color" in logs
    for rows in (8, 10):
        with pytest.raises(ValueError, match=rf"`logits` .* Received: {rows} for 9\."):
            monitor.measure(np.zeros((rows, 2)))


def test_stock_callbacks_read_the_logs(tmp_path):
    path = tmp_path / "best.weights.h5"
    stop = keras.callbacks.EarlyStopping("val_eod_color", mode="min", patience=1)
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, "val_agreement", save_weights_only=True, save_best_only=True, mode="max"
    )
    monitor = FairnessMonitor(batches(), SPEC, min_examples=1)
    history = fit(distiller(), monitor, stop, checkpoint, epochs=5)
    # The gap never improves, so training stops one epoch after the first.
    assert len(history.history["val_eod_color"]) == 2
    assert path.exists()


def test_model_without_teacher_has_no_agreement():
    model = threshold_model(0)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = fit(model, FairnessMonitor(batches(), SPEC, min_examples=1)).history
    assert "val_agreement" not in history
    assert "val_dpd_color" in history


def test_predictions_follow_the_weights():
    model = distiller()
    monitor = FairnessMonitor(batches(), SPEC, min_examples=1)
    monitor.set_model(model)
    monitor.on_train_begin()
    before, after = {}, {}
    monitor.on_epoch_end(0, before)
    model.student.layers[0].set_weights([np.array([[0.0, 1.0]]), np.array([0.0, -2])])
    monitor.on_epoch_end(1, after)
    assert before["val_agreement"] == pytest.approx(7 / 9, abs=1e-12)
    assert after["val_agreement"] == 1.0


def test_every_must_be_positive():
    with pytest.raises(ValueError, match="`every` must be a positive number"):
        FairnessMonitor(batches(), SPEC, every=0)


def test_agreement_with_cached_logits_runs_no_teacher():
    # As TeacherCache.join gives them: a teacher that always says yes.
    yes = np.tile(np.array([0, 1], np.float32), (9, 1))
    cached = EXAMPLES | {"y": {"labels": EXAMPLES["y"], "teacher_logits": yes}}
    dataset = tf.data.Dataset.from_tensor_slices(cached).batch(4)
    history = fit(distiller(), FairnessMonitor(dataset, SPEC, min_examples=1)).history
    # The student says yes to 4 of the 9 examples.
    assert history["val_agreement"] == [pytest.approx(4 / 9, abs=1e-12)]
    assert history["val_dpd_color"] == [0.25]


def test_no_agreement_where_the_teacher_may_not_run():
    monitor = FairnessMonitor(batches(), SPEC, run_teacher=False, min_examples=1)
    assert "val_agreement" not in fit(distiller(), monitor).history


def test_a_table_with_names_crossings_and_weights():
    table = {
        "x": EXAMPLES["x"],
        "y": np.array(["no", "yes"])[EXAMPLES["y"]],
        "color": np.array(["red", "blue", ""])[EXAMPLES["color"]],
        "size": np.array(["small", "large"])[EXAMPLES["size"]],
        "weight": np.array([1.0] * 8 + [2]),
    }
    crossing = ("color", "size")
    monitor = FairnessMonitor(
        table,
        SPEC,
        attributes=("size", crossing),
        sample_weight="weight",
        min_examples=1,
        batch_size=4,
    )
    logs = fit(distiller(), monitor).history
    # Large: selected 1 of 4. Small: the last, selected, has the weight 2.
    assert logs["val_dpd_size"] == [pytest.approx(4 / 6 - 1 / 4)]
    # Selected: 1 of 2 of red small, red large and blue small, no blue large.
    assert logs["val_dpd_color_x_size"] == [0.5]
    # Blue large: y 10, p 00.
    assert logs["val_worst_group_accuracy"] == [0.5]
    assert logs["val_agreement"] == [pytest.approx(8 / 10)]


def test_rates_of_few_examples_are_in_no_gap():
    with pytest.warns(UserWarning, match="red: 4 examples, not compared") as told:
        history = fit(distiller(), FairnessMonitor(batches(), SPEC), epochs=2).history
    # Once, for both attributes and all epochs.
    (told,) = (w for w in told if "FairnessMonitor" in str(w.message))
    assert "small: 5 examples, not compared" in str(told.message)
    assert np.isnan(history["val_dpd_color"]).all()
    assert np.isnan(history["val_worst_group_accuracy"]).all()


@pytest.mark.parametrize("last", [[], [keras.layers.Activation("sigmoid")]])
def test_one_score(last):
    dense = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((1,)), dense, *last])
    # All logits lie in [0, 1]; cut at 0.5, no one would be of class 1.
    dense.set_weights([np.array([[0.05]]), np.array([0.05])])
    loss = keras.losses.BinaryCrossentropy(from_logits=not last)
    model.compile(keras.optimizers.SGD(0.0), loss)
    logs = fit(model, FairnessMonitor(batches(), SPEC, min_examples=1)).history
    # 1 for x = 1 and 3, and 0 for x = -1, whose logit is 0.
    assert logs["val_dpd_color"] == [0.25]
    assert logs["val_worst_group_accuracy"] == [0.75]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scores": "odds"}, "`scores` must be one of"),
        ({"threshold": 1.5}, "`threshold` must be a probability"),
        ({"attributes": ["shape"]}, "`attributes` must be some of .* 'shape'"),
        ({"sample_weight": "weight"}, r"Missing: \['weight'\]"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        FairnessMonitor(batches(), SPEC, **options)
