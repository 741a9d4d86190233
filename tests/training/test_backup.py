"""What a killed fit leaves behind, and what is made of it."""

import keras
import numpy as np
import pytest

from kd_keras.training.backup import Backup

X, Y = np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]])


def make(directory, is_chief=True):
    """A model that has taken no step, and its backup."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.set_weights([np.zeros((1, 1)), np.zeros(1)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    backup = Backup(str(directory), is_chief)
    backup.set_model(model)
    return model, backup


def train(model, backup, epochs):
    for epoch in epochs:
        loss = model.train_on_batch(X, Y)
        backup.on_epoch_end(epoch, {"loss": float(loss)})


def test_the_state_is_that_of_the_last_epoch(tmp_path):
    model, backup = make(tmp_path)
    train(model, backup, range(3))
    names = [path.name for path in (tmp_path / "backup").iterdir()]
    assert names == ["3.weights.h5"]
    other, restored = make(tmp_path)
    assert restored.restore(other) == 3
    assert restored.history == backup.history
    assert len(restored.history) == 3
    for one, two in zip(
        [*model.weights, *model.optimizer.variables],
        [*other.weights, *other.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


def test_nothing_is_there(tmp_path):
    model, backup = make(tmp_path)
    assert backup.restore(model) == 0
    # Killed before the first file.
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "1.weights.h5.0f3a.partial").write_bytes(b"half")
    assert backup.restore(model) == 0
    assert backup.history == []


def test_a_kill_between_two_backups_leaves_both_and_the_newest_is_used(tmp_path):
    # The number counts, not the order of the names: 9 comes before 10.
    model, backup = make(tmp_path)
    train(model, backup, range(9))
    ninth = (tmp_path / "backup" / "9.weights.h5").read_bytes()
    train(model, backup, [9])
    (tmp_path / "backup" / "9.weights.h5").write_bytes(ninth)
    other, restored = make(tmp_path)
    assert restored.restore(other) == 10
    assert len(restored.history) == 10
    for one, two in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert int(other.optimizer.iterations) == 10


def test_a_history_that_is_ahead_of_the_backup_is_cut(tmp_path):
    # Killed behind history.csv and before the weights of the third epoch.
    model, backup = make(tmp_path)
    train(model, backup, range(2))
    expected = list(backup.history)
    backup.record({"loss": 99.0})
    assert (tmp_path / "history.csv").read_text().count("\n") == 4
    other, restored = make(tmp_path)
    assert restored.restore(other) == 2
    assert restored.history == expected
    train(other, restored, [2])
    assert "99.0" not in (tmp_path / "history.csv").read_text()
    assert len(restored.history) == 3


def test_a_callback_may_log_at_some_epochs_only(tmp_path):
    model, backup = make(tmp_path)
    backup.on_epoch_end(0, {"loss": 1.0})
    backup.on_epoch_end(1, {"loss": 0.5, "gap": np.float32(0.25)})
    backup.on_epoch_end(2)
    assert (tmp_path / "history.csv").read_bytes() == (
        b"epoch,loss,gap\n0,1.0,\n1,0.5,0.25\n2,,\n"
    )
    _, restored = make(tmp_path)
    restored.restore(model)
    assert restored.history == [{"loss": 1.0}, {"loss": 0.5, "gap": 0.25}, {}]


def test_only_the_chief_writes(tmp_path):
    model, backup = make(tmp_path, is_chief=False)
    train(model, backup, range(2))
    assert list(tmp_path.iterdir()) == []
    assert len(backup.history) == 2


def test_a_broken_backup_is_named(tmp_path):
    model, backup = make(tmp_path)
    train(model, backup, [0])
    path = tmp_path / "backup" / "1.weights.h5"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=rf"The backup {path} cannot be used"):
        backup.restore(model)
