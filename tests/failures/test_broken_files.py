"""A file that is broken or missing is named, with what to do; then all goes on."""

import keras
import numpy as np
import pytest

from configs import demo
from kd_keras import files, training
from kd_keras.datasets import Dataset
from pipelines.evaluation import evaluation_data as examples
from pipelines.studies import model_files, run_record
from pipelines.studies.layout import Run


def _fit(dataset, directory, epochs):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((12, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    options = {"directory": str(directory), "batch_size": 32, "seed": 0}
    training.fit(model, dataset, epochs=epochs, **options)
    return model.get_weights()


@pytest.mark.parametrize("damage", ["truncated", "other bytes"])
def test_a_corrupt_checkpoint(tiny_dataset, tmp_path, damage):
    expected = _fit(tiny_dataset, tmp_path / "whole", 3)
    _fit(tiny_dataset, tmp_path / "cut", 2)
    path = tmp_path / "cut" / "backup" / "2.weights.h5"
    content = path.read_bytes()
    path.write_bytes(content[:1000] if damage == "truncated" else b"no weights")
    with pytest.raises(ValueError, match=r"backup .*2\.weights\.h5 cannot be used"):
        _fit(tiny_dataset, tmp_path / "cut", 3)
    path.unlink()  # As the message says.
    for one, two in zip(_fit(tiny_dataset, tmp_path / "cut", 3), expected, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("damage", ["missing", "truncated", "of another kind"])
def test_a_broken_teacher(tmp_path, damage):
    config = demo.get_config()
    path = tmp_path / "teacher" / "seed0" / "model.keras"
    path.parent.mkdir(parents=True)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.save(path)
    if damage == "of another kind":
        path.write_bytes(b"no model")
    run_record.write(str(path.parent), Run("teacher", 0), config, {})
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "missing":
        path.unlink()
    with pytest.raises(ValueError, match=r"needs its teacher.*model\.keras") as error:
        model_files.load_teacher(config, str(tmp_path), 0)
    assert f"Delete {path.parent} and run the study again" in str(error.value)


def _write_examples(dataset, tmp_path):
    record = examples.ensure(str(tmp_path), "test", {}, lambda: dataset)
    return record, tmp_path / "evaluation_data" / "test-00001.tfrecord"


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "a record less"])
def test_corrupt_evaluation_examples(tiny_dataset, tmp_path, monkeypatch, damage):
    monkeypatch.setattr(examples, "SHARD_SIZE", 20)
    record, path = _write_examples(tiny_dataset, tmp_path)
    examples.verify(str(tmp_path), "test", record)
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[:-7])
    elif damage == "other bytes":
        path.write_bytes(content[:500] + b"!!!" + content[503:])
    else:
        path.write_bytes(content[: len(content) // 20])  # Equally long records.
    with pytest.raises(ValueError, match=r"truncated or corrupt. Delete .*tfrecord"):
        examples.verify(str(tmp_path), "test", record)
    path.unlink()  # As the message says.
    again, _ = _write_examples(tiny_dataset, tmp_path)
    assert again == record
    assert path.read_bytes() == content
    examples.verify(str(tmp_path), "test", record)


def test_a_run_that_lacks_its_last_file_is_no_run(tmp_path):
    from pipelines.studies import layout

    run = Run("nds", 0)
    files.write_bytes(str(tmp_path / run.directory / "model.keras"), b"")
    assert not layout.is_complete(str(tmp_path), run)


def test_a_directory_on_a_file_system_without_renaming_gets_its_last_file_last(
    monkeypatch,
):
    files.write_text("ram://last/a.partial/run.json", "{}")
    for name in ("model.keras", "export/1/saved_model.pb", "z"):
        files.write_text(f"ram://last/a.partial/{name}", name)
    copied = []
    copy = files.gfile.copy

    def copying(source, target):
        copied.append(target)
        copy(source, target)

    monkeypatch.setattr(files.gfile, "copy", copying)
    files.replace_directory("ram://last/a.partial", "ram://last/a", last="run.json")
    assert len(copied) == 4
    assert copied[-1] == "ram://last/a/run.json"
    assert files.read_text("ram://last/a/export/1/saved_model.pb") == (
        "export/1/saved_model.pb"
    )


def test_a_data_set_without_examples_is_refused(tiny_dataset):
    empty = tiny_dataset.splits["train"].take(0)
    with pytest.raises(ValueError, match="known number of examples, at least one"):
        training.steps_per_epoch(Dataset(tiny_dataset.spec, {"train": empty}), 8)
