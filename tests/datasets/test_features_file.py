"""A folder of TensorFlow Datasets may be an enemy's; nothing that it names is run."""

import json
import pathlib

import pytest

from kd_keras import datasets
from kd_keras.datasets.features_file import require_own_features

INFO = {
    "name": "mnist",
    "version": "3.0.1",
    "fileFormat": "tfrecord",
    "splits": [{"name": "train", "shardLengths": ["1"], "numBytes": "1"}],
}
EVIL = [
    {"type": "payload.Feature", "content": {}},
    {
        "pythonClassName": "tensorflow_datasets.core.features.features_dict."
        "FeaturesDict",
        "featuresDict": {"features": {"x": {"pythonClassName": "payload.Feature"}}},
    },
]


def written(root: pathlib.Path, name: str, features: object) -> pathlib.Path:
    folder = root / name / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text(json.dumps(INFO))
    (folder / "features.json").write_text(json.dumps(features))
    return folder


@pytest.mark.parametrize("features", EVIL)
@pytest.mark.parametrize("name", ["mnist", "own_set", "cifar10"])
def test_no_module_of_the_folder_is_imported(tmp_path, monkeypatch, name, features):
    """As it was: TFDS imported payload.py, which lay in the current directory."""
    (tmp_path / "payload.py").write_text("raise SystemExit('the folder is run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    folder = written(tmp_path / "data", name, features)
    named = "cifar10" if name == "cifar10" else f"tfds:{name}"
    with pytest.raises(ValueError, match=r"names the class 'payload\.Feature'") as said:
        datasets.load(named, data_dir=str(tmp_path / "data"))
    assert str(folder) in str(said.value)


def test_a_feature_may_be_called_type(tmp_path):
    own = {"pythonClassName": "tensorflow_datasets.core.features.text_feature.Text"}
    written(tmp_path, "mnist", {"featuresDict": {"features": {"type": own}}})
    require_own_features(str(tmp_path / "mnist"))
    require_own_features(str(tmp_path / "nowhere"))
    (tmp_path / "mnist" / "3.0.1" / "features.json").write_text("{")
    with pytest.raises(ValueError, match=r"features\.json is no JSON"):
        require_own_features(str(tmp_path / "mnist"))
