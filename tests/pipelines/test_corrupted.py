"""Predictions on damaged data: what they are, and when they are made again."""

import keras
import numpy as np
import pytest
import study_config

from kd_keras import files
from kd_keras.datasets import corruptions
from pipelines.studies import config as configs
from pipelines.studies import (
    corrupted,
    corruption_options,
    predictions,
    run_record,
    sealed,
)
from pipelines.studies.layout import Run, run_dir

RUNS = [Run("teacher", 3), Run("nds", 3), Run("ds", 3, 4.0)]
NAMES = ("gaussian_noise", "contrast")


def write_config(workdir, names=NAMES):
    config = study_config.made_up("tiny", (3,), (4.0,))
    config["evaluation"]["corruptions"] = list(names)
    sealed.write(f"{workdir}/config.json", {"config": config})


def write_run(workdir, run, dataset, seed):
    """A model that nobody trained, and its predictions."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(3),
        ]
    )
    directory = run_dir(workdir, run)
    files.gfile.makedirs(directory)
    model.save(f"{directory}/model.keras")
    for split in predictions.SPLITS:
        found = predictions.predict(model, dataset, split)
        predictions.write(directory, split, found)
    run_record.write(directory, run, configs.read_config(workdir), {})
    return model


@pytest.fixture(scope="module")
def study(tmp_path_factory, tiny_dataset):
    workdir = str(tmp_path_factory.mktemp("study"))
    write_config(workdir)
    models = {
        run: write_run(workdir, run, tiny_dataset, i) for i, run in enumerate(RUNS)
    }
    corrupted.ensure(workdir, lambda: tiny_dataset)
    return workdir, models


def read(workdir, run, name, splits=("test",)):
    record = run_record.read(workdir, run, configs.read_config(workdir))
    return corrupted.read(workdir, run, record, name, splits)


def forbidden():
    raise AssertionError("The data set is read again.")


def path(workdir, run, name):
    return f"{run_dir(workdir, run)}/corrupted/{name}.npz"


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.model)
def test_every_model_is_asked_about_the_same_damaged_examples(study, tiny_dataset, run):
    workdir, models = study
    for name in NAMES:
        found = read(workdir, run, name, ("validation", "test"))
        for split, (ids, logits) in found.items():
            clean = next(tiny_dataset.splits[split].batch(50).as_numpy_iterator())
            np.testing.assert_array_equal(ids, clean["id"].astype("S"))
            assert logits.shape == (5, len(ids), 3)
            for severity in (1, 5):
                damaged = corruptions.corrupt(
                    tiny_dataset.splits[split], tiny_dataset.spec, name, severity
                )
                images = next(damaged.batch(50).as_numpy_iterator())["image"]
                np.testing.assert_allclose(
                    logits[severity - 1],
                    models[run].predict_on_batch(images),
                    rtol=1e-5,
                    atol=1e-5,
                )


def test_only_what_is_missing_or_damaged_is_made_again(study, tiny_dataset, capsys):
    workdir, _ = study
    corrupted.ensure(workdir, forbidden)  # All is there.
    paths = [path(workdir, run, name) for run in RUNS for name in NAMES]
    before = {p: files.read_bytes(p) for p in paths}
    files.gfile.remove(paths[1])
    files.write_bytes(paths[2], before[paths[2]][:-40])
    with pytest.raises(ValueError, match=r"gaussian_noise\.npz is not what was writ"):
        read(workdir, RUNS[1], NAMES[0])
    with pytest.raises(corrupted.MissingError, match=r"is missing\. Run the study"):
        read(workdir, RUNS[0], NAMES[1])
    corrupted.ensure(workdir, lambda: tiny_dataset)
    assert "predicted again: " in capsys.readouterr().out
    after = {p: files.read_bytes(p) for p in paths}
    # Zip files tell the time.
    changed = [i for i, p in enumerate(paths) if before[p] != after[p]]
    assert set(changed) <= {1, 2}
    for run in RUNS[:2]:
        assert read(workdir, run, NAMES[0])["test"][1].shape == (5, 50, 3)


def test_another_model_or_corruption_is_asked_anew(tmp_path, tiny_dataset):
    workdir = str(tmp_path)
    write_config(workdir, [])
    write_run(workdir, RUNS[0], tiny_dataset, 0)
    corrupted.ensure(workdir, forbidden)  # No damage, no cost.
    assert not files.exists(f"{run_dir(workdir, RUNS[0])}/corrupted")
    write_config(workdir, NAMES[:1])
    corrupted.ensure(workdir, lambda: tiny_dataset)
    before = read(workdir, RUNS[0], NAMES[0])["test"][1]
    write_run(workdir, RUNS[0], tiny_dataset, 1)
    with pytest.raises(corrupted.MissingError, match="of another model or of other"):
        read(workdir, RUNS[0], NAMES[0])
    corrupted.ensure(workdir, lambda: tiny_dataset)
    assert not np.allclose(read(workdir, RUNS[0], NAMES[0])["test"][1], before)


def test_predictions_of_an_earlier_corruption_are_not_taken(
    tmp_path, tiny_dataset, monkeypatch
):
    workdir = str(tmp_path)
    write_config(workdir, NAMES[:1])
    write_run(workdir, RUNS[0], tiny_dataset, 0)
    corrupted.ensure(workdir, lambda: tiny_dataset)
    monkeypatch.setitem(corrupted.VERSIONS, NAMES[0], 2)
    with pytest.raises(corrupted.MissingError, match="of another model or of other"):
        read(workdir, RUNS[0], NAMES[0])


def test_bad_names_are_refused_before_any_training(tiny_dataset):
    def config(names):
        return {"evaluation": {"split": "test", "corruptions": names}}

    with pytest.raises(ValueError, match=r"--config\.evaluation\.corruptions: Unknown"):
        corruption_options.validate(config(("contrasts",)))
    for names in ("contrast", ("contrast", "contrast")):
        with pytest.raises(ValueError, match="must be a tuple of distinct names"):
            corruption_options.validate(config(names))
    corruption_options.validate({"evaluation": {}})
    corruption_options.require(config(NAMES), tiny_dataset.spec)
    message = r"--config\.evaluation\.corruptions: The corruption 'typos' is for texts"
    with pytest.raises(ValueError, match=message):
        corruption_options.require(config(("typos",)), tiny_dataset.spec)
