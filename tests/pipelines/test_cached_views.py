"""A study whose students are augmented and whose teacher runs once."""

import csv
import io

import keras
import pytest

from configs import demo
from kd_keras import files, models
from pipelines.studies import config as configs
from pipelines.studies import config_checks, layout, run_record, runs
from pipelines.studies.layout import Run

TEACHER, DS = Run("teacher", 0), Run("ds", 0, 4.0)


def _config(**fields):
    config = demo.get_config()
    for recipe in (config.teacher, config.student):
        recipe.model = "resnet20"
        recipe.model_options = {"depth": 8}
        recipe.epochs, recipe.batch_size = 2, 16
        recipe.augmentation = "pad_crop_flip"
    config.update(fields)
    config_checks.validate(config)
    return config


def _history(workdir, run):
    text = files.read_text(f"{layout.run_dir(workdir, run)}/history.csv")
    return [
        {name: float(value) for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(text))
    ]


def test_as_many_views_as_epochs_are_the_live_study(tmp_path, tiny_dataset):
    live, cached = str(tmp_path / "live"), str(tmp_path / "cached")
    of = {
        live: _config(teacher_cache=""),
        cached: _config(teacher_cache="float32", teacher_cache_views=2),
    }
    keras.utils.set_random_seed(3)
    teacher = models.build("resnet20", (12, 12, 3), 3, depth=8)
    for workdir, config in of.items():
        configs.prepare_workdir(workdir, config)
        directory = layout.run_dir(workdir, TEACHER)
        files.gfile.makedirs(directory)
        teacher.save(f"{directory}/{run_record.MODEL_FILE}")
        run_record.write(directory, TEACHER, config, {})
        runs.train_run(config, tiny_dataset, workdir, DS)
    for one, other in zip(_history(live, DS), _history(cached, DS), strict=True):
        # Some classes have too few examples of a side for a gap.
        assert other == pytest.approx(one, rel=1e-3, nan_ok=True)
    made = files.read_json(f"{layout.run_dir(cached, TEACHER)}/cache/train/cache.json")
    assert made["identity"]["views"] == 2
    assert made["identity"]["augmentation"] == "pad_crop_flip"


def test_a_cache_may_be_made_in_bfloat16(tmp_path, tiny_dataset):
    config = _config(
        teacher_cache="float32",
        teacher_cache_views=2,
        teacher_cache_precision="bfloat16",
    )
    workdir, directory = str(tmp_path), layout.run_dir(str(tmp_path), TEACHER)
    configs.prepare_workdir(workdir, config)
    files.gfile.makedirs(directory)
    model = models.build("resnet20", (12, 12, 3), 3, depth=8)
    model.save(f"{directory}/{run_record.MODEL_FILE}")
    run_record.write(directory, TEACHER, config, {})
    runs.train_run(config, tiny_dataset, workdir, DS)
    for split in ("train", "validation"):
        made = files.read_json(f"{directory}/cache/{split}/cache.json")
        assert made["identity"]["precision"] == "bfloat16"
        assert made["largest_difference"] > 0
    with pytest.raises(ValueError, match=r"teacher_cache_precision must be one of"):
        _config(teacher_cache="", teacher_cache_precision="float16")
